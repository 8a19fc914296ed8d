//! Muster's agent: obeys a coordinator, generates load on time, and streams mergeable measurements back.

pub mod engine;
pub mod guard;
