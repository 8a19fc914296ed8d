//! What Prometheus takes: asked for as text or messages, or sent by remote write.

pub mod messages;
pub mod remote_write;
pub mod scrape;
mod spans;
pub mod text;

use super::view::{Labels, View};

/// All labels of a value, those of the run included.
fn labels<'v>(view: &'v View, own: &'v Labels) -> impl Iterator<Item = (&'static str, &'v str)> {
    view.common().into_iter().chain(own.iter().map(|(name, value)| (*name, &**value)))
}
