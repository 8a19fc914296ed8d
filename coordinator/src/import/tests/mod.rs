//! Plans of realistic inputs, and the laws that hold for all.

mod bounds;
mod captures;
mod curl;
mod har;
mod hostile;
mod law;
mod openapi;
mod postman;

use super::{Imported, Source, import};

/// What becomes of a sound input: the notes as they are told, and the plan, which was read as any plan is.
fn shown(text: &str, source: Source) -> String {
    let Imported { plan, notes } = import(text, source).unwrap_or_else(|error| panic!("{error}"));
    format!("{}\n---\n{plan}", notes.join("\n"))
}

/// What is said about an input of which nothing can be made.
fn refused(text: &str, source: Source) -> String {
    import(text, source).expect_err("this can be imported").to_string()
}
