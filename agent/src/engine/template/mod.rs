//! Texts that are made anew for each request: `/products?page={{ random(1, pages) }}`.
//!
//! Expressions are those of Jinja, compiled once. What does not vary is evaluated then too, so that it costs nothing later.

mod call;
mod date;
mod digest;
mod functions;
mod names;
mod people;
mod split;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use minijinja::{Expression, Value};

pub(super) use digest::hex_of;
pub use functions::{FUNCTIONS, GIVEN};
pub(super) use functions::{below, draw_for};
pub use names::{BUILT_IN, Names, Scope, Variables, Vars, is_of_users, is_taken, within};
pub use split::{Piece, is_template, split};

use super::random::Key;
use call::Call;
use names::Meaning;

/// The longest text that expressions may make, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// Why a text is no template, or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An expression has no end.
    #[error("`{0}` has no end: wanted `}}}}` after it")]
    Open(String),
    /// It is no expression.
    #[error("`{expression}` is no expression: {reason}")]
    Syntax {
        /// As it stands in the text.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It names something that there is not.
    #[error("`{name}` is not known")]
    Unknown {
        /// What it names.
        name: String,
    },
    /// It has no value.
    #[error("`{expression}` has no value: {reason}")]
    Value {
        /// As it stands in the text.
        expression: String,
        /// Why it has none.
        reason: String,
    },
    /// It makes too long a text.
    #[error("a text of more than {TEXT_BYTES_MAX} bytes")]
    TooLong,
}

/// A text with expressions, compiled.
pub struct Template {
    parts: Vec<Part>,
    /// What its expressions look names up in.
    context: Value,
    /// The names of what iterations find out that it names.
    named: Vec<String>,
}

enum Part {
    Literal(String),
    /// What the iteration keeps in a slot, and its name.
    Slot(usize, Box<str>),
    Call(Call),
    Value {
        expression: Expression<'static, 'static>,
        source: Box<str>,
        /// Whether it is the same each time.
        constant: bool,
    },
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    /// [`TemplateError`] tells what is wrong with it.
    pub fn compile(text: &str, names: &Names) -> Result<Self, TemplateError> {
        let pieces = split(text).map_err(|open| TemplateError::Open(open.to_owned()))?;
        let mut template = Self { parts: Vec::new(), context: names.context.clone(), named: Vec::new() };
        for piece in pieces {
            let part = match piece {
                Piece::Literal(text) => Part::Literal(text.to_owned()),
                Piece::Expression(source) => template.expression(source, names)?,
            };
            match (template.parts.last_mut(), part) {
                (Some(Part::Literal(before)), Part::Literal(text)) => before.push_str(&text),
                (_, part) => template.parts.push(part),
            }
        }
        Ok(template)
    }

    /// Compiles a text that may be one value: a lone expression keeps the kind of what it is worth.
    ///
    /// # Errors
    /// [`TemplateError`] tells what is wrong with it.
    pub fn compile_value(text: &str, names: &Names) -> Result<Self, TemplateError> {
        match split(text).as_deref() {
            Ok([Piece::Expression(source)]) => Formula::compile(source, names).map(|formula| formula.0),
            _ => Self::compile(text, names),
        }
    }

    /// Whether it depends on what iterations find out, so that it cannot be made without one.
    #[must_use]
    pub fn needs_iteration(&self) -> bool {
        !self.named.is_empty()
    }

    /// The text, if it is the same each time.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match &self.parts[..] {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The names of what iterations find out that it names.
    pub fn named(&self) -> impl Iterator<Item = String> {
        self.named.iter().cloned()
    }

    /// What it is worth: of a lone expression that, of anything else the text. `None` if it has no value.
    pub(in crate::engine) fn value(&self, scope: &Scope) -> Option<Value> {
        match &self.parts[..] {
            [part @ (Part::Slot(..) | Part::Value { .. })] => value_of(part, &self.context, scope),
            _ => self.render(scope).ok().map(Value::from),
        }
    }

    /// Makes the text.
    ///
    /// # Errors
    /// [`TemplateError`] where an expression has no value, or too long a one.
    pub fn render(&self, scope: &Scope) -> Result<String, TemplateError> {
        let mut text = String::new();
        self.render_to(&mut text, scope)?;
        Ok(text)
    }

