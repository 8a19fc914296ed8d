//! A scenario: a load profile and the steps it repeats.

use std::time::Duration;

use super::{Body, Connections, Executor, Redirects, StatusSet, Url};

/// A load profile and the steps it repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name, unique in the plan.
    pub name: String,
    /// How much load, and when.
    pub executor: Executor,
    /// How long after the run's start its profile begins.
    pub start_delay: Duration,
    /// How long iterations may still take once the profile has ended.
    pub graceful_stop: Duration,
    /// The beginning that is measured and shown but left out of the verdict.
    pub warm_up: Duration,
    /// Who shares connections.
    pub connections: Connections,
    /// What one iteration does, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// From the run's start to the moment by which all of its iterations have ended or been cut off.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.start_delay + self.executor.duration() + self.graceful_stop
    }
}

/// One action of an iteration.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Talk to the target.
    Request(Request),
    /// Pause.
    Think(Think),
}

/// What of a request are templates: texts in which `{{ ... }}` stands for values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// Its path and its header fields' values.
    pub head: bool,
    /// Its body, which is a text then.
    pub body: bool,
}

/// A request as it will be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its name: the series under which it is measured.
    pub name: String,
    /// An HTTP token such as `GET`, in capitals.
    pub method: String,
    /// Where it goes.
    pub url: Url,
    /// Header fields beside those that follow from the rest, in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// What it carries.
    pub body: Body,
    /// What of it is made anew each time.
    pub templates: Templates,
    /// Which statuses are as expected.
    pub expect_status: StatusSet,
    /// How many redirects it follows.
    pub redirects: Redirects,
    /// From sent to done, at most.
    pub timeout: Duration,
}

impl Request {
    /// Whether sending it twice does the same as sending it once (RFC 9110, 9.2.2), so that it may be repeated when
    /// a reused connection turns out to be closed.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
    }
}

/// A pause of an iteration, drawn evenly from a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Think {
    /// The shortest pause.
    pub min: Duration,
    /// The longest pause; equal to `min` for a fixed one.
    pub max: Duration,
}
