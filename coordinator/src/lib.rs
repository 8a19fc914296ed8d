//! Muster's coordinator: plans a run, commands its agents, merges what they measured, judges it and reports it.

pub mod begun;
pub mod cli;
pub mod compare;
pub mod conduct;
pub mod data;
pub mod doctor;
pub mod exit;
pub mod export;
pub mod forecast;
pub mod history;
pub mod import;
pub mod journal;
pub mod plan_file;
pub mod report;
pub mod resume;
pub mod run;
pub mod run_clock;
mod scribe;
pub mod service;
mod steps;
pub mod store;
pub mod surroundings;
pub mod verdict;
