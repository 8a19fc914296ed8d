//! `muster validate`: what a plan would do, without doing it.

use std::path::PathBuf;

use clap::Args;

use super::run::key_value;
use super::{Outcome, Problem, colour_on_stderr, print};
use crate::exit::ExitCode;
use crate::plan_file::{PlanFile, Secrets};
use crate::{forecast, plan_file};

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The plan file
    plan: PathBuf,
    /// Print the plan as it is meant, every default filled in, as JSON
    #[arg(long)]
    resolved: bool,
    /// Give one of the plan's variables another value, as `muster run` does
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    var: Vec<(String, String)>,
}

pub(super) fn main(args: &ValidateArgs) -> Outcome {
    let plan = plan_file::read_with(&args.plan, Secrets::Hidden, &args.var);
    let PlanFile { plan, rows } =
        plan.map_err(|mistakes| Problem::new(ExitCode::BadPlan, mistakes.render(colour_on_stderr())))?;
    if args.resolved {
        print(&format!("{:#}\n", plan_file::resolved(&plan)));
    } else {
        print(&forecast::forecast(&plan, &rows));
    }
    Ok(ExitCode::Passed)
}
