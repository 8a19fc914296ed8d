//! Texts that are made anew for each request: `/products?page={{ random(1, pages) }}`.
//!
//! Expressions are those of Jinja, compiled once. What does not vary is evaluated then too, so that it costs nothing later.

mod functions;
mod split;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object};
use minijinja::{Environment, Expression, Value};

pub use functions::FUNCTIONS;
pub use split::{Piece, is_template, split};

use super::random::Key;

/// The name of the iteration's number, which no other of its scenario has.
pub const ITERATION: &str = "iteration";
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

/// A plan's variables, by their names, as one worker knows them: no other touches these values.
#[derive(Clone, Debug)]
pub struct Vars {
    values: Arc<Vec<(String, Value)>>,
    environment: &'static Environment<'static>,
}

impl Vars {
    /// Variables with these values, as JSON, for the worker of this number. One that is none has no value.
    pub fn new<'v>(vars: impl IntoIterator<Item = (&'v str, &'v str)>, worker: usize) -> Self {
        let value = |json| serde_json::from_str(json).unwrap_or(Value::UNDEFINED);
        let values = vars.into_iter().map(|(name, json)| (name.to_owned(), value(json)));
        Self { values: Arc::new(values.collect()), environment: functions::environment(worker) }
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| name.as_str())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// What names mean in an expression.
#[derive(Debug)]
struct Context {
    vars: Vars,
    iteration: u64,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            ITERATION => Some(Value::from(self.iteration)),
            name => self.vars.get(name).cloned(),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// What a text is made for.
#[derive(Clone, Debug)]
pub struct Scope {
    context: Value,
}

impl Scope {
    /// One step of one iteration, which decides what is drawn.
    #[must_use]
    pub fn of(key: Key, vars: &Vars) -> Self {
        functions::draw_for(key);
        Self { context: Value::from_object(Context { vars: vars.clone(), iteration: key.iteration }) }
    }
}

/// A text with expressions, compiled.
pub struct Template(Vec<Part>);

enum Part {
    Literal(String),
    Value { expression: Expression<'static, 'static>, source: Box<str> },
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    /// [`TemplateError`] tells what is wrong with it.
    pub fn compile(text: &str, vars: &Vars) -> Result<Self, TemplateError> {
        let pieces = split(text).map_err(|open| TemplateError::Open(open.to_owned()))?;
        let mut parts = Vec::new();
        for piece in pieces {
            let part = match piece {
                Piece::Literal(text) => Part::Literal(text.to_owned()),
                Piece::Expression(source) => compile_expression(source, vars)?,
            };
            match (parts.last_mut(), part) {
                (Some(Part::Literal(before)), Part::Literal(text)) => before.push_str(&text),
                (_, part) => parts.push(part),
            }
        }
        Ok(Self(parts))
    }

    /// Makes the text.
    ///
    /// # Errors
    /// [`TemplateError`] where an expression has no value, or too long a one.
    pub fn render(&self, scope: &Scope) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Value { expression, source } => {
                    let value = expression.eval(&scope.context).map_err(|error| no_value(source, reason(&error)))?;
                    if value.is_undefined() {
                        return Err(no_value(source, "there is no such thing".to_owned()));
                    }
                    match value.as_str() {
                        Some(made) => text.push_str(made),
                        None => write!(text, "{value}").unwrap_or_default(),
                    }
                }
            }
            if text.len() > TEXT_BYTES_MAX {
                return Err(TemplateError::TooLong);
            }
        }
        Ok(text)
    }
}

/// What went wrong, without the place in the expression, which is short.
fn reason(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

fn no_value(source: &str, reason: String) -> TemplateError {
    TemplateError::Value { expression: source.to_owned(), reason }
}

fn compile_expression(source: &str, vars: &Vars) -> Result<Part, TemplateError> {
    let compiled = vars.environment.compile_expression_owned(source.to_owned());
    let expression =
        compiled.map_err(|error| TemplateError::Syntax { expression: source.to_owned(), reason: reason(&error) })?;
    let names = expression.undeclared_variables(false);
    let is_known = |name: &str| name == ITERATION || FUNCTIONS.contains(&name) || vars.get(name).is_some();
    let mut unknown: Vec<&String> = names.iter().filter(|name| !is_known(name)).collect();
    unknown.sort();
    if let Some(name) = unknown.first() {
        return Err(TemplateError::Unknown { name: (*name).clone() });
    }
    let varies = |name: &String| vars.get(name).is_none();
    if names.iter().any(varies) {
        return Ok(Part::Value { expression, source: source.into() });
    }
    let scope = Scope::of(Key::default(), vars);
    let part = Part::Value { expression, source: source.into() };
    Template(vec![part]).render(&scope).map(Part::Literal)
}
