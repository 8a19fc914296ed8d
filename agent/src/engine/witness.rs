//! Who looks over a worker's shoulder: at what goes to and fro, and at what iterations find out.

use std::sync::Arc;

use super::compiled::RequestStep;
use super::transport::http1::Numbered;
use super::transport::{Broken, Kept, Reply};

/// What a witness makes of what it sees. It is told on the worker's thread, which waits for it.
pub trait Watch: Send + Sync {
    /// A request was sent, and answered or not.
    fn exchange(&self, _: &Exchange<'_>) {}

    /// An iteration has gone through its steps, with these names and values as JSON. What has no value is empty.
    fn iteration(&self, _: Vec<(String, String)>) {}
}

/// Someone who watches, for load of a few iterations: whatever there is to see is kept until it was seen.
#[derive(Clone)]
pub struct Witness(pub Arc<dyn Watch>);

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Witness")
    }
}

/// A request and what came of it.
#[derive(Clone, Debug)]
pub struct Exchange<'a> {
    /// The request's name.
    pub name: &'a str,
    /// Its bytes, head and body.
    pub sent: Vec<u8>,
    /// The response, or why there was none.
    pub answer: Result<&'a Kept, &'a str>,
    /// From sent to done, in nanoseconds.
    pub took_ns: u64,
}

impl Witness {
    pub(super) fn saw(
        &self,
        step: &RequestStep,
        sent: Numbered<'_>,
        sent_at_ns: u64,
        outcome: &Result<Reply, Box<Broken>>,
    ) {
        let mut copy = vec![0; sent.rendered.bytes().len()];
        let nothing = Kept::default();
        let (answer, done_ns) = match outcome {
            Ok(reply) => (Ok(reply.kept.as_deref().unwrap_or(&nothing)), reply.done_ns),
            Err(broken) => (Err(broken.failure.text.as_str()), broken.at_ns),
        };
        self.0.exchange(&Exchange {
            name: &step.request.name,
            sent: sent.rest(0, &mut copy).to_vec(),
            answer,
            took_ns: done_ns.saturating_sub(sent_at_ns),
        });
    }
}
