//! One request: a connection, an exchange, perhaps a repetition or redirects, and what is measured of it.

use std::borrow::Cow;

use muster_proto::outcome::{ErrorKind, Outcome};
use muster_proto::plan::{Connections, Request, Url};

use super::clock;
use super::compiled::{Content, RequestStep};
use super::findings::{Books, Judged, Onward, Response};
use super::in_flight::InFlight;
use super::jar::Jar;
use super::made::{Made, MakeError};
use super::random::Key;
use super::redirect::{self, Redirected};
use super::template::within;
use super::trace::TRACEPARENT;
use super::transport::http1::{Manner, Numbered, Rendered};
use super::transport::{Broken, Connection, Failure, Kept, Reply};
use super::user::User;
use super::worker::Worker;

/// The moments that lead up to a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// When it was due: from here its response time counts.
    pub(super) due_ns: u64,
    /// When it was due and its user free: from here its lateness is our own.
    pub(super) free_ns: u64,
    /// The time.
    pub(super) now_ns: u64,
    /// Whether it is an arrival's first, the only ones that can be late.
    pub(super) arrival: bool,
}

impl Turn {
    /// A request that is due because its predecessor has just ended.
    pub(super) fn at(now_ns: u64) -> Self {
        Self { due_ns: now_ns, free_ns: now_ns, now_ns, arrival: false }
    }
}

/// How a request ended, redirects included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// When.
    pub(super) done_ns: u64,
    /// Whether its last response was as expected.
    pub(super) expected: bool,
    /// What becomes of the iteration.
    pub(super) onward: Onward,
    /// Whether it was never sent, because the lease ended while it was being prepared.
    unleased: bool,
}

impl Ended {
    /// How two requests ended together that were made at the same time.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            done_ns: self.done_ns.max(other.done_ns),
            expected: self.expected && other.expected,
            onward: self.onward.max(other.onward),
            unleased: self.unleased || other.unleased,
        }
    }
}

/// A request's bytes, by when they were written.
enum Written<'a> {
    /// Before the start.
    Before(&'a Rendered),
    /// For this iteration.
    Now(&'a Made, Rendered),
    /// For a redirect. Boxed, because it is rare and large, and would lie in every user's memory.
    Onward(Box<Redirected>),
}

/// Where a request goes, and its bytes.
struct Call<'a> {
    /// What it asks for, with templates where it was made of them.
    request: &'a Request,
    made: Option<&'a Made>,
    rendered: &'a Rendered,
    /// The origin's number, unless it is one that only a redirect named.
    origin: Option<usize>,
    /// Whether it may be repeated on a fresh connection.
    idempotent: bool,
}

impl<'a> Call<'a> {
    fn new(step: &'a RequestStep, written: &'a Written<'_>) -> Self {
        let first = |made, rendered| {
            let (request, origin) = (&step.request, Some(step.origin));
            Self { request, made, rendered, origin, idempotent: step.idempotent }
        };
        let Redirected { request, rendered } = match written {
            Written::Before(rendered) => return first(None, rendered),
            Written::Now(made, rendered) => return first(Some(made), rendered),
            Written::Onward(redirected) => &**redirected,
        };
        let (first, next) = (&step.request.url, &request.url);
        let same_origin = (first.tls, &first.host, first.port) == (next.tls, &next.host, next.port);
        let origin = same_origin.then_some(step.origin);
        Self { request, made: None, rendered, origin, idempotent: request.is_idempotent() }
    }

    /// Where it goes, with what was made of templates.
    fn url(&self) -> Cow<'a, Url> {
        match self.made {
            Some(_) => Cow::Owned(self.asked_for().into_owned().url),
            None => Cow::Borrowed(&self.request.url),
        }
    }

    /// What it asks for, with what was made of templates.
    fn asked_for(&self) -> Cow<'a, Request> {
        match self.made {
            Some(made) => Cow::Owned(made.read_back(self.request, self.rendered)),
            None => Cow::Borrowed(self.request),
        }
    }
}

/// A user about a step of its scenario.
pub(super) struct Errand<'a> {
    /// Whose connections, clock and books it uses.
    pub(super) worker: &'a Worker,
    /// Who is about it.
    pub(super) user: &'a mut User,
    /// What to send.
    pub(super) step: &'a RequestStep,
    /// Who shares connections.
    pub(super) connections: Connections,
    /// Which step of which iteration it is.
    pub(super) key: Key,
}

