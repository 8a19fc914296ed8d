//! Where a request goes: an origin, and a path that may have expressions in it.

use url::{Position, Url};

use super::text::{Piece, Text};

/// Where requests go for which no host is known.
pub(super) const ORIGIN_DEFAULT: &str = "http://127.0.0.1:8080";

/// Where a request goes, in the one spelling that a plan keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Such as `https://shop.test`, without path.
    pub(super) origin: String,
    /// Path and query.
    pub(super) path: Text,
    /// Whether it had a user and a password, which are left out.
    pub(super) had_user: bool,
}

impl Address {
    /// Reads a URL. The error tells why no request can go there.
    pub(super) fn parse(url: &Text) -> Result<Self, String> {
        let (begin, rest) = match url.pieces() {
            [Piece::Literal(begin), rest @ ..] => (begin.as_str(), rest),
            [] => return Err("it is empty".to_owned()),
            _ => return Err("its host is not known".to_owned()),
        };
        let behind_scheme = begin.split_once("://").map(|(_, behind)| behind);
        if !rest.is_empty() && !behind_scheme.is_some_and(|behind| behind.contains('/') || behind.contains('?')) {
            return Err("its host is not known".to_owned());
        }
        let parsed = Url::parse(begin.trim()).map_err(|error| error.to_string())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("`{}:` is not supported", parsed.scheme()));
        }
        if parsed.port() == Some(0) || parsed.host_str().is_none_or(str::is_empty) {
            return Err("no host and port can be reached by it".to_owned());
        }
        // A host may have braces in it, but a plan would take them for an expression.
        if parsed.host_str().is_some_and(|host| host.contains('{')) {
            return Err("its host is not known".to_owned());
        }
        let mut path = Text::literal(&escaped(&parsed[Position::BeforePath..Position::AfterQuery]));
        if parsed.fragment().is_none() {
            path.push(behind(rest));
        }
        let had_user = !parsed.username().is_empty() || parsed.password().is_some();
        Ok(Self { origin: parsed.origin().ascii_serialization(), path, had_user })
    }

    /// The path without its query, for notes.
    pub(super) fn shown(&self) -> String {
        let path = self.path.written();
        path.split('?').next().unwrap_or_default().to_owned()
    }
}

/// What stands behind the first expression, without fragment.
fn behind(pieces: &[Piece]) -> Text {
    let mut path = Text::default();
    for piece in pieces {
        match piece {
            Piece::Expression(source) => path.push_expression(source),
            Piece::Literal(text) => {
                let kept = text.split('#').next().unwrap_or_default();
                path.push_literal(&escaped(kept));
                if kept.len() < text.len() {
                    break;
                }
            }
        }
    }
    path
}

/// A part of a path in which whatever can stand in no URI is percent-encoded.
pub(super) fn escaped(path: &str) -> String {
    let is_harmless = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match is_harmless(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<(String, String), String> {
        Address::parse(&Text::literal(url)).map(|address| (address.origin, address.path.written()))
    }

    #[test]
    fn addresses_have_one_spelling() {
        for (url, origin, path) in [
            ("https://Shop.test:443", "https://shop.test", "/"),
            ("http://a:8080/b/../c?q={{x}}&é#top", "http://a:8080", "/c?q=%7B%7Bx%7D%7D&%C3%A9"),
            ("http://me:pw@[::1]/x y", "http://[::1]", "/x%20y"),
        ] {
            assert_eq!(address(url), Ok((origin.to_owned(), path.to_owned())), "{url}");
        }
        for url in ["", "/x", "ws://a/", "http://", "http://a:0/", "data:text/plain,x", "http://a b/", "http://{{a}}/"]
        {
            assert!(address(url).is_err(), "{url}");
        }
    }

    #[test]
    fn expressions_stand_behind_the_host() {
        let mut url = Text::literal("http://a/b?c=");
        url.push_expression("x");
        url.push_literal("&d={ }#e");
        let address = Address::parse(&url).unwrap();
        assert_eq!(address.path.written(), "/b?c={{ x }}&d=%7B%20%7D");
        let mut url = Text::literal("http://a");
        url.push_expression("x");
        assert!(Address::parse(&url).is_err());
    }
}
