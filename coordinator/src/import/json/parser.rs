//! JSON from its text. Bounded, because the text may be a stranger's.

use serde::de::IgnoredAny;

use super::Json;

/// The most values of one document, so that a file of brackets cannot exhaust memory.
const NODES_MAX: usize = 2_000_000;
/// The deepest nesting of a document.
const DEPTH_MAX: usize = 128;

/// A text, and how far it was read.
pub(super) struct Parser<'t> {
    text: &'t str,
    at: usize,
    nodes: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, nodes: 0 }
    }

    /// Reads the text as one document. The error tells what was wanted, and in which line.
    pub(super) fn document(mut self) -> Result<Json, String> {
        let read = self.value(0).and_then(|value| match self.peek() {
            None => Ok(value),
            Some(_) => Err("wanted the end after the document"),
        });
        read.map_err(|message| {
            let before = &self.text.as_bytes()[..self.at.min(self.text.len())];
            let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
            format!("{message}, line {line}")
        })
    }

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
