//! HTTP archives (HAR 1.2), as browsers record them.

mod answers;
mod choice;
mod correlate;
mod entry;
mod exchange;
mod pauses;

use super::ImportError;
use super::journey::Journey;
use super::json::Json;
use super::notes::Notes;
use super::sound::is_sendable;
use choice::Choice;
use entry::Recorded;
use pauses::Pauses;

/// What of a recording becomes a part of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HarOptions {
    /// Images, fonts, styles and scripts too.
    pub assets: bool,
    /// Requests to other sites too.
    pub all_origins: bool,
}

/// Reads a recording.
pub(super) fn read(text: &str, options: HarOptions) -> Result<Journey, ImportError> {
    let document = Json::parse(text).map_err(|found| not_har(format!("no JSON: {found}")))?;
    let entries = document.at(&["log", "entries"]);
    if !matches!(entries, Json::List(_)) {
        return Err(not_har("JSON without `log.entries`".to_owned()));
    }
    let mut notes = Notes::default();
    let recorded = recorded(entries.items(), options, &mut notes);
    Ok(journey(recorded, notes))
}

fn not_har(found: String) -> ImportError {
    let help = "save the network log of your browser's developer tools as HAR";
    ImportError::Other { wanted: "a HAR file", found, help }
}

/// The requests that are kept, each with the pause before it.
fn recorded(entries: &[Json], options: HarOptions, notes: &mut Notes) -> Vec<Recorded> {
    let entries = pauses::in_order(entries);
    let choice = Choice::of(entries.iter().map(|(_, entry)| *entry), options);
    let mut pauses = Pauses::default();
    let mut kept = Vec::new();
    for (begun, entry) in entries {
        let recorded = choice.admits(entry, notes).then(|| entry::read(entry, notes)).flatten();
        // What cannot be sent gives nothing that could be captured.
        let recorded = recorded.filter(|recorded| is_sendable(&recorded.request, notes));
        let Some(mut recorded) = recorded else {
            pauses.goes_by(begun, entry);
            continue;
        };
        recorded.request.think = pauses.before(begun, notes);
        pauses.goes_by(begun, entry);
        kept.push(recorded);
    }
    kept
}

fn journey(mut recorded: Vec<Recorded>, mut notes: Notes) -> Journey {
    correlate::correlate(&mut recorded, &mut notes);
    recorded.iter_mut().for_each(Recorded::take_captured_secrets);
    for (name, _) in recorded.iter().flat_map(|one| &one.secrets) {
        notes.add_of("header fields that hold secrets are left out; the target may want others of yours", name);
    }
    let requests = recorded.into_iter().map(|one| one.request).collect();
    Journey { scenario: "recorded", requests, notes, ..Journey::default() }
}
