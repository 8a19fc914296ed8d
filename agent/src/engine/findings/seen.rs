//! A response as it is searched: taken apart when that is first asked for, and once.

use std::borrow::Cow;
use std::cell::OnceCell;

use scraper::Html;
use serde_json::Value as Json;

use super::Response;
use super::coding::decoded;
use super::places::{Places, Values};
use crate::engine::transport::Kept;

/// A response, or that there was none.
pub(super) struct Seen<'r> {
    pub(super) status: u16,
    pub(super) time_ms: f64,
    pub(super) kept: &'r Kept,
    places: &'r Places,
    /// The body as it was before it was coded, or why that cannot be said.
    body: OnceCell<Result<Cow<'r, [u8]>, String>>,
    text: OnceCell<Cow<'r, str>>,
    /// What is looked for in the body as JSON.
    values: OnceCell<Result<Values, String>>,
    html: OnceCell<Html>,
}

impl<'r> Seen<'r> {
    /// A response in whose body something is looked for at these places.
    pub(super) fn new(response: &Response<'r>, places: &'r Places) -> Self {
        let Response { status, time_ns, kept } = *response;
        let (body, text, values, html) = Default::default();
        Self { status, time_ms: time_ns as f64 / 1e6, kept, places, body, text, values, html }
    }

    fn body(&self) -> Result<&Cow<'r, [u8]>, &str> {
        self.body.get_or_init(|| decoded(self.kept)).as_ref().map_err(String::as_str)
    }

    /// The body as text; bytes that are no UTF-8 are replaced. One that cannot be decoded is as it came.
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| match self.body() {
            Ok(Cow::Borrowed(body)) => String::from_utf8_lossy(body),
            Ok(Cow::Owned(body)) => String::from_utf8_lossy(body).into_owned().into(),
            Err(_) => String::from_utf8_lossy(&self.kept.body),
        })
    }

    /// The body as JSON where all of it is needed, or why it is none.
    pub(super) fn json(&self) -> Result<Option<&Json>, &str> {
        self.values().map(Values::whole)
    }

    /// What stands at this place of the body as JSON, or why it is none.
    pub(super) fn at(&self, number: usize) -> Result<Option<&Json>, &str> {
        self.values().map(|values| self.places.at(values, number))
    }

    fn values(&self) -> Result<&Values, &str> {
        let find = || self.places.find(self.body()?);
        self.values.get_or_init(find).as_ref().map_err(String::as_str)
    }

    /// The body as HTML, which any text is.
    pub(super) fn html(&self) -> &Html {
        self.html.get_or_init(|| Html::parse_document(self.text()))
    }

    /// The values of the header fields of this name, in their order.
    pub(super) fn header(&self, name: &str) -> impl Iterator<Item = &str> {
        self.kept.header(name)
    }

    /// The values of the cookies of this name that are set, in their order.
    pub(super) fn cookie(&self, name: &str) -> impl Iterator<Item = &str> {
        self.header("set-cookie").filter_map(move |cookie| {
            let (found, value) = cookie.split(';').next()?.split_once('=')?;
            (found.trim() == name).then(|| value.trim())
        })
    }
}
