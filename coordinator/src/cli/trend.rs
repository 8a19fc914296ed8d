//! `muster trend`: one number over the runs of a plan.

use std::path::PathBuf;

use clap::Args;

use super::outputs::put;
use super::runs::{ChoiceArgs, problem};
use super::{Outcome, Problem, colour_on_stdout, print};
use crate::exit::ExitCode;
use crate::history::{self, Measure, Scope, TrendError};
use crate::report::{html, text, trend};

#[derive(Debug, Args)]
pub(super) struct TrendArgs {
    /// What to show: p99, rate, failed, or a metric as in thresholds, such as "service_time: p(95)"
    #[arg(value_name = "METRIC")]
    measure: Measure,
    /// Of this request only
    #[arg(long)]
    request: Option<String>,
    /// Of this scenario only
    #[arg(long)]
    scenario: Option<String>,
    #[command(flatten)]
    which: ChoiceArgs,
    /// How many runs, the latest of them
    #[arg(long, value_name = "N", default_value_t = 30)]
    last: usize,
    /// As a page that needs nothing else, or - for standard output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// As JSON, or - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(super) fn main(args: &TrendArgs) -> Outcome {
    let scope = Scope { scenario: args.scenario.clone(), request: args.request.clone() };
    let trend = history::trend(&args.which.out, &args.which.asked(None), &args.measure, &scope, args.last);
    let shown = trend.map_err(|error| match error {
        TrendError::History(error) => problem(error),
        TrendError::NoRuns | TrendError::Ambiguous(_) => Problem::new(ExitCode::BadPlan, format!("error: {error}")),
    })?;
    if let Some(file) = &args.html {
        put(file, |out| html::write_trend(&shown, out))?;
    }
    if let Some(file) = &args.json {
        put(file, |out| trend::write(&shown, out))?;
    }
    let is_taken = [&args.html, &args.json].into_iter().flatten().any(|file| file.as_os_str() == "-");
    if !is_taken {
        print(&text::trend(&shown, colour_on_stdout()));
    }
    Ok(ExitCode::Passed)
}
