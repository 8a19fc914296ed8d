//! The result document as JSON.

use std::io::{self, Write};

use super::Report;

/// Writes the document, indented, with a newline at its end.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")
}

/// Reads a document back.
///
/// # Errors
/// When it is not JSON, or not a document of this version's shape.
pub fn read(bytes: &[u8]) -> Result<Report, serde_json::Error> {
    serde_json::from_slice(bytes)
}
