//! `muster report`: a run's report again, from what was kept of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::outputs::Outputs;
use super::show::{show, show_window};
use super::{Outcome, Problem};
use crate::exit::ExitCode;
use crate::journal::Replay;
use crate::plan_file::parse_duration;
use crate::report::window::Window;
use crate::report::{ApdexInfo, Report};
use crate::run::record::RunRecord;
use crate::store::{RUNS, RunFolder, StoreError};

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The beginning of a run's identity, or a run's folder
    #[arg(value_name = "RUN|DIR")]
    run: String,
    /// The folder of all runs
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    out: PathBuf,
    #[command(flatten)]
    outputs: Outputs,
    /// Tell the run again from its journal, also if there is a result
    #[arg(long)]
    from_journal: bool,
    /// Only what was measured from this moment of the run on, such as 60s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    from: Option<Duration>,
    /// Only what was measured until this moment of the run
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    to: Option<Duration>,
    /// Add Apdex with this target, such as 500ms
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with_all = ["from", "to"])]
    apdex: Option<Duration>,
}

pub(super) fn main(args: &ReportArgs) -> Outcome {
    let folder = RunFolder::find(&args.out, &args.run).map_err(problem)?;
    if args.from.is_some() || args.to.is_some() {
        let file = args.outputs.of_a_window()?;
        let window = Window::of(&told_again(&folder)?, args.from.unwrap_or_default(), args.to);
        return show_window(&window.map_err(wrong)?, file);
    }
    let from_journal = args.from_journal || args.apdex.is_some();
    let result = if from_journal { None } else { folder.result().map_err(problem)? };
    let mut report = match result {
        Some(report) => report,
        None => {
            let record = told_again(&folder)?;
            let apdex = args.apdex.map(|target| ApdexInfo::of(&record, target)).transpose().map_err(wrong)?;
            Report { apdex, ..Report::of(&record) }
        }
    };
    if let Ok(Some(tags)) = folder.tags() {
        report.run.tags = tags;
    }
    // One whose coordinator did not live to make a page of it has none yet.
    let _ = folder.keep_page(&report);
    show(&report, &args.outputs, Some(&folder))
}

fn wrong(error: impl std::error::Error) -> Problem {
    Problem::new(ExitCode::BadPlan, format!("error: {error}"))
}

fn told_again(folder: &RunFolder) -> Result<RunRecord, Problem> {
    let Replay { record, torn, .. } = folder.replay().map_err(problem)?;
    if torn > 0 {
        eprintln!("left out: the last {torn} bytes of the journal, of which nothing was ever acknowledged");
    }
    Ok(record)
}

/// What a run that cannot be read comes to.
pub(super) fn problem(error: StoreError) -> Problem {
    let exit_code = match error {
        StoreError::Unknown { .. } | StoreError::Ambiguous { .. } => ExitCode::BadPlan,
        StoreError::Busy => ExitCode::Failure,
        StoreError::Io { .. } | StoreError::Journal { .. } => ExitCode::Storage,
    };
    Problem::new(exit_code, format!("error: {error}"))
}
