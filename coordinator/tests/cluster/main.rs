//! Coordinators and agents over real gRPC on loopback.

mod chores;
mod cut_off;
mod data;
mod dealt;
mod durable;
mod handovers;
mod hostile;
mod killed;
mod orders;
mod resumed;
mod runs;
mod shared;
mod stranger;
mod streams;
mod support;
mod wire;
