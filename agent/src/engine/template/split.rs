//! A text with expressions in it, taken apart.

/// A stretch of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// It stands for itself.
    Literal(&'t str),
    /// It stood between `{{` and `}}`.
    Expression(&'t str),
}

/// Whether a text has expressions in it.
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.contains(OPEN)
}

/// What an expression begins with.
const OPEN: &str = "{{";

/// Takes a text apart. The beginning of what has no end is the error.
///
/// # Errors
/// What follows a `{{` without its `}}`.
pub fn split(text: &str) -> Result<Vec<Piece<'_>>, &str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (literal, begun) = rest.split_at(at);
        let inner = &begun[OPEN.len()..];
        let end = end_of(inner).ok_or(begun)?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        pieces.push(Piece::Expression(inner[..end].trim()));
        rest = &inner[end + 2..];
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

/// Where an expression ends: at the first `}}` that is in no text and closes no map.
fn end_of(inner: &str) -> Option<usize> {
    let bytes = inner.as_bytes();
    let (mut quote, mut open, mut at) = (None, 0, 0);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(mark), byte) if byte == mark => quote = None,
            (None, mark @ (b'"' | b'\'')) => quote = Some(mark),
            (None, b'{') => open += 1,
            (None, b'}') if open > 0 => open -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Piece::{Expression, Literal};
    use super::*;

    #[test]
    fn expressions_end_where_they_are_closed() {
        assert_eq!(split("a"), Ok(vec![Literal("a")]));
        assert_eq!(split(""), Ok(vec![Literal("")]));
        assert_eq!(split("/a/{{ x }}?b={{y}}"), {
            Ok(vec![Literal("/a/"), Expression("x"), Literal("?b="), Expression("y")])
        });
        assert_eq!(split(r#"{{ "}}" }}{{ '\'}}' }}"#), Ok(vec![Expression(r#""}}""#), Expression(r"'\'}}'")]));
        assert_eq!(split(r#"{{ {"a": {"b": 1}} }}}"#), Ok(vec![Expression(r#"{"a": {"b": 1}}"#), Literal("}")]));
        assert_eq!(split("é{{ x }}é"), Ok(vec![Literal("é"), Expression("x"), Literal("é")]));
        for open in ["{{", "{{ x }", "{{ \"}}", "{{ {}}"] {
            assert_eq!(split(&format!("a{open}")), Err(open));
        }
    }
}
