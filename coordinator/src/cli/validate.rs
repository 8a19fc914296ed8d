//! `muster validate`: what a plan would do, without doing it.

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, Problem, colour_on_stderr, print};
use crate::exit::ExitCode;
use crate::plan_file::Secrets;
use crate::{forecast, plan_file};

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// The plan file
    plan: PathBuf,
    /// Print the plan as it is meant, every default filled in, as JSON
    #[arg(long)]
    resolved: bool,
}

pub(super) fn main(args: &ValidateArgs) -> Outcome {
    let plan = plan_file::read(&args.plan, Secrets::Hidden);
    let plan = plan.map_err(|mistakes| Problem::new(ExitCode::BadPlan, mistakes.render(colour_on_stderr())))?;
    if args.resolved {
        print(&format!("{:#}\n", plan_file::resolved(&plan)));
    } else {
        print(&forecast::forecast(&plan));
    }
    Ok(ExitCode::Passed)
}
