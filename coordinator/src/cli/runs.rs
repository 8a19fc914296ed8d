//! `muster runs`: what is kept of earlier runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Subcommand};

use super::run::key_value;
use super::{Outcome, Problem, colour_on_stdout, print};
use crate::begun::Begun;
use crate::exit::ExitCode;
use crate::history::{self, Asked, Fate, HistoryError, RetagError, Retention};
use crate::plan_file::parse_duration;
use crate::report::{KeptRun, kept, text};
use crate::store::{RUNS, RunFolder};

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
    /// Only runs of which this is a part of the identity, the plan, a tag or the outcome, in small or capital letters
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// How many, the latest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Remove old runs, but for those that go on, have a tag `keep` or `baseline`, or are the baseline of one that stays
    Prune(PruneArgs),
    /// Give tags to a run that is kept, or take them from it; without any, tell which it has
    Tag(TagArgs),
}

#[derive(Debug, Args)]
struct TagArgs {
    /// The beginning of the run's identity, its folder, or last
    #[arg(value_name = "RUN|DIR")]
    run: String,
    /// What to note about it, in the place of an earlier value
    #[arg(value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Take this tag from it; may be given several times
    #[arg(long, value_name = "KEY")]
    remove: Vec<String>,
    /// The folder of all runs
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    out: PathBuf,
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
        Asked { name: self.name.clone(), tags: self.tag.iter().cloned().collect(), outcome, search: None }
    }
}

pub(super) fn main(args: &RunsArgs) -> Outcome {
    match &args.command {
        Some(RunsCommand::Prune(args)) => prune(args),
        Some(RunsCommand::Tag(args)) => tag(args),
        None => list(args),
    }
}

/// Changes a run's tags, and tells which it has then.
fn tag(args: &TagArgs) -> Outcome {
    let folder = RunFolder::find(&args.out, &args.run).map_err(super::report::problem)?;
    let tags = history::retag(&folder, &args.set, &args.remove).map_err(|error| {
        let code = match error {
            RetagError::Missing(_) | RetagError::TooMany => ExitCode::BadPlan,
            RetagError::Unknown | RetagError::Io(_) => ExitCode::Storage,
        };
        Problem::new(code, format!("error: {error}"))
    })?;
    print(&text::tags(&tags));
    Ok(ExitCode::Passed)
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
    let asked = Asked { search: args.search.clone(), ..args.which.asked(args.outcome.clone()) };
    let runs = history::runs(&args.which.out, &asked).map_err(problem)?;
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
