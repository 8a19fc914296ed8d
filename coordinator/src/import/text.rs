//! A text of a request: what stands for itself, and expressions that are made anew for each request.

/// A text, in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// It stands for itself, whatever it looks like.
    Literal(String),
    /// What a plan writes between `{{` and `}}`.
    Expression(String),
}

impl Text {
    /// A text that stands for itself.
    pub(super) fn literal(text: &str) -> Self {
        let mut made = Self::default();
        made.push_literal(text);
        made
    }

    /// A text that is one expression.
    pub(super) fn expression(source: impl Into<String>) -> Self {
        Self(vec![Piece::Expression(source.into())])
    }

    /// Appends what stands for itself.
    pub(super) fn push_literal(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Literal(last)) => last.push_str(text),
            _ => self.0.push(Piece::Literal(text.to_owned())),
        }
    }

    /// Appends an expression.
    pub(super) fn push_expression(&mut self, source: impl Into<String>) {
        self.0.push(Piece::Expression(source.into()));
    }

    /// Appends another text.
    pub(super) fn push(&mut self, other: Self) {
        for piece in other.0 {
            match piece {
                Piece::Literal(text) => self.push_literal(&text),
                Piece::Expression(source) => self.push_expression(source),
            }
        }
    }

    /// Its pieces in order.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text itself, if there is no expression in it.
    pub(super) fn as_literal(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The expression, if there is nothing else.
    pub(super) fn as_expression(&self) -> Option<&str> {
        if let [Piece::Expression(source)] = &self.0[..] { Some(source) } else { None }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same text with its pieces written in another way.
    pub(super) fn map(&self, literal: impl Fn(&str) -> String, expression: impl Fn(&str) -> String) -> Self {
        let mut made = Self::default();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => made.push_literal(&literal(text)),
                Piece::Expression(source) => made.push_expression(expression(source)),
            }
        }
        made
    }

    /// As a plan writes it. Braces that would begin an expression are made by one.
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        for (index, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Literal(text) => write_literal(&mut out, text, index + 1 < self.0.len()),
                Piece::Expression(source) => out.push_str(&format!("{{{{ {source} }}}}")),
            }
        }
        out
    }
}

/// Writes what stands for itself, before an expression or not.
fn write_literal(out: &mut String, text: &str, before_expression: bool) {
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (plain, braces) = rest.split_at(at);
        let after = braces.trim_start_matches('{');
        let braces = &braces[..braces.len() - after.len()];
        out.push_str(plain);
        if braces.len() > 1 || (after.is_empty() && before_expression) {
            out.push_str(&format!("{{{{ \"{braces}\" }}}}"));
        } else {
            out.push_str(braces);
        }
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_would_begin_an_expression_are_made_by_one() {
        let written = |text: &str| Text::literal(text).written();
        assert_eq!(written("a {b} {{c}}"), r#"a {b} {{ "{{" }}c}}"#);
        assert_eq!(written("{{{"), r#"{{ "{{{" }}"#);
        let mut text = Text::literal("{");
        text.push_expression("id");
        text.push_literal("}");
        assert_eq!(text.written(), r#"{{ "{" }}{{ id }}}"#);
    }
}
