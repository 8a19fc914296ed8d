//! Header fields: what may be sent as one, and how a step's go before the plan's.

use super::limits::{HEADER_BYTES_MAX, HEADERS_MAX};
use super::reader::{Field, Reader};
use super::tree::{Span, quoted};

/// Header fields in order, names in lower case.
pub(super) type Headers = Vec<(String, String)>;

/// Reads a map of header fields.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<Headers> {
    let before = reader.mistakes.len();
    let mut headers = Headers::new();
    let mut names = std::collections::HashSet::new();
    for (name, values) in reader.named(field) {
        let lower = name.to_ascii_lowercase();
        if !names.insert(lower.clone()) {
            reader.at_key(&values, format!("the header {} stands here twice", quoted(&lower)));
        }
        for value in reader.one_or_more(&values) {
            headers.extend(one(reader, &value, name));
        }
    }
    check_count(reader, &field.path, field.node.span.clone(), headers.len());
    (reader.mistakes.len() == before).then_some(headers)
}

/// Notes when there are more header fields than a request may have.
pub(super) fn check_count(reader: &mut Reader, path: &str, span: Span, count: usize) {
    if count > HEADERS_MAX {
        reader.note(path, span, format!("wanted at most {HEADERS_MAX} header fields, found {count}"));
    }
}

/// Reads one header field.
pub(super) fn one(reader: &mut Reader, field: &Field<'_>, name: &str) -> Option<(String, String)> {
    let value = reader.template(field)?.trim_matches([' ', '\t']);
    let name = name.to_ascii_lowercase();
    if let Some((message, help)) = forbidden(&name) {
        let mistake = reader.at_key(field, message);
        if let Some(help) = help {
            mistake.help(help);
        }
        return None;
    }
    if value.contains(|c: char| c.is_control() && c != '\t') {
        reader.wanted(field, "a header value without control characters");
        return None;
    }
    if value.len() > HEADER_BYTES_MAX {
        let message = format!("wanted a header value of at most {HEADER_BYTES_MAX} bytes, found {}", value.len());
        reader.wrong(field, message);
        return None;
    }
    Some((name, value.to_owned()))
}

fn forbidden(name: &str) -> Option<(String, Option<&'static str>)> {
    if !is_token(name) {
        let message = format!("wanted a header name such as `accept-language`, found {}", quoted(name));
        return Some((message, Some("letters, digits and any of !#$%&'*+-.^_`|~ make up a name")));
    }
    let because = match name {
        "content-length" | "transfer-encoding" => "it follows from the body",
        "connection" | "keep-alive" | "proxy-connection" => "use `connections: new` for a connection per request",
        "expect" | "upgrade" | "te" | "trailer" => {
            return Some((format!("the header `{name}` is not supported by this version"), None));
        }
        _ => return None,
    };
    Some((format!("the header `{name}` cannot be set"), Some(because)))
}

/// Whether a text is a token as RFC 9110 (5.6.2) has it: a header's name, or a method.
pub(super) fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

/// The plan's header fields, save those that the step sets itself, and then the step's.
pub(super) fn overlaid(plan: &Headers, step: Headers) -> Headers {
    let kept = plan.iter().filter(|(name, _)| step.iter().all(|(other, _)| other != name));
    kept.cloned().collect::<Headers>().into_iter().chain(step).collect()
}

/// Sets a header field unless it is set.
pub(super) fn set_default(headers: &mut Headers, name: &str, value: &str) {
    if headers.iter().all(|(other, _)| other != name) {
        headers.push((name.to_owned(), value.to_owned()));
    }
}