    /// Adds it to a text.
    ///
    /// # Errors
    /// As for [`Self::render`].
    pub(super) fn render_to(&self, text: &mut String, scope: &Scope) -> Result<(), TemplateError> {
        let from = text.len();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Slot(slot, name) => scope.show(*slot, |value| push(text, value, name))?,
                Part::Call(call) => call.write_to(text, scope),
                Part::Value { expression, source, .. } => {
                    let value = expression.eval(&self.context).map_err(|error| no_value(source, reason(&error)))?;
                    push(text, &value, source)?;
                }
            }
            if text.len() - from > TEXT_BYTES_MAX {
                return Err(TemplateError::TooLong);
            }
        }
        Ok(())
    }

    /// An expression in a text. What does not vary is made at once.
    fn expression(&mut self, source: &str, names: &Names) -> Result<Part, TemplateError> {
        if let Some(call) = Call::of(source)
            && call.name().is_none_or(|name| matches!(names.meaning(name), Some(Meaning::BuiltIn)))
        {
            return Ok(Part::Call(call));
        }
        let part = self.part(source, names)?;
        if !matches!(&part, Part::Value { constant: true, .. }) {
            return Ok(part);
        }
        let alone = Self { parts: vec![part], context: self.context.clone(), named: Vec::new() };
        within(Key::default(), &mut Variables::default(), |scope| alone.render(scope)).map(Part::Literal)
    }

    fn part(&mut self, source: &str, names: &Names) -> Result<Part, TemplateError> {
        if let Some(Meaning::Slot(slot)) = names.meaning(source) {
            self.named.push(source.to_owned());
            return Ok(Part::Slot(slot, source.into()));
        }
        let compiled = names.vars.environment().compile_expression_owned(source.to_owned());
        let expression = compiled
            .map_err(|error| TemplateError::Syntax { expression: source.to_owned(), reason: reason(&error) })?;
        let mut named: Vec<String> = expression.undeclared_variables(false).into_iter().collect();
        named.sort();
        let mut constant = true;
        for name in named {
            match names.meaning(&name) {
                Some(Meaning::Constant) => {}
                Some(Meaning::BuiltIn) => constant = false,
                Some(Meaning::Slot(_)) => {
                    constant = false;
                    self.named.push(name);
                }
                None => return Err(TemplateError::Unknown { name }),
            }
        }
        Ok(Part::Value { expression, source: source.into(), constant })
    }
}

/// An expression by itself, compiled.
pub struct Formula(Template);

impl Formula {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`TemplateError`] tells what is wrong with it.
    pub fn compile(source: &str, names: &Names) -> Result<Self, TemplateError> {
        let mut template = Template { parts: Vec::new(), context: names.context.clone(), named: Vec::new() };
        let part = template.part(source.trim(), names)?;
        template.parts.push(part);
        Ok(Self(template))
    }

    /// The names of what iterations find out that it names.
    pub fn named(&self) -> impl Iterator<Item = String> {
        self.0.named()
    }

    /// What it is worth; `None` if it has no value.
    pub(super) fn value(&self, scope: &Scope) -> Option<Value> {
        value_of(&self.0.parts[0], &self.0.context, scope)
    }
}

/// Which members of a map of this name an expression reaches for, as `b` in `a.b`; none if it is no expression.
#[must_use]
pub fn members_of(name: &str, source: &str) -> Vec<String> {
    let compiled = Vars::new([], 0).environment().compile_expression_owned(source.to_owned());
    let paths = compiled.map(|expression| expression.undeclared_variables(true)).unwrap_or_default();
    let member = |path: &String| path.strip_prefix(name)?.strip_prefix('.')?.split('.').next().map(str::to_owned);
    let mut members: Vec<String> = paths.iter().filter_map(member).collect();
    members.sort();
    members.dedup();
    members
}

fn value_of(part: &Part, context: &Value, scope: &Scope) -> Option<Value> {
    let value = match part {
        Part::Literal(text) => Value::from(text.as_str()),
        Part::Call(call) => {
            let mut text = String::new();
            call.write_to(&mut text, scope);
            Value::from(text)
        }
        Part::Slot(slot, _) => scope.show(*slot, Value::clone),
        Part::Value { expression, .. } => expression.eval(context).ok()?,
    };
    (!value.is_undefined()).then_some(value)
}

/// Writes a value as it stands in a text.
fn push(text: &mut String, value: &Value, source: &str) -> Result<(), TemplateError> {
    if value.is_undefined() {
        return Err(no_value(source, "there is no such thing".to_owned()));
    }
    match value.as_str() {
        Some(made) => text.push_str(made),
        None => write!(text, "{value}").unwrap_or_default(),
    }
    Ok(())
}

/// What went wrong, without the place in the expression, which is short.
fn reason(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

fn no_value(source: &str, reason: String) -> TemplateError {
    TemplateError::Value { expression: source.to_owned(), reason }
}
