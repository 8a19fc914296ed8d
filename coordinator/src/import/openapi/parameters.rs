//! The parameters of an operation: in its path, its query and its header.

use url::form_urlencoded::byte_serialize;

use super::references::Document;
use super::samples::Samples;
use crate::import::body::encoded;
use crate::import::headers::{Kind, kind_by_hand};
use crate::import::json::Json;
use crate::import::notes::Notes;
use crate::import::text::Text;

/// A value for each parameter that a request needs.
#[derive(Default)]
pub(super) struct Parameters {
    path: Vec<(String, Text)>,
    query: Vec<(String, Text)>,
    pub(super) headers: Vec<(String, Text)>,
}

impl Parameters {
    /// Reads the parameters of a path and of an operation, which go before it.
    pub(super) fn read<'d>(
        document: &'d Document<'d>,
        lists: [&'d Json; 2],
        samples: &mut Samples<'d>,
        notes: &mut Notes,
    ) -> Self {
        let mut known: Vec<(&str, &str)> = Vec::new();
        let mut made = Self::default();
        for parameter in lists.into_iter().flat_map(Json::items).map(|parameter| document.resolved(parameter)) {
            let (Some(name), Some(place)) = (parameter.text_of("name"), parameter.text_of("in")) else { continue };
            if known.contains(&(name, place)) {
                continue;
            }
            known.push((name, place));
            let is_required = *parameter.get("required") == Json::Flag(true);
            if is_required || place == "path" {
                made.add(name, place, parameter, samples, notes);
            }
        }
        made
    }

    fn add<'d>(&mut self, name: &str, place: &str, parameter: &'d Json, samples: &mut Samples<'d>, notes: &mut Notes) {
        let content = parameter.get("content").entries().first().map(|(_, media)| media);
        let sample = samples.of_media(content.unwrap_or(parameter));
        let values = texts(&sample.unwrap_or(Json::Text(Text::literal(""))));
        let lower = name.to_ascii_lowercase();
        match place {
            "path" => self.path.push((name.to_owned(), joined(values))),
            "query" => self.query.extend(values.into_iter().map(|value| (name.to_owned(), value))),
            // What an operation takes and gives is said elsewhere in its description.
            "header" if ["accept", "content-type"].contains(&lower.as_str()) => {}
            "header" => match kind_by_hand(&lower) {
                Kind::Kept => self.headers.push((lower, joined(values))),
                Kind::Secret => notes.add_of("header fields that hold secrets are left out", &lower),
                Kind::Passing => notes.add_of("header fields that follow from the request are left out", &lower),
            },
            _ => notes.add_of("parameters in cookies are left out", name),
        }
    }

    /// A path such as `/pets/{id}` with the values of its parameters, and the query behind it.
    pub(super) fn fill(&self, path: &str, samples: &mut Samples<'_>) -> Text {
        let mut out = Text::default();
        let mut rest = path;
        while let Some((before, name, behind)) = next_name(rest) {
            out.push_literal(before);
            match self.path.iter().find(|(known, _)| known == name) {
                Some((_, value)) => out.push(value.map(segment, str::to_owned)),
                None => out.push(samples.any()),
            }
            rest = behind;
        }
        out.push_literal(rest);
        if !self.query.is_empty() {
            out.push_literal(if path.contains('?') { "&" } else { "?" });
            out.push(encoded(&self.query));
        }
        out
    }
}

/// What stands before the first `{name}`, the name, and what stands behind it.
fn next_name(path: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = path.split_once('{')?;
    let (name, behind) = rest.split_once('}')?;
    Some((before, name, behind))
}

/// A text as one part of a path.
fn segment(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A value as texts: a list as its items, a map as JSON.
pub(super) fn texts(value: &Json<Text>) -> Vec<Text> {
    match value {
        Json::Null => vec![Text::default()],
        Json::Text(text) => vec![text.clone()],
        Json::List(items) => items.iter().flat_map(texts).collect(),
        value => vec![value.to_text()],
    }
}

fn joined(values: Vec<Text>) -> Text {
    let mut out = Text::default();
    for (index, value) in values.into_iter().enumerate() {
        out.push_literal(if index > 0 { "," } else { "" });
        out.push(value);
    }
    out
}
