//! What the engine promises, held against real sockets and a scripted target.

mod auth;
mod books;
#[path = "../certificates/mod.rs"]
mod certificates;
mod cookies;
mod data;
mod executors;
mod failures;
mod findings;
mod flow;
mod handovers;
mod leases;
mod numbers;
mod ramps;
mod reconnects;
mod redirects;
mod reshapes;
mod server;
mod shared;
mod support;
mod templates;
mod tls;
mod traces;
mod truth;
mod ways;
