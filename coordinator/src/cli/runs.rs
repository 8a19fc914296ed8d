//! `muster runs`: what is kept of earlier runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Subcommand};

use super::run::key_value;
use super::{Outcome, Problem, colour_on_stdout, print};
use crate::begun::Begun;
use crate::exit::ExitCode;
use crate::history::{self, Asked, Fate, HistoryError, Retention};
use crate::plan_file::parse_duration;
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
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
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

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Remove old runs, but for those that go on or have a tag `keep` or `baseline`
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("retention").required(true))]
struct PruneArgs {
    #[command(flatten)]
    which: ChoiceArgs,
    /// How many of the latest stay
    #[arg(long, value_name = "N", group = "retention")]
    keep: Option<usize>,
    /// Remove those that began longer ago than this, such as 30d
    #[arg(long, value_name = "DURATION", group = "retention", value_parser = parse_duration)]
    older_than: Option<Duration>,
    /// Remove nothing, and tell what would be
    #[arg(long)]
    dry_run: bool,
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
    match &args.command {
        Some(RunsCommand::Prune(args)) => prune(args),
        None => list(args),
    }
}

/// Tells of each run what became of it, and fails where one could not be removed.
fn prune(args: &PruneArgs) -> Outcome {
    let aged = args.older_than.map(|age| Retention::for_as_long_as(age, Begun::now().wall));
    let retention = aged.unwrap_or(Retention::Latest(args.keep.unwrap_or(usize::MAX)));
    let fates = history::prune(&args.which.out, &args.which.asked(None), retention, args.dry_run).map_err(problem)?;
    let mut code = ExitCode::Passed;
    for (run, fate) in &fates {
        let line = text::run(run);
        match fate {
            Fate::Removed if args.dry_run => print(&format!("would remove   {line}\n")),
            Fate::Removed => print(&format!("removed   {line}\n")),
            Fate::Spared(why) => print(&format!("kept   {line}   {why}\n")),
            Fate::Stuck(error) => {
                eprintln!("error: {line}: {error}");
                code = ExitCode::Storage;
            }
        }
    }
    if fates.is_empty() {
        print("nothing to remove\n");
    }
    Ok(code)
}

fn list(args: &RunsArgs) -> Outcome {
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
