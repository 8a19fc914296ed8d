//! How a finished report leaves the program.

use std::path::Path;

use super::outputs::{Outputs, put};
use super::{Outcome, colour_on_stdout, print};
use crate::exit::ExitCode;
use crate::report::window::{self, Window};
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

/// Prints what is told of a stretch of a run, and writes it as a document where that is wanted. That is no verdict.
pub(super) fn show_window(shown: &Window, file: Option<&Path>) -> Outcome {
    if let Some(file) = file {
        put(file, |out| window::write(shown, out))?;
    }
    if file != Some(Path::new("-")) {
        print(&text::window(shown, colour_on_stdout()));
    }
    Ok(ExitCode::Passed)
}
