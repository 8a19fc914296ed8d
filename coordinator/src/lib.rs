//! Muster.

pub mod plan_file;
