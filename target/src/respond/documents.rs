//! The documents that a target answers with.

use serde::Serialize;

use crate::lane::Shared;
use crate::request::{HEADERS_MAX, Request};

use super::encode::Content;

/// What a small service might answer: texts, numbers, lists and maps, about 300 bytes of them.
const JSON: &str = concat!(
    r#"{"id":1,"name":"muster","tags":["load","test"],"items":[{"id":7,"price":9.5},{"id":8,"price":20}],"#,
    r#""state":"open","customer":{"id":4711,"name":"Ada","address":{"street":"1 Main Street","city":"Bern"}},"#,
    r#""note":"leave it at the door, please","total":29.5,"paid":false,"created":"2026-01-02T03:04:05Z","next":null}"#,
);

#[derive(Serialize)]
struct Echo<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, String)>,
    body_bytes: u64,
}

/// The same small document every time.
pub(super) fn json() -> Content {
    Content::Json(JSON.into())
}

/// What the request was.
pub(super) fn echo(request: &Request, body_bytes: u64) -> Content {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    // The head has been parsed before; should it fail now, the echo merely lacks its headers.
    let _ = head.parse(&request.head);
    let headers = head.headers.iter().filter(|header| !header.name.is_empty());
    let headers = headers.map(|header| (header.name, String::from_utf8_lossy(header.value).into_owned())).collect();
    document(&Echo { method: &request.method, target: &request.target, headers, body_bytes })
}

/// The counts.
pub(super) fn counts(shared: &Shared) -> Content {
    document(&shared.counts())
}

/// One id's arrivals, or how many ids there were; `None` where there is nothing to tell.
pub(super) fn ids(shared: &Shared, asked: Option<u64>) -> Option<Content> {
    let ids = shared.ids.as_ref()?;
    match asked {
        Some(id) => ids.arrival(id).map(|arrival| document(&arrival)),
        None => Some(document(&ids.counts())),
    }
}

fn document(value: &impl Serialize) -> Content {
    // These are structs of numbers, strings and maps with numbers for keys, which always have a JSON form.
    Content::Json(serde_json::to_vec(value).unwrap_or_default())
}
