//! Inputs that are meant to harm their reader.

use crate::import::{HarOptions, Imported, Source, import};

/// How many random texts are tried after those that fuzzing has kept.
const RANDOM_TEXTS: usize = 1_000;

const SOURCES: [Source; 4] =
    [Source::Har(HarOptions { assets: true, all_origins: true }), Source::Curl, Source::OpenApi, Source::Postman];

/// What comes of it is a plan that can be read, or a reason, and nothing in either that a terminal would obey. The first
/// byte chooses the importer.
#[test]
fn no_text_does_harm() {
    let obeyed = |told: &str| told.chars().any(|char| char.is_control() && char != '\n' && char != '\t');
    bolero::check!(name = "import").with_iterations(RANDOM_TEXTS).for_each(|bytes: &[u8]| {
        let Some((first, text)) = bytes.split_first() else { return };
        let source = SOURCES[usize::from(*first) % SOURCES.len()];
        match import(&String::from_utf8_lossy(text), source) {
            Ok(Imported { plan, notes }) => assert!(!plan.is_empty() && !notes.iter().any(|note| obeyed(note))),
            Err(error) => assert!(!error.to_string().is_empty() && !obeyed(&error.to_string())),
        }
    });
}
