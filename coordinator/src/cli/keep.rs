//! What `muster run` keeps of a run, and where.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Problem;
use crate::begun::Begun;
use crate::compare::{Comparison, Limit};
use crate::conduct::Opening;
use crate::data::Data;
use crate::exit::ExitCode;
use crate::history::{self, Asked, Fate, Retention};
use crate::journal::{BYTES_MAX_DEFAULT, Head, Journal, JournalError};
use crate::plan_file::parse_size;
use crate::report::{Report, text};
use crate::run::life::RunSettings;
use crate::store::{RUNS, RunFolder};

#[derive(Debug, Args)]
#[command(next_help_heading = "What is kept")]
pub(super) struct KeepArgs {
    /// The folder of all runs; each has a folder of its own in it
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    out: PathBuf,
    /// Keep nothing of the run
    #[arg(long, conflicts_with_all = ["out", "journal_max"])]
    pub(super) no_store: bool,
    /// The largest journal; beyond, the run goes on unwritten [default: 4GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    journal_max: Option<u64>,
    /// Once this run is kept, remove all but so many of the latest of its plan, as `muster runs prune` does [default: keep all]
    #[arg(long, value_name = "N", env = "MUSTER_KEEP_RUNS")]
    keep_runs: Option<NonZeroUsize>,
}

impl KeepArgs {
    /// Opens a run whose folder, if it has one, is ready. Where agents join from elsewhere, it outlives the machine's power.
    pub(super) fn open(
        &self,
        settings: RunSettings,
        data: Data,
        listen: Option<SocketAddr>,
    ) -> Result<(Opening, Option<RunFolder>), Problem> {
        if self.no_store {
            return Ok((Opening { data, ..Opening::unwritten(settings) }, None));
        }
        let head = Head::new(settings, Begun::now(), listen);
        let (folder, journal) = self.begin(&head, &data, listen.is_some()).map_err(|error| {
            let text = format!(
                "error: cannot keep the run in {}: {error}\n\
                 hint: choose another folder with --out, or keep nothing with --no-store",
                self.out.display()
            );
            Problem::new(ExitCode::Storage, text)
        })?;
        Ok((Opening { data, ..Opening::written(head, journal) }, Some(folder)))
    }

    /// Removes what need not stay of the runs of a plan of this name, if its user wants that. It fails no run.
    pub(super) fn let_old_ones_go(&self, plan: &str) {
        let Some(most) = self.keep_runs.filter(|_| !self.no_store) else { return };
        let asked = Asked { name: Some(plan.to_owned()), ..Asked::default() };
        match history::prune(&self.out, &asked, Retention::Latest(most.get()), false) {
            Err(error) => eprintln!("old runs stay: {error}"),
            Ok(fates) => {
                let removed = fates.iter().filter(|(_, fate)| matches!(fate, Fate::Removed)).count();
                if removed > 0 {
                    eprintln!("removed {removed} old runs of this plan");
                }
                for (run, fate) in &fates {
                    if let Fate::Stuck(error) = fate {
                        eprintln!("an old run stays: {}: {error}", text::run(run));
                    }
                }
            }
        }
    }

    /// The folder of all runs.
    pub(super) fn runs(&self) -> &Path {
        &self.out
    }

    /// How large the journal may grow, in bytes.
    pub(super) fn journal_max(&self) -> u64 {
        self.journal_max.unwrap_or(BYTES_MAX_DEFAULT)
    }

    fn begin(&self, head: &Head, data: &Data, elsewhere: bool) -> Result<(RunFolder, Journal), JournalError> {
        let folder = RunFolder::create(&self.out, head.settings.id, &head.settings.plan, elsewhere)?;
        // Nobody goes on with a run whose agent is in this process.
        if elsewhere {
            folder.keep_rows(data)?;
        }
        let journal = folder.begin_journal(head, self.journal_max())?;
        Ok((folder, journal))
    }
}

/// Keeps a run's result in its folder.
pub(super) fn result(folder: &RunFolder, report: &Report) -> Result<(), Problem> {
    folder.keep(report).map_err(|error| {
        let text = format!("error: cannot keep the result in {}: {error}", folder.path().display());
        Problem::new(ExitCode::Storage, text)
    })
}

/// Keeps a comparison with the run before it in a run's folder, and says where.
pub(super) fn comparison(
    folder: &RunFolder,
    comparison: &Comparison,
    limits: &[Limit],
    runs: [&Report; 2],
) -> Result<PathBuf, Problem> {
    folder.keep_comparison(comparison, limits, runs).map_err(|error| {
        let text = format!("error: cannot keep the comparison in {}: {error}", folder.path().display());
        Problem::new(ExitCode::Storage, text)
    })
}
