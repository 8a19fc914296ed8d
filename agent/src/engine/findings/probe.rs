//! Where in a response to look, prepared.

use std::borrow::Cow;

use muster_proto::plan::Source;
use regex::{Regex, RegexBuilder};
use scraper::Selector;
use serde_json_path::JsonPath;

use super::found::Found;
use super::places::Places;
use super::seen::Seen;

/// The most memory that a regular expression takes, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// The most that is found at once; what follows is left out.
const FOUND_MAX: usize = 10_000;

/// Where to look, prepared.
#[derive(Clone)]
pub(super) enum Probe {
    Status,
    Size,
    Time,
    Body,
    Header(String),
    Cookie(String),
    Json(Box<JsonPath>),
    /// In the JSON body, at the place of this number.
    Place(usize),
    Regex(Regex),
    Css(Box<Selector>, Option<String>),
}

/// A regular expression of bounded size, or why it is none.
pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build().map_err(|error| match error {
        regex::Error::Syntax(text) => text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        error => error.to_string(),
    })
}

impl Probe {
    /// Prepares to look there, with others who look at places of the body.
    ///
    /// # Errors
    /// Why that is not possible, in words.
    pub(super) fn new(source: &Source, places: &mut Places) -> Result<Self, String> {
        Ok(match source {
            Source::Status => Self::Status,
            Source::Size => Self::Size,
            Source::Time => Self::Time,
            Source::Body => Self::Body,
            Source::Header(name) => Self::Header(name.clone()),
            Source::Cookie(name) => Self::Cookie(name.clone()),
            Source::Json(path) => {
                let parsed = JsonPath::parse(path).map_err(|error| format!("no JSONPath: {error}"))?;
                places.add(path).map_or_else(|| Self::Json(Box::new(parsed)), Self::Place)
            }
            Source::Regex(pattern) => {
                Self::Regex(regex(pattern).map_err(|error| format!("no regular expression: {error}"))?)
            }
            Source::Css(selector, attribute) => {
                let parsed = Selector::parse(selector).map_err(|error| format!("no CSS selector: {error}"))?;
                Self::Css(Box::new(parsed), attribute.clone())
            }
        })
    }

    /// Whether there is more to keep of the response than its status and times.
    pub(super) fn keeps(&self) -> bool {
        !matches!(self, Self::Status | Self::Time)
    }

    /// What is there, in the order in which it stands there.
    pub(super) fn find<'s>(&self, seen: &'s Seen<'_>) -> Vec<Found<'s>> {
        let texts = |found: &mut dyn Iterator<Item = &'s str>| {
            found.take(FOUND_MAX).map(|text| Found::Text(Cow::Borrowed(text))).collect()
        };
        match self {
            Self::Status => vec![Found::Number(seen.status.into())],
            Self::Size => vec![Found::Number(seen.kept.body.len() as f64)],
            Self::Time => vec![Found::Number(seen.time_ms)],
            Self::Body => vec![Found::Text(Cow::Borrowed(seen.text()))],
            Self::Header(name) => texts(&mut seen.header(name)),
            Self::Cookie(name) => texts(&mut seen.cookie(name)),
            Self::Json(path) => {
                let nodes = seen.json().ok().flatten().map(|json| path.query(json).all());
                nodes.into_iter().flatten().take(FOUND_MAX).map(Found::Json).collect()
            }
            Self::Place(number) => seen.at(*number).ok().flatten().map(Found::Json).into_iter().collect(),
            Self::Regex(regex) => {
                let group = usize::from(regex.captures_len() > 1);
                let all = regex.captures_iter(seen.text());
                texts(&mut all.filter_map(|captures| captures.get(group).map(|found| found.as_str())))
            }
            Self::Css(selector, None) => {
                let text = |element: scraper::ElementRef<'_>| element.text().collect::<String>().trim().to_owned();
                seen.html().select(selector).take(FOUND_MAX).map(|element| Found::Text(text(element).into())).collect()
            }
            Self::Css(selector, Some(attribute)) => {
                let elements = seen.html().select(selector);
                texts(&mut elements.filter_map(|element| element.value().attr(attribute)))
            }
        }
    }

    /// Why nothing was found there.
    pub(super) fn absence(&self, seen: &Seen<'_>) -> String {
        let error = match self {
            Self::Json(_) | Self::Place(_) => seen.json().err(),
            _ => None,
        };
        error.map_or_else(|| "nothing is there".to_owned(), |error| format!("the body is no JSON: {error}"))
    }
}
