//! `muster schema`: the JSON Schema of plan files, and of result documents.

use clap::Args;

use super::{Outcome, print};
use crate::exit::ExitCode;
use crate::{plan_file, report};

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// That of the result document, which `--json` writes
    #[arg(long)]
    result: bool,
}

pub(super) fn main(args: &SchemaArgs) -> Outcome {
    let schema = if args.result { report::json::schema() } else { plan_file::schema() };
    print(&format!("{schema:#}\n"));
    Ok(ExitCode::Passed)
}
