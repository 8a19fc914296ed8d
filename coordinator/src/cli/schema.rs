//! `muster schema`: the plan file's JSON Schema.

use super::{Outcome, print};
use crate::exit::ExitCode;
use crate::plan_file;

pub(super) fn main() -> Outcome {
    print(&format!("{:#}\n", plan_file::schema()));
    Ok(ExitCode::Passed)
}
