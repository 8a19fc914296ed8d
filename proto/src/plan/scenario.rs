//! A scenario: a load profile and the steps it repeats.

use std::time::Duration;

use super::{Body, Capture, Check, Connections, Executor, Observation, Redirects, StatusSet, Url};

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

    /// The names of what its iterations find out, each once, in the order of the plan.
    #[must_use]
    pub fn slots(&self) -> Vec<String> {
        let mut slots: Vec<String> = Vec::new();
        for capture in self.requests().flat_map(|request| &request.captures) {
            if !slots.contains(&capture.name) {
                slots.push(capture.name.clone());
            }
        }
        slots
    }

    /// The requests of its steps, in the order of the plan.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.steps.iter().filter_map(|step| match step {
            Step::Request(request) => Some(&**request),
            Step::Think(_) => None,
        })
    }

    /// The same, to be changed.
    pub fn requests_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        self.steps.iter_mut().filter_map(|step| match step {
            Step::Request(request) => Some(&mut **request),
            Step::Think(_) => None,
        })
    }
}

/// One action of an iteration.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Talk to the target.
    Request(Box<Request>),
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
    /// What else its response is expected to be, counted apart from failures.
    pub checks: Vec<Check>,
    /// Whether it has failed when one of its checks has.
    pub fails_on_check: bool,
    /// What is kept of its response.
    pub captures: Vec<Capture>,
    /// What is noted after it.
    pub metrics: Vec<Observation>,
    /// By which thresholds can select it: names and values, in the order of names. The same for all requests of its name in
    /// its scenario.
    pub tags: Vec<(String, String)>,
    /// How many redirects it follows.
    pub redirects: Redirects,
    /// From sent to done, at most.
    pub timeout: Duration,
}

impl Request {
    /// A request of this name, with nothing else about it that one could leave out.
    #[must_use]
    pub fn new(name: impl Into<String>, method: impl Into<String>, url: Url) -> Self {
        Self {
            name: name.into(),
            method: method.into(),
            url,
            headers: Vec::new(),
            body: Body::default(),
            templates: Templates::default(),
            expect_status: StatusSet::default(),
            checks: Vec::new(),
            fails_on_check: false,
            captures: Vec::new(),
            metrics: Vec::new(),
            tags: Vec::new(),
            redirects: Redirects(0),
            timeout: Duration::from_secs(10),
        }
    }

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
