//! `muster report`: a run's report again, from what was kept of it.

use std::path::PathBuf;

use clap::Args;

use super::outputs::Outputs;
use super::show::show;
use super::{Outcome, Problem};
use crate::exit::ExitCode;
use crate::journal::Replay;
use crate::report::Report;
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
}

pub(super) fn main(args: &ReportArgs) -> Outcome {
    let folder = RunFolder::find(&args.out, &args.run).map_err(problem)?;
    let result = if args.from_journal { None } else { folder.result().map_err(problem)? };
    let report = match result {
        Some(report) => report,
        None => told_again(&folder)?,
    };
    // One whose coordinator did not live to make a page of it has none yet.
    let _ = folder.keep_page(&report);
    show(&report, &args.outputs, Some(&folder))
}

fn told_again(folder: &RunFolder) -> Result<Report, Problem> {
    let Replay { record, torn, .. } = folder.replay().map_err(problem)?;
    if torn > 0 {
        eprintln!("left out: the last {torn} bytes of the journal, of which nothing was ever acknowledged");
    }
    Ok(Report::of(&record))
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
