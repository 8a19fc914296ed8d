//! What thresholds can select requests by, beside their names.

use super::reader::{Field, Reader};
use super::threshold::SELECTORS;
use super::tree::quoted;

/// Names and values, in the order of names.
pub(super) type Tags = Vec<(String, String)>;

/// Reads tags.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Tags {
    let mut tags = Tags::new();
    for (name, field) in reader.named(field) {
        let is_word =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !is_word || SELECTORS.contains(&name) {
            let mistake = reader.at_key(&field, format!("wanted a tag such as `kind`, found {}", quoted(name)));
            mistake
                .help("letters, digits, `_`, `-` and `.` make up a tag, and selectors of thresholds keep their names");
            continue;
        }
        tags.extend(reader.name(&field).map(|value| (name.to_owned(), value)));
    }
    tags.sort();
    tags
}

/// A request's own go before those of its scenario.
pub(super) fn overlaid(scenario: &Tags, own: Tags) -> Tags {
    let mut tags = own;
    let missing = scenario.iter().filter(|(name, _)| !tags.iter().any(|(known, _)| known == name));
    let missing: Tags = missing.cloned().collect();
    tags.extend(missing);
    tags.sort();
    tags
}
