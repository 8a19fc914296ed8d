//! The agreement between Muster's coordinator and its agents: the rules that both ends must apply identically,
//! and the messages in which they tell each other what they know.
//!
//! The domain half (everything but [`wire`] and [`convert`]) is pure: no clock, no IO, no wire type. Only
//! [`convert`] names both halves, and it checks whatever a stranger's bytes could get wrong.

pub mod change;
pub mod convert;
pub mod histogram;
pub mod id;
pub mod measurement;
pub mod outcome;
pub mod plan;
pub mod schedule;
pub mod share;
pub mod split;
pub mod supply;
pub mod wire;

/// The version of the protocol. Two programs work together only if theirs are equal.
pub const PROTOCOL_VERSION: u32 = 7;

/// The version of this build, which a refusal names beside the protocol's.
pub const BUILD_VERSION: &str = env!("CARGO_PKG_VERSION");
