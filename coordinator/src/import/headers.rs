//! Which header fields of a request are worth repeating, and which belong to something else.

use super::text::{Piece, Text};

/// What a header field is to whoever imports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is sent again.
    Kept,
    /// It belongs to a connection, a cache or the browser itself.
    Passing,
    /// Its value lets whoever has it act as somebody.
    Secret,
}

/// Fields that a plan cannot set, because they follow from the connection and the body.
const UNSENDABLE: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that another host, or another visit, has others of.
const PASSING: [&str; 16] = [
    "accept-encoding",
    "cache-control",
    "dnt",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "pragma",
    "priority",
    "purpose",
    "referer",
    "upgrade-insecure-requests",
    "via",
    "x-client-data",
];

/// Parts of names that speak of a secret.
const SECRET: [&str; 13] = [
    "api-key",
    "api_key",
    "apikey",
    "authent",
    "authoriz",
    "cookie",
    "credential",
    "passw",
    "secret",
    "session",
    "signature",
    "token",
    "x-auth",
];

/// The kind of a recorded field, by its name in lower case.
pub(super) fn kind(name: &str) -> Kind {
    let passing = PASSING.contains(&name) || name.starts_with("sec-") || name.starts_with(':');
    if passing { Kind::Passing } else { kind_by_hand(name) }
}

/// The kind of a field that somebody wrote by hand, who means what can be sent.
pub(super) fn kind_by_hand(name: &str) -> Kind {
    match name {
        name if UNSENDABLE.contains(&name) => Kind::Passing,
        name if is_secret(name) => Kind::Secret,
        _ => Kind::Kept,
    }
}

/// Whether a name speaks of a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("-key") || SECRET.iter().any(|part| name.contains(part))
}

/// Whether the value of a secret field has nothing of it beside an expression: a word before it, or a cookie's name.
pub(super) fn holds_nothing_else(name: &str, value: &Text) -> bool {
    match value.pieces() {
        [Piece::Expression(_)] => true,
        [Piece::Literal(before), Piece::Expression(_)] if name == "cookie" => {
            before.split_once('=').is_some_and(|(_, behind)| behind.is_empty())
        }
        [Piece::Literal(before), Piece::Expression(_)] => {
            before.ends_with(' ') && before.trim_end().bytes().all(|byte| byte.is_ascii_alphabetic())
        }
        _ => false,
    }
}

/// Whether a text is a name of a header field, or a method.
pub(super) fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_field_is() {
        for (name, of) in [
            ("accept", Kind::Kept),
            ("origin", Kind::Kept),
            ("user-agent", Kind::Kept),
            ("x-requested-with", Kind::Kept),
            (":authority", Kind::Passing),
            ("sec-ch-ua", Kind::Passing),
            ("referer", Kind::Passing),
            ("cookie", Kind::Secret),
            ("authorization", Kind::Secret),
            ("x-api-key", Kind::Secret),
            ("ocp-apim-subscription-key", Kind::Secret),
            ("x-csrf-token", Kind::Secret),
        ] {
            assert_eq!(kind(name), of, "{name}");
        }
        assert_eq!(kind_by_hand("host"), Kind::Kept);
        assert_eq!(kind_by_hand("content-length"), Kind::Passing);
    }

    #[test]
    fn a_secret_is_known_by_what_is_beside_an_expression() {
        let holds = |name: &str, before: &str, behind: &str| {
            let mut value = Text::literal(before);
            value.push_expression("token");
            value.push_literal(behind);
            holds_nothing_else(name, &value)
        };
        assert!(holds("x-api-key", "", "") && holds("authorization", "Bearer ", "") && holds("cookie", "sid=", ""));
        assert!(!holds("authorization", "Basic c2VjcmV0", "") && !holds("cookie", "a=secret; sid=", ""));
        assert!(!holds("x-api-key", "", "secret") && !holds("x-api-key", "s3cret ", ""));
        assert!(!holds_nothing_else("x-api-key", &Text::literal("secret")));
    }
}
