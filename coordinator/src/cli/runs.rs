//! `muster runs`: what is kept of earlier runs.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::run::key_value;
use super::{Outcome, Problem, colour_on_stdout, print};
use crate::exit::ExitCode;
use crate::history::{self, Asked, HistoryError};
use crate::report::{KeptRun, kept, text};
use crate::store::RUNS;

/// What may become of a run.
const OUTCOMES: [&str; 10] = [
    "passed",
    "failed",
    "invalid",
    "aborted",
    "stopped",
    "incomplete",
    "interrupted",
    "broken",
    "going-on",
    "unreadable",
];

#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    #[command(flatten)]
    which: ChoiceArgs,
    /// Only runs that came out like this
    #[arg(long, value_name = "OUTCOME", value_parser = PossibleValuesParser::new(OUTCOMES))]
    outcome: Option<String>,
    /// How many, the latest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Which runs.
#[derive(Debug, Args)]
pub(super) struct ChoiceArgs {
    /// The folder of all runs
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    pub(super) out: PathBuf,
    /// Only runs of a plan of this name
    #[arg(long)]
    name: Option<String>,
    /// Only runs with this tag; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    tag: Vec<(String, String)>,
}

impl ChoiceArgs {
    pub(super) fn asked(&self, outcome: Option<String>) -> Asked {
        Asked { name: self.name.clone(), tags: self.tag.iter().cloned().collect(), outcome }
    }
}

pub(super) fn main(args: &RunsArgs) -> Outcome {
    let runs = history::runs(&args.which.out, &args.which.asked(args.outcome.clone())).map_err(problem)?;
    let total = runs.len();
    let shown: Vec<KeptRun> = runs.into_iter().take(args.last).map(|kept| kept.run).collect();
    if args.json {
        // A reader that has gone away is no problem.
        let _ = kept::write(&shown, total, std::io::stdout().lock());
    } else if total == 0 {
        print(&format!("no such runs in {}\n", args.which.out.display()));
    } else {
        print(&text::runs(&shown, total, colour_on_stdout()));
    }
    Ok(ExitCode::Passed)
}

/// What earlier runs of which nothing can be told come to.
pub(super) fn problem(error: HistoryError) -> Problem {
    Problem::new(ExitCode::Storage, format!("error: {error}"))
}
