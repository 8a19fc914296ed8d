//! What a request carries.

use url::form_urlencoded;

use super::json::Json;
use super::parts::{self, Found, Part};
use super::text::Text;
use super::yaml;

/// The content type of JSON.
pub(super) const JSON: &str = "application/json";
/// The content type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// The content type of a form with files.
pub(super) const PARTS: &str = "multipart/form-data";

/// The most fields of a form that a plan can have, and the most values of one field.
const FIELDS_MAX: usize = 1_000;
const VALUES_MAX: usize = 100;

/// The body of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Body {
    #[default]
    None,
    Text(Text),
    Json(Json<Text>),
    Form(Vec<(String, Text)>),
    Parts(Vec<Part>),
}

impl Body {
    /// A recorded body: as what its content type says, if it can be sent from that exactly as it was, but for what stands
    /// between parts.
    pub(super) fn recorded(content_type: &str, text: &str) -> Self {
        if text.is_empty() {
            return Self::None;
        }
        match essence(content_type).as_str() {
            kind if is_json(kind) => match Json::parse(text) {
                Ok(json) => Self::Json(json.literal()),
                Err(_) => Self::Text(Text::literal(text)),
            },
            FORM => {
                let fields = form_urlencoded::parse(text.as_bytes());
                let fields: Vec<_> = fields.map(|(name, value)| (name.into_owned(), Text::literal(&value))).collect();
                match encoded(&fields).as_literal() == Some(text) {
                    true => Self::Form(fields),
                    false => Self::Text(Text::literal(text)),
                }
            }
            PARTS => match parts::taken_apart(content_type, text) {
                Some(Found { texts, files }) if files.is_empty() && parts::holds(&texts) => Self::Parts(texts),
                _ => Self::Text(Text::literal(text)),
            },
            _ => Self::Text(Text::literal(text)),
        }
    }

    /// The body as a plan can say it, where its own kind does not go with this content type.
    pub(super) fn sayable(&self, content_type: Option<&str>) -> Self {
        match self {
            Self::Json(json) if content_type.is_none() || !yaml::holds(json) => Self::Text(json.to_text()),
            Self::Form(fields) if content_type.is_none() || !holds(fields) => Self::Text(encoded(fields)),
            Self::Text(text) if text.is_empty() => Self::None,
            body => body.clone(),
        }
    }

    /// The content type that a plan adds by itself.
    pub(super) fn implied_type(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => Some(JSON),
            Self::Form(_) => Some(FORM),
            Self::None | Self::Text(_) | Self::Parts(_) => None,
        }
    }
}

/// A content type in lower case, without its parameters.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a content type without parameters says JSON.
pub(super) fn is_json(essence: &str) -> bool {
    essence == JSON || essence == "text/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Whether the fields of a form are sent in their order from a map of names.
fn holds(fields: &[(String, Text)]) -> bool {
    let groups = grouped(fields);
    let in_order = groups.iter().flat_map(|(name, values)| values.iter().map(move |value| (*name, *value)));
    let sound = |(name, values): &(&str, Vec<&Text>)| yaml::is_key(name) && values.len() <= VALUES_MAX;
    let same = in_order.eq(fields.iter().map(|(name, value)| (name.as_str(), value)));
    same && !groups.is_empty() && groups.len() <= FIELDS_MAX && groups.iter().all(sound)
}

/// The values of each name, names in the order in which they come first.
pub(super) fn grouped(fields: &[(String, Text)]) -> Vec<(&str, Vec<&Text>)> {
    let mut places = std::collections::HashMap::new();
    let mut groups: Vec<(&str, Vec<&Text>)> = Vec::new();
    for (name, value) in fields {
        let place = *places.entry(name.as_str()).or_insert(groups.len());
        if place == groups.len() {
            groups.push((name, Vec::new()));
        }
        groups[place].1.push(value);
    }
    groups
}

/// Fields as `application/x-www-form-urlencoded`.
pub(super) fn encoded(fields: &[(String, Text)]) -> Text {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut out = Text::default();
    for (index, (name, value)) in fields.iter().enumerate() {
        out.push_literal(if index > 0 { "&" } else { "" });
        out.push_literal(&encode(name));
        out.push_literal("=");
        out.push(value.map(encode, |source| format!("({source}) | urlencode")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_body_is_taken_apart_only_where_it_stays_the_same() {
        assert!(matches!(Body::recorded("application/json; charset=utf-8", "{}"), Body::Json(_)));
        assert!(matches!(Body::recorded("application/problem+json", "{}"), Body::Json(_)));
        assert!(matches!(Body::recorded(JSON, "{"), Body::Text(_)));
        assert!(matches!(Body::recorded(FORM, "a=1&b=x+y"), Body::Form(_)));
        assert!(matches!(Body::recorded(FORM, "a=x%20y"), Body::Text(_)));
        assert!(matches!(Body::recorded(FORM, "a"), Body::Text(_)));
        assert_eq!(Body::recorded("text/plain", ""), Body::None);
    }

    #[test]
    fn a_form_whose_order_a_map_would_change_is_sent_as_text() {
        let Body::Form(fields) = Body::recorded(FORM, "a=1&b=2&a=3") else { panic!("a form") };
        assert!(matches!(Body::Form(fields.clone()).sayable(Some(FORM)), Body::Text(_)));
        assert!(matches!(Body::Form(fields[..2].to_vec()).sayable(Some(FORM)), Body::Form(_)));
    }
}
