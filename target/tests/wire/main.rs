//! What a client gets over real sockets.

mod client;
mod counting;
mod faults;
mod http;
mod scripts;
