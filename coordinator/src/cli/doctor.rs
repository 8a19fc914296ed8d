//! `muster doctor`: what this machine allows a load test.

use super::{Outcome, print};
use crate::doctor::{Finding, Grade, examine};
use crate::exit::ExitCode;

pub(super) fn main() -> Outcome {
    for Finding { grade, subject, found, advice } in examine() {
        let mark = match grade {
            Grade::Good => "ok  ",
            Grade::Poor => "poor",
        };
        print(&format!("{mark}  {subject:<22} {found}\n"));
        if let Some(advice) = advice {
            print(&format!("      {advice}\n"));
        }
    }
    Ok(ExitCode::Passed)
}
