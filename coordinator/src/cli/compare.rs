//! `muster compare`: two kept runs side by side.

use std::path::{Path, PathBuf};

use clap::Args;

use super::outputs::put;
use super::report::problem;
use super::{Outcome, Problem, print};
use crate::compare::{Comparison, Limit, judged, text};
use crate::exit::ExitCode;
use crate::history::tagged;
use crate::report::{Report, html};
use crate::run::record::RunRecord;
use crate::store::{RUNS, RunFolder, StoreError};

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The run before: the beginning of its identity, its folder, or a tag such as release=1.4, which means the latest run of
    /// the other's plan that has it
    #[arg(value_name = "BEFORE")]
    before: String,
    /// The run after
    #[arg(value_name = "AFTER", default_value = "last")]
    after: String,
    /// The folder of all runs
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    out: PathBuf,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
    /// Write the comparison as a page that needs nothing else, or - for standard output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Fail if a number of all requests is shown to be so much worse, such as p99=5%
    #[arg(long, value_name = "NUMBER=PART")]
    max_regression: Vec<Limit>,
}

pub(super) fn main(args: &CompareArgs) -> Outcome {
    let after = told_again(&args.out, &args.after)?;
    let before = before(&args.out, &args.before, &after.plan.name)?;
    let comparison = Comparison::of(&before, &after);
    if let Some(file) = &args.html {
        let [before, after] = [&before, &after].map(Report::of);
        put(file, |out| html::write_comparison(&comparison, &args.max_regression, [&before, &after], out))?;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&comparison);
        print(&(json.map_err(|error| Problem::other(error.to_string()))? + "\n"));
    } else if args.html.as_deref() != Some(Path::new("-")) {
        print(&text::table(&comparison));
    }
    Ok(judge(&comparison, &args.max_regression))
}

/// Tells which bounds are broken or cannot be judged, and gives the exit code.
pub(super) fn judge(comparison: &Comparison, limits: &[Limit]) -> ExitCode {
    let judged = judged(comparison, limits);
    judged.iter().filter(|limit| limit.holds.is_none()).for_each(|limit| eprintln!("not judged: {}", limit.text));
    let broken: Vec<_> = judged.iter().filter(|limit| limit.holds == Some(false)).collect();
    broken.iter().for_each(|limit| eprintln!("regression: {}", limit.text));
    if broken.is_empty() { ExitCode::Passed } else { ExitCode::ThresholdsFailed }
}

/// The kept run that another of a plan of this name is compared with.
pub(super) fn before(runs: &Path, name: &str, plan: &str) -> Result<RunRecord, Problem> {
    match RunFolder::find(runs, name) {
        Err(StoreError::Unknown { .. }) => {
            let unknown = || {
                let text = format!(
                    "error: there is no run {name} in {}, no such folder, and no run of {plan} that has such a tag and came to a \
                     result",
                    runs.display()
                );
                Problem::new(ExitCode::BadPlan, text)
            };
            let folder = tagged(runs, name, plan).map_err(super::runs::problem)?.ok_or_else(unknown)?;
            Ok(folder.replay().map_err(problem)?.record)
        }
        _ => told_again(runs, name),
    }
}

/// A kept run, with all that its journal tells of each second.
pub(super) fn told_again(runs: &Path, name: &str) -> Result<RunRecord, Problem> {
    let folder = RunFolder::find(runs, name).map_err(problem)?;
    Ok(folder.replay().map_err(problem)?.record)
}
