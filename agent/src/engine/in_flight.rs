//! What is measured of a request while it is under way.

use std::cell::RefMut;

use muster_proto::outcome::{ErrorKind, Outcome};

use super::clock;
use super::compiled::RequestStep;
use super::event::{Answer, Event, Wait};
use super::recorder::Recorder;
use super::request::Turn;
use super::trace::Traced;
use super::transport::{Broken, Connected, Failure, Reply};
use super::worker::Worker;

/// A request under way. Dropped before its end, it was cancelled by the run's end.
pub(super) struct InFlight<'a> {
    worker: &'a Worker,
    step: &'a RequestStep,
    pub(super) turn: Turn,
    /// When a connection was at hand.
    ready_ns: u64,
    /// Attempts that were repeated, and the bytes that went to and fro in them.
    reconnects: u8,
    bytes_sent: u64,
    bytes_received: u64,
    ended: bool,
}

impl<'a> InFlight<'a> {
    pub(super) fn begin(worker: &'a Worker, step: &'a RequestStep, turn: Turn) -> Self {
        let wait = turn
            .arrival
            .then(|| Wait { queued_ns: turn.free_ns - turn.due_ns, lag_ns: turn.now_ns.saturating_sub(turn.free_ns) });
        worker.recorder.borrow_mut().send(step.series, wait, turn.now_ns);
        Self {
            worker,
            step,
            turn,
            ready_ns: turn.now_ns,
            reconnects: 0,
            bytes_sent: 0,
            bytes_received: 0,
            ended: false,
        }
    }

    /// Notes an attempt that will be repeated.
    pub(super) fn repeat(&mut self, broken: &Broken) {
        self.reconnects += 1;
        self.bytes_sent += broken.bytes_sent;
        self.bytes_received += broken.bytes_received;
    }

    pub(super) fn opened(&mut self, opened: &Connected, tls: bool, begun_ns: u64, now_ns: u64) {
        self.ready_ns = now_ns;
        let times = opened.times;
        let working_ns = times.dns_ns + times.connecting_ns + times.tls_ns;
        let event = Event::Opened {
            series: self.step.series,
            blocked_ns: (now_ns - begun_ns).saturating_sub(working_ns),
            dns_ns: times.dns_ns,
            connecting_ns: times.connecting_ns,
            tls_ns: tls.then_some(times.tls_ns),
        };
        self.worker.recorder.borrow_mut().note(event, now_ns);
    }

    pub(super) fn end(self, reply: &Reply, outcome: Outcome, traced: Traced<'_>) {
        let status = reply.status;
        self.complete(reply, outcome, traced, || format!("status {status}"));
    }

    /// Ends with a response that leads nowhere.
    pub(super) fn misdirect(self, reply: &Reply, failure: Failure, traced: Traced<'_>) {
        self.complete(reply, Outcome::Failed(failure.kind), traced, || failure.text);
    }

    fn complete(mut self, reply: &Reply, outcome: Outcome, traced: Traced<'_>, text: impl FnOnce() -> String) {
        let answer = Answer {
            sending_ns: reply.written_ns.saturating_sub(self.ready_ns),
            waiting_ns: reply.first_byte_ns.saturating_sub(reply.written_ns),
            receiving_ns: reply.done_ns.saturating_sub(reply.first_byte_ns),
        };
        let mut recorder = self.count(outcome, reply.done_ns, (reply.bytes_sent, reply.bytes_received), Some(answer));
        if let Outcome::Failed(kind) = outcome {
            recorder.sample(self.step.series, kind, reply.done_ns, traced, text);
        }
    }

    pub(super) fn break_off(mut self, broken: Broken, traced: Traced<'_>) {
        let Failure { kind, text } = broken.failure;
        let bytes = (broken.bytes_sent, broken.bytes_received);
        let mut recorder = self.count(Outcome::Failed(kind), broken.at_ns, bytes, None);
        recorder.sample(self.step.series, kind, broken.at_ns, traced, || text);
        if kind == ErrorKind::GeneratorOverload {
            recorder.gauges().exhausted += 1;
        }
    }

    fn count(
        &mut self,
        outcome: Outcome,
        done_ns: u64,
        (bytes_sent, bytes_received): (u64, u64),
        answer: Option<Answer>,
    ) -> RefMut<'a, Recorder> {
        self.ended = true;
        let event = Event::Done {
            series: self.step.series,
            outcome,
            reconnects: self.reconnects,
            bytes_sent: u32::try_from(self.bytes_sent + bytes_sent).unwrap_or(u32::MAX),
            bytes_received: self.bytes_received + bytes_received,
            response_ns: done_ns.saturating_sub(self.turn.due_ns),
            service_ns: done_ns.saturating_sub(self.turn.now_ns),
            answer,
        };
        let mut recorder = self.worker.recorder.borrow_mut();
        recorder.note(event, done_ns);
        recorder
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now_ns = clock::now_ns();
            drop(self.count(Outcome::Failed(ErrorKind::Cancelled), now_ns, (0, 0), None));
        }
    }
}
