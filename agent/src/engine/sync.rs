//! Memory that an agent's threads share.
//!
//! It is the standard library's. In the engine's own tests it is the same, but a test can let other threads come in
//! between any two accesses to it: see `models`.

pub(super) use std::sync::atomic::Ordering;

#[cfg(not(test))]
pub(super) use std::sync::atomic::AtomicU64;

#[cfg(test)]
pub(super) use modelled::AtomicU64;

#[cfg(test)]
mod modelled;
#[cfg(test)]
mod models;
