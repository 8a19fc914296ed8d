//! Variables that templates can name.

use std::fmt;

/// A variable that templates can name.
#[derive(Clone, PartialEq, Eq)]
pub struct Var {
    /// Its name.
    pub name: String,
    /// Its value, as JSON.
    pub json: String,
    /// Whether its value is shown and kept nowhere.
    pub secret: bool,
}

impl Var {
    /// A variable that everybody may see.
    #[must_use]
    pub fn new(name: impl Into<String>, json: impl Into<String>) -> Self {
        Self { name: name.into(), json: json.into(), secret: false }
    }

    /// A variable that nobody shall see who does not need it.
    #[must_use]
    pub fn secret(name: impl Into<String>, json: impl Into<String>) -> Self {
        Self { secret: true, ..Self::new(name, json) }
    }
}

impl fmt::Debug for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, if self.secret { "***" } else { &self.json })
    }
}
