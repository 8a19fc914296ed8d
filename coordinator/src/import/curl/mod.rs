//! `curl` commands, as people write them and as browsers copy them.

mod command;
mod flags;
mod form;
mod shell;

use super::ImportError;
use super::journey::Journey;
use command::Command;
use shell::Word;

const HELP: &str = "copy a request as cURL (bash) from your browser's developer tools";

/// Reads commands, one or more.
pub(super) fn read(text: &str) -> Result<Journey, ImportError> {
    if text.contains("^\"") || text.contains("^\n") || text.contains("^\r\n") {
        let found = "a command for Windows' cmd".to_owned();
        return Err(ImportError::Other { wanted: "`curl` as a Unix shell reads it", found, help: HELP });
    }
    let mut journey = Journey { scenario: "commands", ..Journey::default() };
    let commands = shell::commands(text);
    let mut found = false;
    for words in &commands {
        let Some(words) = arguments(words) else {
            journey.notes.add_of("what is no curl command is left out", &beginning(words).unwrap_or_default());
            continue;
        };
        found = true;
        // What stands behind `--next` has nothing to do with what stands before it.
        for words in words.split(|word| word.text == "--next" || word.text == "-:") {
            Command::read(words, &mut journey.notes).finish(&mut journey);
        }
    }
    if found {
        return Ok(journey);
    }
    let first = commands.first().and_then(|words| beginning(words));
    let found = first.map_or("nothing".to_owned(), |word| format!("`{word}`"));
    Err(ImportError::Other { wanted: "`curl` and its arguments", found, help: HELP })
}

/// The arguments of a curl command, behind a prompt and variables that are set for it.
fn arguments(words: &[Word]) -> Option<&[Word]> {
    let is_before = |word: &Word| ["$", "%", ">"].contains(&word.text.as_str()) || word.text.contains('=');
    let begin = words.iter().position(|word| !is_before(word))?;
    let (first, rest) = words[begin..].split_first()?;
    let program = first.text.rsplit(['/', '\\']).next().unwrap_or_default();
    matches!(program, "curl" | "curl.exe").then_some(rest)
}

/// The beginning of what is no curl command, without a value that it sets.
fn beginning(words: &[Word]) -> Option<String> {
    words.first().and_then(|word| word.text.split('=').next()).map(super::notes::shown)
}
