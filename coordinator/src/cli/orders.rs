//! `muster set`, `pause`, `resume`, `stop` and `annotate`: orders to a run that goes on.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use muster_proto::plan::Rate;

use super::report::problem;
use super::{Outcome, Problem, print};
use crate::exit::ExitCode;
use crate::plan_file::{parse_duration, parse_rate};
use crate::run::order::{Level, Order};
use crate::service::{ControlError, give};
use crate::store::{RUNS, RunFolder};

/// Which run.
#[derive(Debug, Args)]
pub(super) struct WhichArgs {
    /// The beginning of a run's identity, a run's folder, or "last"
    #[arg(value_name = "RUN|DIR")]
    run: String,
    /// The folder of all runs
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    out: PathBuf,
    /// The run's coordinator, if it is elsewhere and was started with --remote-control
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "out")]
    on: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("level").required(true))]
pub(super) struct SetArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// The scenario's name
    scenario: String,
    /// Arrivals, such as 500/s
    #[arg(long, value_name = "RATE", group = "level", value_parser = parse_rate)]
    rate: Option<Rate>,
    /// Users
    #[arg(long, value_name = "N", group = "level")]
    users: Option<u32>,
    /// How long it takes to get there, in a straight line
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    over: Duration,
}

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Cut off what is in flight
    #[arg(long)]
    now: bool,
}

#[derive(Debug, Args)]
pub(super) struct AnnotateArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// What is to be remembered at this moment
    text: String,
}

pub(super) fn set(args: SetArgs) -> Outcome {
    let level = args.rate.map(Level::Rate).or(args.users.map(Level::Users)).unwrap_or(Level::Users(0));
    order(&args.which, &Order::Set { scenario: args.scenario, level, over: args.over })
}

pub(super) fn stop(args: &StopArgs) -> Outcome {
    order(&args.which, &Order::Stop { now: args.now })
}

pub(super) fn annotate(args: AnnotateArgs) -> Outcome {
    order(&args.which, &Order::Annotate(args.text))
}

/// Gives an order, and prints what became of it.
pub(super) fn order(which: &WhichArgs, order: &Order) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::other(format!("the runtime: {error}")))?;
    let given = match &which.on {
        Some(address) => runtime.block_on(give(&format!("http://{address}"), &which.run, order)),
        None => {
            let folder = RunFolder::find(&which.out, &which.run).map_err(problem)?;
            if folder.result().map_err(problem)?.is_some() {
                let text = format!("error: the run has ended\nhint: its report: muster report {}", which.run);
                return Err(Problem::new(ExitCode::BadPlan, text));
            }
            let socket = folder.socket();
            let socket = socket.map_err(|error| Problem::other(format!("{}: {error}", folder.path().display())))?;
            runtime.block_on(give(&socket.address(), "", order))
        }
    };
    let (run, done) = given.map_err(|error| match error {
        ControlError::Refused(_) => Problem::new(ExitCode::BadPlan, format!("error: {error}")),
        ControlError::Unreachable { reason, at } => {
            let place = which.on.as_deref().map_or_else(|| format!("run {}", which.run), |_| at);
            Problem::other(format!(
                "nobody takes orders for {place}: {reason}\n\
                 hint: a run whose coordinator was killed goes on with muster run --resume"
            ))
        }
    })?;
    let moment = done.at_ns.map(|at_ns| format!(" (from {:.3} s on)", at_ns as f64 / 1e9)).unwrap_or_default();
    print(&format!("run {run}: {}{moment}\n", done.text));
    Ok(ExitCode::Passed)
}
