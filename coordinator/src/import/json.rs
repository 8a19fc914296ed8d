//! JSON in the order in which it was written, numbers as they were spelled: what is read, and bodies to be sent.

mod parser;

use super::text::Text;
use parser::Parser;

/// A value, with texts of this kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json<T = String> {
    Null,
    Flag(bool),
    Number(String),
    Text(T),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// What stands where nothing stands.
static NOTHING: Json = Json::Null;

impl Json {
    /// Reads a document.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Parser::new(text).document()
    }

    /// The value of a key; null where there is none.
    pub(super) fn get(&self, key: &str) -> &Self {
        let Self::Map(entries) = self else { return &NOTHING };
        entries.iter().find(|(name, _)| name == key).map_or(&NOTHING, |(_, value)| value)
    }

    /// The value behind several keys.
    pub(super) fn at(&self, keys: &[&str]) -> &Self {
        keys.iter().fold(self, |value, key| value.get(key))
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The text behind a key, if it is one.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).text()
    }

    /// The text or the spelling of a value that has no parts.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Number(text) | Self::Text(text) => Some(text.clone()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The whole number, if it is one from zero.
    pub(super) fn whole(&self) -> Option<u64> {
        if let Self::Number(text) = self { text.parse().ok() } else { None }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    /// Whether there is nothing.
    pub(super) fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The same value with texts of another kind.
    pub(super) fn map<T>(&self, text: &mut impl FnMut(&str) -> T) -> Json<T> {
        match self {
            Self::Null => Json::Null,
            Self::Flag(flag) => Json::Flag(*flag),
            Self::Number(number) => Json::Number(number.clone()),
            Self::Text(of) => Json::Text(text(of)),
            Self::List(items) => Json::List(items.iter().map(|item| item.map(text)).collect()),
            Self::Map(entries) => {
                Json::Map(entries.iter().map(|(key, value)| (key.clone(), value.map(text))).collect())
            }
        }
    }

    /// The same value as the body of a request.
    pub(super) fn literal(&self) -> Json<Text> {
        self.map(&mut |text| Text::literal(text))
    }
}

impl Json<Text> {
    /// How deeply it is nested.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Map(entries) => 1 + entries.iter().map(|(_, value)| value.depth()).max().unwrap_or_default(),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) => 0,
        }
    }

    /// The value as one text without space between its parts, for where it cannot stand as itself.
    pub(super) fn to_text(&self) -> Text {
        let mut text = Text::default();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut Text) {
        match self {
            Self::Null => out.push_literal("null"),
            Self::Flag(flag) => out.push_literal(if *flag { "true" } else { "false" }),
            Self::Number(number) => out.push_literal(number),
            Self::Text(text) => write_text(out, text),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push_literal(if index == 0 { "[" } else { "," });
                    item.write(out);
                }
                out.push_literal(if items.is_empty() { "[]" } else { "]" });
            }
            Self::Map(entries) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.push_literal(if index == 0 { "{" } else { "," });
                    out.push_literal(&quoted(key));
                    out.push_literal(":");
                    value.write(out);
                }
                out.push_literal(if entries.is_empty() { "{}" } else { "}" });
            }
        }
    }
}

/// Writes a text between quotes. A single expression keeps its kind, as it does in a plan's `json`.
fn write_text(out: &mut Text, text: &Text) {
    if let Some(source) = text.as_expression() {
        out.push_expression(format!("({source}) | tojson"));
        return;
    }
    let inner = text.map(
        |literal| {
            let quoted = quoted(literal);
            quoted[1..quoted.len() - 1].to_owned()
        },
        |source| format!("({source}) | json_text"),
    );
    out.push_literal("\"");
    out.push(inner);
    out.push_literal("\"");
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_spelling_stay() {
        let text = r#"{"b":[1.10,-0,1e400],"a":{"x":"\u00e9\n"},"a":null,"":[]}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.literal().to_text().written(), text.replace("\\u00e9", "é"));
        assert_eq!(json.at(&["a", "x"]).text(), Some("é\n"));
        assert!(json.at(&["a", "y", "z"]).is_null());
    }
}
