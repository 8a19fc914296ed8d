//! Where in a response to look: `json $.id`, `header x-id`, `css input @value`, ...

use muster_agent::engine::findings::{check_operand, check_source};
use muster_proto::plan::{Condition, PATTERN_BYTES_MAX, Source};

use super::headers;
use super::reader::{Field, Reader};
use super::suggest::closest;
use super::tree::quoted;

/// The words with which a place begins.
const WORDS: [&str; 7] = ["json", "header", "cookie", "regex", "css", "status", "body"];

/// Reads a place, as captures name it.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<Source> {
    let text = reader.text(field)?;
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match word {
        "status" if rest.is_empty() => Some(Source::Status),
        "body" if rest.is_empty() => Some(Source::Body),
        "json" | "header" | "cookie" | "regex" | "css" => named(reader, field, word, rest.trim()),
        _ => {
            let wanted = "a place in the response such as `json $.id` or `header location`";
            let mistake = reader.wanted(field, wanted);
            let close = closest(word, WORDS);
            mistake.help(match close {
                Some(close) if close != word => format!("did you mean `{close}`?"),
                _ => "it begins with `json`, `header`, `cookie`, `regex` or `css`, or is `status` or `body`".to_owned(),
            });
            None
        }
    }
}

/// A place of this kind that goes by a name or pattern.
pub(super) fn named(reader: &mut Reader, field: &Field<'_>, word: &str, rest: &str) -> Option<Source> {
    if rest.is_empty() || rest.len() > PATTERN_BYTES_MAX {
        let message = format!("wanted what to look for after `{word}`, of at most {PATTERN_BYTES_MAX} bytes");
        reader.at_key(field, message).help("such as `json $.id`, `header location` or `css input @value`");
        return None;
    }
    let source = match word {
        "header" if !headers::is_token(rest) => {
            reader.at_key(field, format!("wanted the name of a header field, found {}", quoted(rest)));
            return None;
        }
        "header" => Source::Header(rest.to_ascii_lowercase()),
        "cookie" => Source::Cookie(rest.to_owned()),
        "json" => Source::Json(rest.to_owned()),
        "regex" => Source::Regex(rest.to_owned()),
        _ => css(rest),
    };
    match check_source(&source) {
        Ok(()) => Some(source),
        Err(reason) => {
            let mistake = reader.at_key(field, format!("{} is {reason}", quoted(rest)));
            if word == "json" && !rest.starts_with('$') {
                mistake.help("a JSONPath begins with `$`, as in `json $.items[0].id`");
            }
            None
        }
    }
}

/// A selector, and perhaps the attribute that is wanted of what it selects.
fn css(text: &str) -> Source {
    match text.rsplit_once(" @") {
        Some((selector, attribute)) => Source::Css(selector.trim().to_owned(), Some(attribute.trim().to_owned())),
        None => Source::Css(text.to_owned(), None),
    }
}

/// Whether something can be compared with this operand; what is wrong with it is told.
pub(super) fn operand_fits(reader: &mut Reader, field: &Field<'_>, condition: Condition, operand: &str) -> bool {
    let Err(reason) = check_operand(condition, operand) else { return true };
    reader.wrong(field, format!("{} is {reason}", quoted(operand)));
    false
}
