//! HTTP/1.1 (RFC 9112) as a client that discards what it reads: requests rendered once, responses decoded in place.
//!
//! The codec, [`Rendered`] and [`Decoder`], knows no runtime and no socket. [`Http1`] carries one request after the
//! other over a connection. An idle connection owns no buffer: whatever is read goes through the worker's [`Scratch`],
//! and only a head that came in pieces is kept, for as long as it is incomplete.

mod body;
mod check;
mod chunked;
mod decoder;
mod exchange;
mod found;
mod head;
mod known;
mod layout;
mod limits;
mod render;
mod scratch;

pub use decoder::{Decoder, Fed};
pub use exchange::Http1;
pub use known::KnownHeads;
pub use layout::{Hole, Layout};
pub use limits::Limits;
pub use render::{Asked, Manner, Numbered, RenderError, Rendered, Verb};
pub use scratch::Scratch;
