//! Values for what a schema describes: its examples, or something made up.

use super::references::Document;
use crate::import::json::Json;
use crate::import::text::Text;

/// The deepest nesting of what is made up.
const DEPTH_MAX: usize = 8;
/// The most values in one sample, because schemas that use one another multiply.
const VALUES_MAX: usize = 300;
/// The most items of a list that must have several.
const ITEMS_MAX: u64 = 10;
/// The length of a text that may have any, and the longest that is made up.
const LENGTH: u64 = 8;
const LENGTH_MAX: u64 = 1_000;
/// The numbers from which one is drawn that may be any.
const LOW: i64 = 1;
const HIGH: i64 = 1_000;

/// Makes samples of schemas.
pub(super) struct Samples<'d> {
    document: &'d Document<'d>,
    /// How many values may still be made.
    left: usize,
    /// The references within which a sample is being made.
    open: Vec<&'d str>,
    /// Whether one was made up, which the target may not know.
    pub(super) made_up: bool,
}

impl<'d> Samples<'d> {
    pub(super) fn new(document: &'d Document<'d>) -> Self {
        Self { document, left: VALUES_MAX, open: Vec::new(), made_up: false }
    }

    /// A value for a parameter or the content of a body: its own example, or one of its schema.
    pub(super) fn of_media(&mut self, media: &'d Json) -> Option<Json<Text>> {
        if let Some(example) = given(media) {
            return Some(example.literal());
        }
        let example = media.get("examples").entries().first().map(|(_, example)| self.document.resolved(example));
        match example.map(|example| example.get("value")) {
            Some(value) if !value.is_null() => Some(value.literal()),
            _ => self.of(media.get("schema"), 0),
        }
    }

    /// A text for what is not described.
    pub(super) fn any(&mut self) -> Text {
        self.made_up = true;
        Text::expression(format!("text({LENGTH})"))
    }

    /// A value of a schema; nothing where it contains itself.
    fn of(&mut self, schema: &'d Json, depth: usize) -> Option<Json<Text>> {
        if depth > DEPTH_MAX || self.left == 0 {
            return None;
        }
        self.left -= 1;
        if let Some(reference) = schema.text_of("$ref") {
            return self.referred(reference, schema, depth);
        }
        if let Some(example) = given(schema) {
            return Some(example.literal());
        }
        let one = ["oneOf", "anyOf"].into_iter().find_map(|key| schema.get(key).items().first());
        match kind(schema) {
            _ if !schema.get("allOf").is_null() || kind(schema) == "object" => Some(self.object(schema, depth)),
            "" if one.is_some() => self.of(one?, depth + 1),
            "array" => Some(self.list(schema, depth)),
            "integer" | "number" => Some(self.number(schema)),
            "boolean" => Some(Json::Flag(true)),
            "null" => Some(Json::Null),
            _ => Some(Json::Text(self.text(schema))),
        }
    }

    fn referred(&mut self, reference: &'d str, schema: &'d Json, depth: usize) -> Option<Json<Text>> {
        if self.open.contains(&reference) {
            return None;
        }
        self.open.push(reference);
        let made = self.of(self.document.resolved(schema), depth + 1);
        self.open.pop();
        made
    }

