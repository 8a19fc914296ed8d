//! Bodies in parts (`multipart/form-data`, RFC 7578), as forms with files send them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use muster_proto::plan::{PLAN_BYTES_MAX, VERBATIM_MAX};

use super::files;
use super::headers::Headers;
use super::keys::PART;
use super::limits::HEADER_BYTES_MAX;
use super::reader::{Field, Reader};
use super::request::Content;
use super::tree::Value;

/// A part: what it says of itself, and what it is.
struct Part {
    head: String,
    content: Vec<u8>,
    is_file: bool,
}

/// Reads the parts, in their order, and sets the `content-type` that tells where one ends and the next begins.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>, headers: &mut Headers) -> Option<Content> {
    let before = reader.mistakes.len();
    let mut parts = Vec::new();
    for (name, values) in reader.named(field) {
        if super::template::is_template(name) {
            reader.no_template(&values, name);
        }
        for value in reader.one_or_more(&values) {
            parts.extend(part(reader, &value, name));
            // What is too much is not read into memory any further.
            if !fits(reader, field, &parts) {
                return None;
            }
        }
    }
    if reader.mistakes.len() > before {
        return None;
    }
    let boundary = boundary(&parts);
    headers.retain(|(name, _)| name != "content-type");
    headers.push(("content-type".to_owned(), format!("multipart/form-data; boundary={boundary}")));
    Some(joined(&parts, &boundary))
}

fn fits(reader: &mut Reader, field: &Field<'_>, parts: &[Part]) -> bool {
    let bytes: usize = parts.iter().map(|part| part.content.len()).sum();
    let told = match () {
        () if parts.len() > VERBATIM_MAX => format!("wanted at most {VERBATIM_MAX} parts, found more"),
        () if bytes > PLAN_BYTES_MAX => format!("wanted parts of at most {PLAN_BYTES_MAX} bytes together, found more"),
        () => return true,
    };
    reader.at_key(field, told);
    false
}

fn part(reader: &mut Reader, field: &Field<'_>, name: &str) -> Option<Part> {
    if !matches!(field.node.value, Value::Map(_)) {
        let content = reader.template(field)?.as_bytes().to_owned();
        return Some(Part { head: head(name, None, None), content, is_file: false });
    }
    let fields = reader.open(field, &PART)?;
    let kind = match fields.get("type") {
        Some(field) => Some(media_type(reader, &field)?),
        None => None,
    };
    let called = match fields.get("name") {
        Some(field) => Some(reader.text(&field)?),
        None => None,
    };
    match (fields.get("file"), fields.get("text")) {
        (Some(file), None) => {
            let content = files::body(reader, &file)?;
            let path = reader.text(&file)?;
            let own = Path::new(&*path).file_name().map(|name| name.to_string_lossy());
            let called = called.unwrap_or_else(|| own.unwrap_or_default());
            let kind = kind.as_deref().unwrap_or("application/octet-stream");
            Some(Part { head: head(name, Some(&called), Some(kind)), content, is_file: true })
        }
        (None, Some(text)) => {
            let content = reader.template(&text)?.as_bytes().to_owned();
            Some(Part { head: head(name, called.as_deref(), kind.as_deref()), content, is_file: false })
        }
        _ => {
            reader.at_key(field, "wanted one content of the part").help("write `{ file: PATH }` or `{ text: TEXT }`");
            None
        }
    }
}

/// What a part is, which stands in a line of its own.
fn media_type<'t>(reader: &mut Reader, field: &Field<'t>) -> Option<Cow<'t, str>> {
    let text = reader.text(field)?;
    let sound = text.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    if !sound || text.len() > HEADER_BYTES_MAX || text.contains(char::is_control) {
        reader.wanted(field, "a media type such as `image/png`");
        return None;
    }
    Some(text)
}

fn head(name: &str, file_name: Option<&str>, kind: Option<&str>) -> String {
    let mut head = format!("Content-Disposition: form-data; name=\"{}\"", escaped(name));
    if let Some(file_name) = file_name {
        head.push_str(&format!("; filename=\"{}\"", escaped(file_name)));
    }
    if let Some(kind) = kind {
        head.push_str(&format!("\r\nContent-Type: {kind}"));
    }
    head
}

/// A name between quotes, as browsers write it.
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A boundary that stands in none of these parts. It follows from them alone, so that a plan sends the same bytes
/// whenever it is repeated.
fn boundary(parts: &[Part]) -> String {
    const DIGITS: usize = 8;
    let pieces = || parts.iter().flat_map(|part| [part.head.as_bytes(), &part.content]);
    let sum = pieces().fold(0, crc32c::crc32c_append);
    let stem = format!("muster-{sum:08x}-");
    let behind = |piece: &'_ [u8], at: usize| piece.get(at..at + DIGITS).map(<[u8]>::to_owned);
    let taken: HashSet<Vec<u8>> = pieces()
        .flat_map(|piece| {
            let places = piece.windows(stem.len()).enumerate().filter(|(_, window)| *window == stem.as_bytes());
            places.filter_map(|(at, _)| behind(piece, at + stem.len())).collect::<Vec<_>>()
        })
        .collect();
    // There are fewer places in a body than numbers of so many digits.
    let mut numbers = (0..u32::MAX).map(|number| format!("{number:08x}"));
    format!("{stem}{}", numbers.find(|number| !taken.contains(number.as_bytes())).unwrap_or_default())
}

fn joined(parts: &[Part], boundary: &str) -> Content {
    let mut body = Content::default();
    for Part { head, content, is_file } in parts {
        body.bytes.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        let from = body.bytes.len();
        body.bytes.extend_from_slice(content);
        if *is_file {
            body.verbatim.push(from..body.bytes.len());
        }
        body.bytes.extend_from_slice(b"\r\n");
    }
    body.bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}
