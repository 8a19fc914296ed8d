//! JSONPaths (RFC 9535) that can name one value only.

/// The longest of them. Parsers of JSON go no deeper than this.
const SEGMENTS_MAX: usize = 127;

/// One step down.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// To the member of a map.
    Member(String),
    /// To the element of a list.
    Element(usize),
}

/// Takes a valid path apart: nothing where it may name several values, or is written in a way that is rare.
pub(super) fn segments(path: &str) -> Option<Vec<Segment>> {
    let mut rest = path.strip_prefix('$')?;
    let mut segments = Vec::new();
    while !rest.is_empty() {
        let segment;
        (segment, rest) = match rest.strip_prefix('.') {
            Some(named) => shorthand(named)?,
            None => bracketed(rest.strip_prefix('[')?)?,
        };
        segments.push(segment);
    }
    (segments.len() <= SEGMENTS_MAX).then_some(segments)
}

/// A name, and what follows.
fn shorthand(named: &str) -> Option<(Segment, &str)> {
    let (name, rest) = named.split_at(named.find(['.', '[']).unwrap_or(named.len()));
    let is_name = !name.is_empty() && name.chars().all(|char| char.is_alphanumeric() || char == '_');
    is_name.then(|| (Segment::Member(name.to_owned()), rest))
}

/// A name between quotes, or a number, to the bracket that closes it, and what follows.
fn bracketed(inner: &str) -> Option<(Segment, &str)> {
    let Some(quote) = inner.chars().next().filter(|char| matches!(char, '\'' | '"')) else {
        let (index, rest) = inner.split_once(']')?;
        return Some((Segment::Element(index.parse().ok()?), rest));
    };
    let (name, rest) = inner[1..].split_once(quote)?;
    let rest = rest.strip_prefix(']')?;
    (!name.contains('\\')).then(|| (Segment::Member(name.to_owned()), rest))
}

#[cfg(test)]
mod tests {
    use super::Segment::{Element, Member};
    use super::*;

    #[test]
    fn paths_that_name_one_value_are_taken_apart() {
        let member = |name: &str| Member(name.to_owned());
        assert_eq!(segments("$"), Some(vec![]));
        assert_eq!(segments("$.a.b_1[0]"), Some(vec![member("a"), member("b_1"), Element(0)]));
        assert_eq!(segments("$['a b'][\"c'].d\"][12].é"), {
            Some(vec![member("a b"), member("c'].d"), Element(12), member("é")])
        });
        for several in ["$.*", "$..a", "$[*]", "$[-1]", "$[0,1]", "$[0:2]", "$[?@.a]", "$['a','b']"] {
            assert_eq!(segments(several), None, "{several}");
        }
        for rare in ["$ .a", "$[ 0 ]", "$['a\\'b']", "$['a", "a", "", "$.a[", "$."] {
            assert_eq!(segments(rare), None, "{rare}");
        }
        assert_eq!(segments(&format!("${}", "[0]".repeat(128))), None);
    }
}
