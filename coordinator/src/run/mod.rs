//! A run: what was measured when, and everything that a report needs to know of it.

pub mod record;
#[cfg(test)]
pub(crate) mod synthetic;
pub mod timeline;
