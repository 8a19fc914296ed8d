//! The text that is imported: from a file or from standard input, up to a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::ImportError;

/// The largest input, in bytes.
pub const INPUT_BYTES_MAX: u64 = 64 << 20;

/// Reads a file, or standard input if it is called `-`.
///
/// # Errors
/// The input cannot be read, is too large, or is no text.
pub fn read(path: &Path) -> Result<String, ImportError> {
    let shown = path.display();
    let bytes = bytes(path).map_err(|error| ImportError::Unreadable(format!("cannot read {shown}: {error}")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        let message = format!("wanted a file of at most {INPUT_BYTES_MAX} bytes, found a larger one: {shown}");
        return Err(ImportError::Unreadable(message));
    }
    text(bytes).ok_or_else(|| ImportError::Unreadable(format!("wanted a text in UTF-8, found other bytes: {shown}")))
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let input: Box<dyn Read> = if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    input.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A text without the mark that some programs put before it.
fn text(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
