//! How a finished report leaves the program.

use std::path::Path;

use super::{Outcome, Problem, colour_on_stdout, print};
use crate::exit::ExitCode;
use crate::report::{Report, json, text};
use crate::store::RunFolder;

/// Prints the summary, or writes the document where it is wanted instead or as well, and gives the report's exit code.
pub(super) fn show(report: &Report, document: Option<&Path>, kept: Option<&RunFolder>) -> Outcome {
    let written = write(report, document);
    if document != Some(Path::new("-")) {
        print(&text::summary(report, colour_on_stdout()));
        if let Some(folder) = kept {
            print(&format!("{:<13}{}\n", "kept in", folder.path().display()));
        }
    }
    written?;
    Ok(ExitCode::from_code(report.verdict.exit_code).unwrap_or(ExitCode::Failure))
}

fn write(report: &Report, file: Option<&Path>) -> Result<(), Problem> {
    let Some(file) = file else { return Ok(()) };
    let written = if file == Path::new("-") {
        json::write(report, std::io::stdout().lock())
    } else {
        std::fs::File::create(file).and_then(|file| json::write(report, std::io::BufWriter::new(file)))
    };
    written.map_err(|error| {
        Problem::new(ExitCode::Storage, format!("error: cannot write the result to {}: {error}", file.display()))
    })
}
