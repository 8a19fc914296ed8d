//! A response as it is searched: taken apart when that is first asked for, and once.

use std::borrow::Cow;
use std::cell::OnceCell;

use scraper::Html;
use serde_json::Value as Json;

use crate::engine::transport::Kept;

/// A response, or that there was none.
pub struct Seen<'r> {
    pub(super) status: u16,
    pub(super) time_ms: f64,
    pub(super) kept: &'r Kept,
    text: OnceCell<Cow<'r, str>>,
    json: OnceCell<Result<Json, String>>,
    html: OnceCell<Html>,
}

impl<'r> Seen<'r> {
    /// A response with this status, after so long.
    #[must_use]
    pub fn new(status: u16, response_ns: u64, kept: &'r Kept) -> Self {
        let time_ms = response_ns as f64 / 1e6;
        Self { status, time_ms, kept, text: OnceCell::new(), json: OnceCell::new(), html: OnceCell::new() }
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| String::from_utf8_lossy(&self.kept.body))
    }

    /// The body as JSON, or why it is none.
    pub(super) fn json(&self) -> Result<&Json, &str> {
        let parse = || serde_json::from_slice(&self.kept.body).map_err(|error| error.to_string());
        self.json.get_or_init(parse).as_ref().map_err(String::as_str)
    }

    /// The body as HTML, which any text is.
    pub(super) fn html(&self) -> &Html {
        self.html.get_or_init(|| Html::parse_document(self.text()))
    }

    /// The values of the header fields of this name, in their order.
    pub(super) fn header<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        let lines = self.kept.head.split(|byte| *byte == b'\n').skip(1);
        lines.filter_map(move |line| {
            let (found, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The values of the cookies of this name that are set, in their order.
    pub(super) fn cookie<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.header("set-cookie").filter_map(move |cookie| {
            let (found, value) = cookie.split(';').next()?.split_once('=')?;
            (found.trim() == name).then(|| value.trim())
        })
    }
}