    /// A map of all that is described and can be written, also by what the schema is made up of.
    fn object(&mut self, schema: &'d Json, depth: usize) -> Json<Text> {
        let mut entries: Vec<(String, Json<Text>)> = Vec::new();
        let mut parts: Vec<&'d Json> = schema.get("allOf").items().iter().collect();
        parts.extend(["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key).items().first()));
        for part in parts {
            match self.of(part, depth + 1) {
                Some(Json::Map(more)) => more.into_iter().for_each(|(name, value)| set(&mut entries, name, value)),
                // What is put together of something that is no map is that.
                Some(other) if schema.get("properties").is_null() && entries.is_empty() => return other,
                _ => {}
            }
        }
        for (name, property) in schema.get("properties").entries() {
            if *self.document.resolved(property).get("readOnly") == Json::Flag(true) {
                continue;
            }
            if let Some(value) = self.of(property, depth + 1) {
                set(&mut entries, name.clone(), value);
            }
        }
        Json::Map(entries)
    }

    fn list(&mut self, schema: &'d Json, depth: usize) -> Json<Text> {
        let count = schema.get("minItems").whole().unwrap_or(1).clamp(1, ITEMS_MAX);
        Json::List((0..count).map_while(|_| self.of(schema.get("items"), depth + 1)).collect())
    }

    fn number(&mut self, schema: &Json) -> Json<Text> {
        self.made_up = true;
        let (low, high) = bounds(schema);
        Json::Text(Text::expression(format!("random({low}, {high})")))
    }

    fn text(&mut self, schema: &Json) -> Text {
        self.made_up = true;
        let mut email = Text::expression(format!("text({LENGTH})"));
        email.push_literal("@example.com");
        match schema.text_of("format").unwrap_or_default() {
            "uuid" => Text::expression("uuid()"),
            "date-time" => Text::literal("2026-01-01T12:00:00Z"),
            "date" => Text::literal("2026-01-01"),
            "time" => Text::literal("12:00:00Z"),
            "email" | "idn-email" => email,
            "uri" | "url" | "iri" | "uri-reference" => Text::literal("https://example.com/"),
            "hostname" => Text::literal("example.com"),
            "ipv4" => Text::literal("192.0.2.1"),
            "ipv6" => Text::literal("2001:db8::1"),
            "byte" => Text::literal("AAAA"),
            _ => Text::expression(format!("text({})", length(schema))),
        }
    }
}

fn set(entries: &mut Vec<(String, Json<Text>)>, name: String, value: Json<Text>) {
    match entries.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => entries.push((name, value)),
    }
}

/// The value that a schema, or what has one, gives itself.
fn given(schema: &Json) -> Option<&Json> {
    let own = ["example", "const", "default"].into_iter().map(|key| schema.get(key));
    let first = ["examples", "enum"].into_iter().filter_map(|key| schema.get(key).items().first());
    own.chain(first).find(|value| !value.is_null())
}

/// The type of a schema, or what its other keys say that it is.
fn kind(schema: &Json) -> &str {
    let named = schema.get("type");
    let of_several = named.items().iter().filter_map(Json::text).find(|kind| *kind != "null");
    match named.text().or(of_several) {
        Some(kind) => kind,
        None if !schema.get("properties").is_null() => "object",
        None if !schema.get("items").is_null() => "array",
        None => "",
    }
}

/// The whole numbers from which one may be drawn, both included.
fn bounds(schema: &Json) -> (i64, i64) {
    let whole = |key: &str| match schema.get(key) {
        Json::Number(text) => text.parse::<f64>().ok().map(|number| number as i64),
        _ => None,
    };
    let excludes = |key: &str| *schema.get(key) == Json::Flag(true);
    let low = whole("minimum").map(|low| low.saturating_add(i64::from(excludes("exclusiveMinimum"))));
    let low = low.or(whole("exclusiveMinimum").map(|low| low.saturating_add(1)));
    let high = whole("maximum").map(|high| high.saturating_sub(i64::from(excludes("exclusiveMaximum"))));
    let high = high.or(whole("exclusiveMaximum").map(|high| high.saturating_sub(1)));
    match (low, high) {
        (Some(low), Some(high)) => (low, high.clamp(low, low.saturating_add(i64::MAX / 2))),
        (Some(low), None) => (low, low.saturating_add(HIGH)),
        (None, Some(high)) => (LOW.min(high), high),
        (None, None) => (LOW, HIGH),
    }
}

fn length(schema: &Json) -> u64 {
    let min = schema.get("minLength").whole().unwrap_or_default().min(LENGTH_MAX);
    let max = schema.get("maxLength").whole().unwrap_or(LENGTH_MAX).min(LENGTH_MAX);
    LENGTH.clamp(min.min(max), max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(schema: &str) -> String {
        let root = Json::parse(&format!(r#"{{"s": {schema}}}"#)).unwrap();
        let document = Document::new(&root);
        let made = Samples::new(&document).of(root.get("s"), 0);
        made.map_or("nothing".to_owned(), |made| made.to_text().written())
    }

    #[test]
    fn numbers_and_texts_stay_within_their_bounds() {
        for (schema, made) in [
            (r#"{"type": "integer"}"#, "{{ (random(1, 1000)) | tojson }}"),
            (r#"{"type": "integer", "minimum": 5000}"#, "{{ (random(5000, 6000)) | tojson }}"),
            (r#"{"type": "integer", "maximum": 0}"#, "{{ (random(0, 0)) | tojson }}"),
            (r#"{"type": "integer", "minimum": 0, "exclusiveMaximum": 10}"#, "{{ (random(0, 9)) | tojson }}"),
            (
                r#"{"type": "number", "minimum": 3, "exclusiveMinimum": true, "maximum": 4}"#,
                "{{ (random(4, 4)) | tojson }}",
            ),
            (r#"{"type": "string", "maxLength": 3}"#, "{{ (text(3)) | tojson }}"),
            (r#"{"type": ["null", "string"], "minLength": 30}"#, "{{ (text(30)) | tojson }}"),
            (r#"{"type": "string", "enum": ["a"]}"#, "\"a\""),
            (
                r#"{"type": "integer", "minimum": -9e99, "maximum": 9e99}"#,
                "{{ (random(-9223372036854775808, -4611686018427387905)) | tojson }}",
            ),
        ] {
            assert_eq!(sample(schema), made, "{schema}");
        }
    }

    #[test]
    fn schemas_that_contain_themselves_end() {
        let node = r##"{"type": "object", "properties": {"next": {"$ref": "#/s"}, "a": {"example": 1}}}"##;
        assert_eq!(sample(node), r#"{"next":{"a":1},"a":1}"#);
        assert_eq!(sample(r##"{"$ref": "#/s"}"##), "{{ (text(8)) | tojson }}");
        let lists = format!("[{}]", ["[]"; 9].join(","));
        assert_eq!(sample(r##"{"type": "array", "minItems": 9, "items": {"$ref": "#/s"}}"##), lists);
        let deep = format!("{}{}{}", r#"{"items":"#.repeat(100), "{}", "}".repeat(100));
        assert_eq!(sample(&deep), format!("{}{}", "[".repeat(9), "]".repeat(9)));
    }

    #[test]
    fn all_of_several_schemas_are_one() {
        let schema = r#"{"allOf": [{"properties": {"a": {"example": 1}}}, {"properties": {"b": {"example": 2}}}],
            "properties": {"a": {"const": 3}, "c": {"readOnly": true}}}"#;
        assert_eq!(sample(schema), r#"{"a":3,"b":2}"#);
        assert_eq!(sample(r#"{"allOf": [{"type": "string", "example": "x"}]}"#), "\"x\"");
        assert_eq!(sample(r#"{"anyOf": [{"type": "boolean"}, {"type": "null"}]}"#), "true");
    }
}
