//! The data plane: everything between an assignment and its measurements. Knows no gRPC.
//!
//! In reading order: `worker` runs `arrivals` (open models) and `users` (closed models), whose users go through a
//! scenario's steps (`user`), send requests (`request`), [`made`] from [templates](template) where they vary, over a
//! [`transport`], and record what they see (`recorder`). [`collector`] puts the workers' windows together.

pub mod alarm;
mod arrivals;
pub mod auth;
mod bag;
pub mod changes;
pub mod clock;
pub mod collector;
pub mod compiled;
pub mod control;
mod cuts;
pub mod deadline;
pub mod enough;
pub mod event;
pub mod feeder;
pub mod findings;
mod flow;
pub mod held;
mod in_flight;
mod jar;
pub mod lease;
pub mod made;
pub mod pacer;
mod parallel;
pub mod part;
mod pool;
pub mod preview;
pub mod program;
pub mod progress;
pub mod quota;
pub mod random;
pub mod record;
mod recorder;
mod redirect;
mod request;
pub mod ring;
pub mod rows;
mod sigv4;
pub mod start;
pub mod supply;
mod sync;
pub mod template;
pub mod tenure;
pub mod tokens;
mod trace;
pub mod transport;
mod user;
mod users;
pub mod witness;
mod worker;

pub use worker::WorkerError;
