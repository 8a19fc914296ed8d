//! A run's whole life ([`life`]): what happens to it, what it wants done, what was measured when, and everything that a
//! report needs to know of it in the end.

mod agent;
mod blocks;
pub mod event;
mod holdings;
pub mod life;
pub mod order;
pub mod pool;
pub mod record;
#[cfg(test)]
pub(crate) mod synthetic;
pub mod timeline;
