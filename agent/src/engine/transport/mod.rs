//! Speaks protocols. A failing target is data: what goes wrong here is told by values that are measured, not thrown.

mod failure;

pub use failure::{Broken, Failure, Reply};
