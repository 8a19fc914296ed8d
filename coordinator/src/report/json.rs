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

/// The JSON Schema of the document, from the very types that are written.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Report).to_value();
    schema["$id"] = super::SCHEMA.into();
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::passed;

    #[test]
    fn what_is_written_is_as_the_schema_says_and_what_lacks_a_part_is_not() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let mut document = serde_json::to_value(Report::of(&passed())).unwrap();
        let wrong: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new());
        document["verdict"]["exit_code"] = "0".into();
        assert!(!schema.is_valid(&document));
        document["verdict"]["exit_code"] = 0.into();
        document.as_object_mut().unwrap().remove("accounting");
        assert!(!schema.is_valid(&document));
    }
}
