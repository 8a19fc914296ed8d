//! JSON in the order in which it was written, numbers as they were spelled: what is read, and bodies to be sent.

use serde::de::IgnoredAny;

use super::text::Text;

/// The most values of one document, so that a file of brackets cannot exhaust memory.
const NODES_MAX: usize = 2_000_000;
/// The deepest nesting of a document.
const DEPTH_MAX: usize = 128;

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
        let mut parser = Parser { text, at: 0, nodes: 0 };
        let read = parser.value(0).and_then(|value| match parser.peek() {
            None => Ok(value),
            Some(_) => Err("wanted the end after the document"),
        });
        read.map_err(|message| {
            let before = &text.as_bytes()[..parser.at.min(text.len())];
            let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
            format!("{message}, line {line}")
        })
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

struct Parser<'t> {
    text: &'t str,
    at: usize,
    nodes: usize,
}

impl<'t> Parser<'t> {
    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Goes past a byte if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err("wanted at most 2000000 values, found more");
        }
        if depth > DEPTH_MAX {
            return Err("wanted at most 128 lists and maps in one another, found more");
        }
        match self.peek() {
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(byte) if byte == b'-' || byte.is_ascii_digit() => self.number(),
            _ => self.word(),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut entries = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Map(entries));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err("wanted a key in quotes");
            }
            let key = self.string()?;
            if !self.take(b':') {
                return Err("wanted `:` after a key");
            }
            entries.push((key, self.value(depth + 1)?));
            if self.take(b'}') {
                return Ok(Json::Map(entries));
            }
            if !self.take(b',') {
                return Err("wanted `,` or `}` after a value");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Json::List(items));
            }
            if !self.take(b',') {
                return Err("wanted `,` or `]` after a value");
            }
        }
    }

    fn string(&mut self) -> Result<String, &'static str> {
        let begin = self.at;
        let mut end = begin + 1;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(end) {
                None => return Err("wanted `\"` at the end of a text"),
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
            }
        }
        let text =
            serde_json::from_str(&self.text[begin..=end]).map_err(|_| "wanted a text, found wrong characters")?;
        self.at = end + 1;
        Ok(text)
    }

    fn number(&mut self) -> Result<Json, &'static str> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let spelled = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        serde_json::from_str::<IgnoredAny>(spelled).map_err(|_| "wanted a number")?;
        self.at += spelled.len();
        Ok(Json::Number(spelled.to_owned()))
    }

    fn word(&mut self) -> Result<Json, &'static str> {
        let words = [("null", Json::Null), ("true", Json::Flag(true)), ("false", Json::Flag(false))];
        for (word, value) in words {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err("wanted a value")
    }
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

    #[test]
    fn what_is_no_json_is_told_with_its_line() {
        for (text, message) in [
            ("", "wanted a value, line 1"),
            ("{\n\"a\" 1}", "wanted `:` after a key, line 2"),
            ("[1\n2]", "wanted `,` or `]` after a value, line 2"),
            ("{} x", "wanted the end after the document, line 1"),
            ("\"a", "wanted `\"` at the end of a text, line 1"),
            ("\"\\", "wanted `\"` at the end of a text, line 1"),
            ("01", "wanted a number, line 1"),
            ("-", "wanted a number, line 1"),
        ] {
            assert_eq!(Json::parse(text), Err(message.to_owned()), "{text}");
        }
        assert!(Json::parse(&"[".repeat(1_000_000)).unwrap_err().contains("in one another"));
    }
}
