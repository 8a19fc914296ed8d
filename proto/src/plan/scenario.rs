//! A scenario: a load profile and the steps it repeats.

use std::ops::Range;
use std::time::Duration;

use super::step::{self, Step};
use super::{Auth, Body, Capture, Check, Connections, Executor, Observation, Redirects, StatusSet, Url, Var};

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
    /// Whether users keep cookies and what they have found out from one iteration to the next, in a closed model.
    pub keep_session: bool,
    /// Variables that its templates can name, which go before the plan's.
    pub vars: Vec<Var>,
    /// The feeders that its templates name, by their places in the plan.
    pub feeders: Vec<u16>,
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
        step::slots(&self.steps)
    }

    /// The names of its groups, each with those around it, each once, in the order of the plan.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        let mut groups = Vec::new();
        step::groups(&self.steps, "", &mut groups);
        groups
    }

    /// Leaves out all of its pauses to think.
    pub fn leave_out_thinking(&mut self) {
        step::leave_out_thinking(&mut self.steps);
    }

    /// The requests of its steps, in the order of the plan.
    #[must_use]
    pub fn requests(&self) -> Vec<&Request> {
        step::requests(&self.steps)
    }

    /// The same, to be changed.
    pub fn requests_mut(&mut self) -> Vec<&mut Request> {
        let mut requests = Vec::new();
        step::requests_mut(&mut self.steps, &mut requests);
        requests
    }

    /// Whether a user may come to a target more than once without having forgotten it.
    #[must_use]
    pub fn comes_back(&self) -> bool {
        self.keep_session || self.requests_max(|request| 1 + u64::from(request.redirects.0)) > 1
    }

    /// The most requests that an iteration makes, each as often as this says.
    #[must_use]
    pub fn requests_max(&self, each: impl Fn(&Request) -> u64) -> u64 {
        step::requests_max(&self.steps, &each)
    }

    /// How many steps it has, those within others included.
    #[must_use]
    pub fn steps_total(&self) -> usize {
        step::steps_total(&self.steps)
    }
}

/// What of a request are templates: texts in which `{{ ... }}` stands for values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// Its path and its header fields' values.
    pub head: bool,
    /// Its body, which is a text then, but for what is sent as it is.
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
    /// What of a body that is a template is sent as it is, such as what files hold: stretches in order, apart from each
    /// other.
    pub verbatim: Vec<Range<usize>>,
    /// What of it is made anew each time.
    pub templates: Templates,
    /// Who it says it comes from, where no header field of the plan does.
    pub auth: Option<Auth>,
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
    /// How often it is made again when it was not as expected.
    pub retry: Retry,
}

/// A piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyPiece<'a> {
    /// It is sent as it is.
    Verbatim(&'a [u8]),
    /// A template, as bytes of UTF-8.
    Template(&'a [u8]),
}

/// How often a request is made again when it was not as expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// So often at most.
    pub times: u8,
    /// After so long.
    pub pause: Duration,
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
            verbatim: Vec::new(),
            templates: Templates::default(),
            auth: None,
            expect_status: StatusSet::default(),
            checks: Vec::new(),
            fails_on_check: false,
            captures: Vec::new(),
            metrics: Vec::new(),
            tags: Vec::new(),
            redirects: Redirects(0),
            timeout: Duration::from_secs(10),
            retry: Retry::default(),
        }
    }

    /// Its body, piece by piece. There is one at least, which may be empty.
    #[must_use]
    pub fn body_pieces(&self) -> Vec<BodyPiece<'_>> {
        let body = &self.body.0[..];
        if !self.templates.body {
            return vec![BodyPiece::Verbatim(body)];
        }
        let (mut pieces, mut from) = (Vec::new(), 0);
        for stretch in &self.verbatim {
            if stretch.start > from {
                pieces.push(BodyPiece::Template(&body[from..stretch.start]));
            }
            pieces.push(BodyPiece::Verbatim(&body[stretch.clone()]));
            from = stretch.end;
        }
        if from < body.len() || pieces.is_empty() {
            pieces.push(BodyPiece::Template(&body[from..]));
        }
        pieces
    }

    /// Whether sending it twice does the same as sending it once (RFC 9110, 9.2.2), so that it may be repeated when
    /// a reused connection turns out to be closed.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
    }
}

/// A pause of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Think {
    /// Drawn evenly between two; equal for a fixed one.
    Even(Duration, Duration),
    /// Drawn from an exponential distribution with this mean, as independent people pause.
    Exponential(Duration),
    /// Drawn from a normal distribution with this mean and deviation; never below zero.
    Normal(Duration, Duration),
}

impl Think {
    /// The longest pause that is drawn: what lies beyond four deviations, or ten means, is held to it.
    #[must_use]
    pub fn max(self) -> Duration {
        match self {
            Self::Even(_, max) => max,
            Self::Exponential(mean) => mean.saturating_mul(10),
            Self::Normal(mean, deviation) => mean.saturating_add(deviation.saturating_mul(4)),
        }
    }
}
