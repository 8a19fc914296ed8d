//! What a response gave and a later request sent back: it is captured in the plan rather than sent as it was recorded,
//! because another visit is given other tokens and ids.

use std::collections::HashMap;

use super::answers::Given;
use super::entry::Recorded;
use super::exchange::{occurs, texts};
use crate::import::names::identifier;
use crate::import::notes::Notes;

/// The most values of all responses that are looked for.
const VALUES_MAX: usize = 50_000;
/// The most that are captured.
const CAPTURES_MAX: usize = 500;

/// A value, and the responses that gave it.
struct Candidate {
    given: Given,
    first: usize,
    /// The next response that gave it too.
    second: Option<usize>,
}

/// Lets later requests send what earlier responses give.
pub(super) fn correlate(recorded: &mut [Recorded], notes: &mut Notes) {
    let sent: Vec<Vec<String>> = recorded.iter().map(texts).collect();
    let words = words(&sent);
    let mut taken: Vec<String> = Vec::new();
    for Candidate { given, first, second } in candidates(recorded, notes) {
        let senders = first_word(&given.value).and_then(|word| words.get(word));
        let uses: Vec<usize> =
            senders.into_iter().flatten().copied().filter(|&at| occurs(&sent[at], &given.value)).collect();
        // What was sent before it was given, or was given by several before it was sent, belongs to nobody's visit.
        let Some(earliest) = uses.first().copied().filter(|&earliest| earliest > first) else { continue };
        if second.is_some_and(|second| second < earliest) || taken.len() == CAPTURES_MAX {
            continue;
        }
        let name = identifier(&given.name, |name| taken.iter().any(|known| known == name));
        let replaced = uses.iter().filter(|&&at| recorded[at].replace(&given, &name)).count();
        if replaced > 0 {
            notes.add_of("values of responses are captured for later requests", &name);
            recorded[first].request.captures.push((name.clone(), given.place));
            taken.push(name);
        }
    }
}

/// Every value that a response gave, the longest first: it may have a shorter one within.
fn candidates(recorded: &[Recorded], notes: &mut Notes) -> Vec<Candidate> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    for (at, one) in recorded.iter().enumerate() {
        for given in &one.given {
            match places.get(&given.value) {
                Some(&place) if candidates[place].first == at => {}
                Some(&place) => _ = candidates[place].second.get_or_insert(at),
                None if candidates.len() == VALUES_MAX => {
                    notes.add("responses hold too many values: not all were looked for in later requests");
                }
                None => {
                    places.insert(given.value.clone(), candidates.len());
                    candidates.push(Candidate { given: given.clone(), first: at, second: None });
                }
            }
        }
    }
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.given.value.len()));
    candidates
}

/// The requests in which each word stands, in order.
fn words(sent: &[Vec<String>]) -> HashMap<&str, Vec<usize>> {
    let mut words: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, texts) in sent.iter().enumerate() {
        for word in texts.iter().flat_map(|text| split(text)) {
            let requests = words.entry(word).or_default();
            if requests.last() != Some(&at) {
                requests.push(at);
            }
        }
    }
    words
}

/// The words of a text: a value that stands by itself in a text begins with one of them.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn first_word(value: &str) -> Option<&str> {
    split(value).next()
}
