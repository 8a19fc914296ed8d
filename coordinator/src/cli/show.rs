//! How a finished report leaves the program.

use super::outputs::Outputs;
use super::{Outcome, colour_on_stdout, print};
use crate::exit::ExitCode;
use crate::report::{Report, text};
use crate::store::RunFolder;

/// Prints the summary, writes what else is wanted where it is wanted, and gives the report's exit code.
pub(super) fn show(report: &Report, outputs: &Outputs, kept: Option<&RunFolder>) -> Outcome {
    let written = outputs.write(report);
    if !outputs.take_standard_output() {
        print(&text::summary(report, colour_on_stdout()));
        if let Some(folder) = kept {
            print(&format!("{:<13}{}\n", "report", folder.page().display()));
        }
    }
    written?;
    Ok(ExitCode::from_code(report.verdict.exit_code).unwrap_or(ExitCode::Failure))
}
