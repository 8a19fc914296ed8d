//! What is made of a response: values are kept for the iteration, checks are counted, metrics are noted.
//!
//! Everything is prepared once, for each worker by itself, so that no two share what they search with.

mod capture;
mod check;
mod coding;
mod condition;
mod found;
mod metric;
mod places;
mod probe;
mod seen;
#[cfg(test)]
mod tests;

use muster_proto::measurement::{TallyKey, TallyTable};
use muster_proto::plan::{Condition, Plan, Request, Source};

use super::random::Key;
use super::recorder::Recorder;
use super::template::{Names, Variables, within};
use super::trace::Traced;
use super::transport::Kept;
pub(super) use capture::Onward;
use capture::Seeker;
use check::Tester;
use condition::Operand;
use metric::Observer;
use places::Places;
use probe::Probe;
use seen::Seen;

/// Whether it is known how to look there.
///
/// # Errors
/// Why not, in words.
pub fn check_source(source: &Source) -> Result<(), String> {
    Probe::new(source, &mut Places::default()).map(drop)
}

/// Whether something can be compared so with this operand.
///
/// # Errors
/// What it should have been, in words.
pub fn check_operand(condition: Condition, operand: &str) -> Result<(), String> {
    Operand::new(condition, operand).map(drop)
}

/// Why something cannot be looked for in a response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct FindingError {
    /// Which capture, check or metric.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What is made of the responses to a request, prepared.
pub struct Findings {
    captures: Vec<Seeker>,
    checks: Vec<Tester>,
    metrics: Vec<Observer>,
    /// Where in the body captures and checks look.
    places: Places,
    fails_on_check: bool,
}

/// Where findings are prepared.
pub struct Preparing<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The scenario's place in it.
    pub scenario: usize,
    /// Its tallies.
    pub tallies: &'a TallyTable,
    /// What its templates can name.
    pub names: &'a Names,
}

/// What becomes of an iteration after a response, and of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) onward: Onward,
    /// Whether the request has failed for want of what was expected.
    pub(super) fails: bool,
}

/// A response as it came.
pub(super) struct Response<'r> {
    pub(super) status: u16,
    /// The response time, in nanoseconds.
    pub(super) time_ns: u64,
    pub(super) kept: &'r Kept,
}

/// Where and when what is found is counted.
pub(super) struct Books<'a> {
    pub(super) recorder: &'a mut Recorder,
    pub(super) now_ns: u64,
    pub(super) traced: Traced<'a>,
}

impl Findings {
    /// Prepares what is made of a request's responses; nothing if there is nothing.
    ///
    /// # Errors
    /// [`FindingError`] tells what cannot be.
    pub fn new(request: &Request, at: &Preparing<'_>) -> Result<Option<Self>, FindingError> {
        if request.captures.is_empty() && request.checks.is_empty() && request.metrics.is_empty() {
            return Ok(None);
        }
        let tally = |key: &TallyKey| at.tallies.find(key).unwrap_or(u16::MAX);
        let check = |name: &str| tally(&TallyKey::check(at.scenario, &request.name, name));
        let mut places = Places::default();
        let captures = request.captures.iter().map(|capture| Seeker::new(capture, at.names, &mut places, check));
        let captures = captures.collect::<Result<_, _>>()?;
        let checks = request.checks.iter().map(|of| Tester::new(of, at.names, &mut places, check(&of.name)));
        let checks = checks.collect::<Result<_, _>>()?;
        let metrics = request.metrics.iter().map(|observation| {
            let key = TallyKey::metric(at.scenario, at.plan, observation.metric);
            Observer::new(observation, &key, at.names, tally(&key))
        });
        Ok(Some(Self {
            captures,
            checks,
            metrics: metrics.collect::<Result<_, _>>()?,
            places,
            fails_on_check: request.fails_on_check,
        }))
    }

    /// Whether there is more to keep of the response than its status and times.
    pub(super) fn keeps(&self) -> bool {
        self.captures.iter().any(Seeker::keeps) || self.checks.iter().any(Tester::keeps)
    }

    /// Keeps values of a response for the iteration, and counts its checks.
    pub(super) fn judge(
        &self,
        response: &Response<'_>,
        key: Key,
        variables: &mut Variables,
        books: &mut Books<'_>,
    ) -> Judged {
        let seen = &Seen::new(response, &self.places);
        let mut onward = Onward::GoOn;
        super::template::draw_for(key.after_response());
        for capture in &self.captures {
            onward = onward.max(capture.seek(seen, variables, books));
        }
        let passed = match &self.checks[..] {
            [] => true,
            checks => within(key.after_response(), variables, |scope| {
                // All of them are counted, whatever the first says.
                let failed = checks.iter().filter(|check| !check.test(seen, scope, books));
                failed.count() == 0
            }),
        };
        Judged { onward, fails: self.fails_on_check && !passed }
    }

    /// There was no response, and why: so nothing in it is as expected.
    pub(super) fn miss(&self, why: &str, variables: &mut Variables, books: &mut Books<'_>) -> Onward {
        self.checks.iter().for_each(|check| check.miss(why, books));
        let each = self.captures.iter().map(|capture| capture.miss(why, variables, books));
        each.fold(Onward::GoOn, Onward::max)
    }

    /// Notes what the metrics of the plan's own are worth after the response.
    pub(super) fn observe(&self, key: Key, variables: &mut Variables, books: &mut Books<'_>) {
        if !self.metrics.is_empty() {
            within(key.after_response(), variables, |scope| {
                self.metrics.iter().for_each(|metric| metric.observe(scope, books));
            });
        }
    }
}
