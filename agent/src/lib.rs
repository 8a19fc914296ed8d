//! Muster's agent: obeys a coordinator, generates load on time, and streams mergeable measurements back.
//!
//! Control and data are apart: [`session`] and [`duty`] run beside the [`engine`]'s workers and never in their way.

pub mod cache;
pub mod chore;
pub mod clock_offset;
pub mod duty;
pub mod engine;
pub mod generator;
pub mod guard;
pub mod health;
pub mod outbox;
pub mod planted;
pub mod resources;
pub mod session;
pub mod spool;