impl Errand<'_> {
    /// Sends the step's request, those to which it is redirected, and all of them again if the plan says so, and measures
    /// them. `None` when the lease ended first: then the iteration does not go on.
    pub(super) async fn perform(&mut self, turn: Turn) -> Option<Ended> {
        let (mut turn, mut retries) = (turn, self.step.request.retry.times);
        loop {
            let ended = self.perform_once(turn).await?;
            if retries == 0 || (ended.expected && ended.onward == Onward::GoOn) {
                return Some(ended);
            }
            retries -= 1;
            tokio::time::sleep(self.step.request.retry.pause).await;
            turn = Turn::at(clock::now_ns());
        }
    }

    /// The same, whatever the plan says of sending it again.
    pub(super) async fn perform_once(&mut self, mut turn: Turn) -> Option<Ended> {
        if !self.worker.lease.holds(turn.now_ns) {
            return None;
        }
        let step = self.step;
        let mut written = match &step.content {
            Content::Fixed(rendered) => Written::Before(rendered),
            Content::Made(made) => {
                let made = &made[self.worker.number];
                match within(self.key, &mut self.user.variables, |scope| made.make(scope)) {
                    Ok(rendered) => Written::Now(made, rendered),
                    Err(error) => return Some(self.unmade(turn, &error)),
                }
            }
        };
        let mut hops_left = step.request.redirects.0;
        loop {
            let (ended, next) = self.send(&Call::new(step, &written), turn, hops_left > 0).await;
            let Some(next) = next else { return (!ended.unleased).then_some(ended) };
            written = Written::Onward(next);
            hops_left -= 1;
            turn = Turn::at(ended.done_ns);
            if !self.worker.lease.holds(turn.now_ns) {
                return None;
            }
        }
    }

    /// A request that could not be made has failed. It took its time all the same, for whoever repeats it until a moment.
    fn unmade(&mut self, turn: Turn, error: &MakeError) -> Ended {
        let in_flight = InFlight::begin(self.worker, self.step, turn);
        self.broken(in_flight, *Broken::before_sending(error.into(), clock::now_ns()))
    }

    /// There was no response.
    fn broken(&mut self, in_flight: InFlight<'_>, broken: Broken) -> Ended {
        // Whatever the run's end cancels is dropped, and comes to no end here.
        let (done_ns, unleased) = (broken.at_ns, broken.failure.kind == ErrorKind::Cancelled);
        let mut onward = Onward::GoOn;
        let step = self.step;
        if let Some(findings) = step.findings.get(self.worker.number).filter(|_| !unleased) {
            let mut recorder = self.worker.recorder.borrow_mut();
            let mut books = Books { recorder: &mut recorder, now_ns: done_ns, traced: self.worker.traced(self.key) };
            onward = findings.miss(&broken.failure.text, &mut self.user.variables, &mut books);
        }
        in_flight.break_off(broken, self.worker.traced(self.key));
        Ended { done_ns, expected: false, onward, unleased }
    }

    /// Sends one request and measures it; tells also where it was redirected to.
    async fn send(&mut self, call: &Call<'_>, turn: Turn, may_redirect: bool) -> (Ended, Option<Box<Redirected>>) {
        let mut in_flight = InFlight::begin(self.worker, self.step, turn);
        self.user.deadline.set(turn.now_ns + self.step.timeout_ns);
        let complete = self.complete(call);
        let outcome = match &complete {
            Ok(complete) => {
                let rendered = complete.as_deref().unwrap_or(call.rendered);
                let sent = Numbered { rendered, id: self.step.first_id | self.key.iteration };
                let outcome = self.attempt(call, sent, &mut in_flight).await;
                if let Some(witness) = &self.worker.witness {
                    witness.saw(self.step, sent, turn.now_ns, &outcome);
                }
                outcome
            }
            Err(error) => Err(Broken::before_sending(error.into(), clock::now_ns())),
        };
        match outcome {
            Ok(reply) => self.answered(call, in_flight, reply, may_redirect),
            Err(broken) => (self.broken(in_flight, *broken), None),
        }
    }

    fn answered(
        &mut self,
        call: &Call<'_>,
        in_flight: InFlight<'_>,
        mut reply: Reply,
        may_redirect: bool,
    ) -> (Ended, Option<Box<Redirected>>) {
        let done_ns = reply.done_ns;
        let asks = call.rendered.asked().cookies;
        if let Some(kept) = reply.kept.as_ref().filter(|kept| asks && Jar::is_set_by(kept)) {
            self.user.own.jar.borrow_mut().keep(&call.url(), kept);
        }
        let location = reply.location.take().filter(|_| may_redirect && (300..400).contains(&reply.status));
        let manner = || Manner {
            keep: call.rendered.asked().keep,
            cookies: call.rendered.asked().cookies,
            ..self.worker.manner(self.connections)
        };
        let follow = |to: Box<str>| redirect::follow(&call.asked_for(), reply.status, &to, manner()).map(Box::new);
        match location.map(follow).transpose() {
            Ok(None) => (self.concluded(in_flight, &mut reply), None),
            Ok(next) => {
                in_flight.end(&reply, Outcome::Expected, self.worker.traced(self.key));
                (Ended { done_ns, expected: true, onward: Onward::GoOn, unleased: false }, next)
            }
            Err(failure) => {
                in_flight.misdirect(&reply, failure, self.worker.traced(self.key));
                (Ended { done_ns, expected: false, onward: Onward::GoOn, unleased: false }, None)
            }
        }
    }

    /// The last response has come: whether it is as expected, and what else is made of it.
    fn concluded(&mut self, in_flight: InFlight<'_>, reply: &mut Reply) -> Ended {
        let as_expected = self.step.request.expect_status.contains(reply.status);
        let Some(findings) = self.step.findings.get(self.worker.number) else {
            in_flight.end(reply, outcome_of(reply.status, as_expected), self.worker.traced(self.key));
            return Ended { done_ns: reply.done_ns, expected: as_expected, onward: Onward::GoOn, unleased: false };
        };
        let (worker, key, variables) = (self.worker, self.key, &mut self.user.variables);
        let (now_ns, traced) = (reply.done_ns, worker.traced(key));
        let kept: Kept = reply.kept.take().map(|kept| *kept).unwrap_or_default();
        let time_ns = now_ns.saturating_sub(in_flight.turn.due_ns);
        let response = Response { status: reply.status, time_ns, kept: &kept };
        let judged = {
            let mut recorder = worker.recorder.borrow_mut();
            findings.judge(&response, key, variables, &mut Books { recorder: &mut recorder, now_ns, traced })
        };
        let Judged { onward, fails } = judged;
        let expected = as_expected && !fails;
        let outcome = match outcome_of(reply.status, as_expected) {
            Outcome::Expected if fails => Outcome::Failed(ErrorKind::Check),
            outcome => outcome,
        };
        in_flight.end(reply, outcome, traced);
        let mut recorder = worker.recorder.borrow_mut();
        findings.observe(key, variables, &mut Books { recorder: &mut recorder, now_ns, traced });
        // What took us time is not the target's next response's.
        Ended { done_ns: clock::now_ns(), expected, onward, unleased: false }
    }

    /// The request's bytes with what the iteration and the moment add to them, if anything.
    fn complete(&mut self, call: &Call<'_>) -> Result<Option<Box<Rendered>>, MakeError> {
        let mut complete = self.with_cookies(call);
        // Credentials are meant for the first origin only.
        if let Some(credentials) = self.step.credentials.as_ref().filter(|_| call.origin.is_some()) {
            let sent = complete.as_deref().unwrap_or(call.rendered);
            let signed = credentials.add_to(sent, self.worker, self.key, &mut self.user.variables)?;
            complete = Some(Box::new(signed));
        }
        // Last, for no signature is to cover what others on the way may write anew.
        Ok(self.traced(call, complete))
    }

    /// The request's bytes with the name of its trace, if its iteration is traced. One that brings its own has no other.
    fn traced(&self, call: &Call<'_>, complete: Option<Box<Rendered>>) -> Option<Box<Rendered>> {
        let Some(traces) = &self.worker.traces else { return complete };
        if call.request.headers.iter().any(|(name, _)| name == TRACEPARENT) {
            return complete;
        }
        let Some(field) = traces.traceparent(self.key) else { return complete };
        // It has nothing in it that cannot be sent.
        let sent = complete.as_deref().unwrap_or(call.rendered);
        sent.with_fields(&[(TRACEPARENT, field)]).ok().map(Box::new)
    }

    /// The request's bytes with the cookies that belong to it, if there are any. One that brings its own has no others.
    fn with_cookies(&self, call: &Call<'_>) -> Option<Box<Rendered>> {
        if !call.rendered.asked().cookies || call.request.headers.iter().any(|(name, _)| name == "cookie") {
            return None;
        }
        let jar = self.user.own.jar.borrow();
        let field = if jar.is_empty() { None } else { jar.field(&call.url()) };
        // A jar holds nothing that cannot be sent.
        field.and_then(|field| call.rendered.with_fields(&[("cookie", field)]).ok()).map(Box::new)
    }

    /// Makes the exchange on a kept connection or a new one; repeats it once when the kept one turns out to be closed.
    async fn attempt(
        &mut self,
        call: &Call<'_>,
        request: Numbered<'_>,
        in_flight: &mut InFlight<'_>,
    ) -> Result<Reply, Box<Broken>> {
        let (mut connection, mut repeatable) = match self.take_kept(call) {
            Some(connection) => (connection, call.idempotent),
            None => (self.open(call, in_flight).await?, false),
        };
        let worker = self.worker;
        loop {
            let result = connection.exchange(request, &worker.limits, &worker.scratch, &mut self.user.deadline).await;
            match result {
                Err(broken) if broken.closed_early && repeatable => {
                    in_flight.repeat(&broken);
                    connection = self.open(call, in_flight).await?;
                    repeatable = false;
                }
                result => {
                    if matches!(&result, Ok(reply) if reply.reusable) {
                        self.keep(call, connection);
                    }
                    return result;
                }
            }
        }
    }

    fn take_kept(&mut self, call: &Call<'_>) -> Option<Connection> {
        let origin = call.origin?;
        match self.connections {
            Connections::Pool => self.worker.pool.borrow_mut().take(origin),
            Connections::PerUser => self.user.own.connections.borrow_mut().take(origin),
            Connections::New => None,
        }
    }

    fn keep(&mut self, call: &Call<'_>, connection: Connection) {
        let Some(origin) = call.origin else { return };
        match self.connections {
            Connections::Pool => self.worker.pool.borrow_mut().give(origin, connection),
            Connections::PerUser => self.user.own.connections.borrow_mut().give(origin, connection),
            Connections::New => {}
        }
    }

    /// Opens a connection. Boxed, because its state is large and would otherwise lie in every user's memory.
    async fn open(&mut self, call: &Call<'_>, in_flight: &mut InFlight<'_>) -> Result<Connection, Box<Broken>> {
        let begun_ns = clock::now_ns();
        let deadline = &mut self.user.deadline;
        let total_at_ns = deadline.at_ns();
        deadline.set(total_at_ns.min(begun_ns + self.worker.connect_timeout_ns));
        let user = self.user.own.number.get();
        let result = Box::pin(self.worker.connector.connect_as(user, &call.request.url, deadline)).await;
        deadline.set(total_at_ns);
        let now_ns = clock::now_ns();
        let opened = match result {
            Ok(opened) => opened,
            Err(failed) => return Err(Broken::before_sending(failed.failure, now_ns)),
        };
        in_flight.opened(&opened, call.request.url.tls, begun_ns, now_ns);
        if !self.worker.lease.holds(now_ns) {
            let failure = Failure::new(ErrorKind::Cancelled, "the lease ended while the connection was opened");
            return Err(Broken::before_sending(failure, now_ns));
        }
        Ok(Connection::new(opened.io))
    }
}

/// How a request ended whose last response has this status.
fn outcome_of(status: u16, as_expected: bool) -> Outcome {
    match status {
        _ if as_expected => Outcome::Expected,
        400..500 => Outcome::Failed(ErrorKind::Http4xx),
        500..600 => Outcome::Failed(ErrorKind::Http5xx),
        _ => Outcome::Failed(ErrorKind::Check),
    }
}
