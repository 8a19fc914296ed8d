//! Plans from what people have already: browsers' recordings, curl commands, descriptions and collections of requests.
//!
//! Each importer makes a `Journey` of its input: requests, and notes of what it left out. One writer
//! makes the plan of that, which is read as any plan is before anybody is given it.

mod address;
mod body;
mod curl;
mod har;
mod headers;
mod input;
mod journey;
mod json;
mod names;
mod notes;
mod openapi;
mod parts;
mod plan;
mod postman;
mod secrets;
mod sound;
mod text;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use har::HarOptions;
pub use input::{INPUT_BYTES_MAX, read};

use crate::plan_file::{self, Format, Mistakes};
use journey::Journey;

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What a browser recorded: an HTTP archive (HAR 1.2).
    Har(HarOptions),
    /// `curl` commands, as browsers copy them.
    Curl,
    /// A description of an interface: OpenAPI 3.0 or 3.1.
    OpenApi,
    /// A collection of requests: Postman Collection v2.1.
    Postman,
}

/// A plan, and what did not become a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The plan as YAML.
    pub plan: String,
    /// What was left out or wants a look, each in a line that is safe to show.
    pub notes: Vec<String>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The input cannot be had.
    #[error("{0}")]
    Unreadable(String),
    /// The input is something else.
    #[error("wanted {wanted}, found {found}\n  help: {help}")]
    Other {
        /// What it should be.
        wanted: &'static str,
        /// What it is.
        found: String,
        /// What to do about it.
        help: &'static str,
    },
    /// Nothing is left of it.
    #[error("there is no request that a plan could make{}", listed(.0))]
    Nothing(Vec<String>),
    /// What became of it is no plan.
    #[error("what became of it is not valid as a plan:\n{0}")]
    Invalid(Mistakes),
}

fn listed(notes: &[String]) -> String {
    notes.iter().map(|note| format!("\n  {note}")).collect()
}

/// Makes a plan of a text.
///
/// # Errors
/// [`ImportError`] tells why there is none.
pub fn import(text: &str, source: Source) -> Result<Imported, ImportError> {
    finished(journey(text, source)?)
}

fn journey(text: &str, source: Source) -> Result<Journey, ImportError> {
    match source {
        Source::Har(options) => har::read(text, options),
        Source::Curl => curl::read(text),
        Source::OpenApi => openapi::read(text),
        Source::Postman => postman::read(text),
    }
}

/// Writes a plan and reads it as it will be read.
fn finished(journey: Journey) -> Result<Imported, ImportError> {
    let imported = plan::write(journey)?;
    match plan_file::from_str(&imported.plan, Format::Yaml, "the plan", Path::new("")) {
        Ok(_) => Ok(imported),
        Err(mistakes) => Err(ImportError::Invalid(mistakes)),
    }
}
