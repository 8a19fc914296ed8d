//! Something that was found in a response.

use std::borrow::Cow;

use minijinja::Value;
use minijinja::value::Serde;
use serde_json::Value as Json;

/// The longest beginning of a text that is shown to a person, in bytes.
const SHOWN_BYTES_MAX: usize = 60;

/// Something that was found in a response.
#[derive(Clone, Debug)]
pub(super) enum Found<'r> {
    /// In a JSON body.
    Json(&'r Json),
    /// In a text.
    Text(Cow<'r, str>),
    /// A number that the response has.
    Number(f64),
}

impl Found<'_> {
    /// As a number, if it is one, or a text that spells one.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Json(Json::Number(number)) => number.as_f64(),
            Self::Json(Json::String(text)) => text.trim().parse().ok(),
            Self::Json(_) => None,
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(number) => Some(*number),
        }
    }

    /// As a text: JSON that is none as it is spelled.
    pub(super) fn as_text(&self) -> Cow<'_, str> {
        match self {
            Self::Json(Json::String(text)) => Cow::Borrowed(text),
            Self::Json(json) => Cow::Owned(json.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
        }
    }

    /// Whether it is the same as a JSON value. Numbers are compared by what they are worth; a text that is not JSON is
    /// compared with what spells the value.
    pub(super) fn equals(&self, json: &Json) -> bool {
        match (self, json) {
            (Self::Json(Json::Number(found)), Json::Number(wanted)) => {
                found == wanted || found.as_f64() == wanted.as_f64()
            }
            (Self::Json(found), wanted) => *found == wanted,
            (Self::Number(found), wanted) => wanted.as_f64() == Some(*found),
            (Self::Text(found), Json::String(wanted)) => found == wanted,
            (Self::Text(found), Json::Number(wanted)) => {
                found.trim().parse::<f64>().is_ok_and(|found| wanted.as_f64() == Some(found))
            }
            (Self::Text(found), wanted) => {
                let spelled = wanted.to_string();
                *found == spelled
            }
        }
    }

    /// How long it is: characters, elements or entries. Nothing for what has no length.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Json(Json::String(text)) => Some(text.chars().count()),
            Self::Json(Json::Array(items)) => Some(items.len()),
            Self::Json(Json::Object(entries)) => Some(entries.len()),
            Self::Json(Json::Null) => Some(0),
            Self::Text(text) => Some(text.chars().count()),
            Self::Json(_) | Self::Number(_) => None,
        }
    }

    /// Whether it has this text in it, or this element.
    pub(super) fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::Json(Json::Array(items)) => items.iter().any(|item| *Found::Json(item).as_text() == *wanted),
            Self::Json(Json::Object(entries)) => entries.contains_key(wanted),
            other => other.as_text().contains(wanted),
        }
    }

    /// As expressions have it.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Json(json) => Value::from(Serde(json)),
            Self::Text(text) => Value::from(text.as_ref()),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => Value::from(*number as i64),
            Self::Number(number) => Value::from(*number),
        }
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Json(json) => (*json).clone(),
            Self::Text(text) => Json::from(text.as_ref()),
            Self::Number(number) => Json::from(*number),
        }
    }

    /// For a person to read, shortened.
    pub(super) fn shown(&self) -> String {
        let whole = match self {
            Self::Text(text) => Cow::Owned(Json::from(text.as_ref()).to_string()),
            Self::Json(json) => Cow::Owned(json.to_string()),
            Self::Number(_) => self.as_text(),
        };
        shortened(&whole)
    }
}

/// A text, or its beginning if it is long.
pub(super) fn shortened(whole: &str) -> String {
    match whole.len() {
        0..=SHOWN_BYTES_MAX => whole.to_owned(),
        _ => format!("{}…", &whole[..whole.floor_char_boundary(SHOWN_BYTES_MAX)]),
    }
}
