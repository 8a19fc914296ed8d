//! Speaks protocols. A failing target is data: what goes wrong here is told by values that are measured, not thrown.

mod failure;
pub mod http1;

pub use failure::{Broken, Failure, Reply};
