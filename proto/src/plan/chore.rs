//! What is made once per run, before its load or after it.

use std::time::Duration;

use super::{Connections, Executor, Plan, Request, Scenario, Step, Var, step};

/// How long a chore may take unless the plan says so.
pub const CHORE_TIMEOUT: Duration = Duration::from_secs(60);

/// Steps that one agent makes once per run, apart from the load; none if there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Chore {
    /// What is made.
    pub steps: Vec<Step>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Which of a run's chores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoreKind {
    /// Before the load. What it finds out, all of the plan's templates can name.
    Setup,
    /// After the load, however that ended.
    Teardown,
}

impl ChoreKind {
    /// The word for it in plans and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Teardown => "teardown",
        }
    }
}

impl Default for Chore {
    fn default() -> Self {
        Self { steps: Vec::new(), timeout: CHORE_TIMEOUT }
    }
}

impl Chore {
    /// The names of what it finds out, each once, in the order of the plan.
    #[must_use]
    pub fn slots(&self) -> Vec<String> {
        step::slots(&self.steps)
    }

    /// Its requests, in the order of the plan.
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
}

impl Plan {
    /// One of its chores.
    #[must_use]
    pub fn chore(&self, kind: ChoreKind) -> &Chore {
        match kind {
            ChoreKind::Setup => &self.setup,
            ChoreKind::Teardown => &self.teardown,
        }
    }

    /// A plan by which one user goes through a chore's steps once, with what the setup has found out.
    #[must_use]
    pub fn of_chore(&self, kind: ChoreKind, found: &[(String, String)]) -> Self {
        let Chore { steps, timeout } = self.chore(kind).clone();
        let scenario = Scenario {
            name: kind.name().to_owned(),
            executor: Executor::PerUserIterations { users: 1, iterations: 1, max_duration: timeout },
            start_delay: Duration::ZERO,
            graceful_stop: Duration::ZERO,
            warm_up: Duration::ZERO,
            connections: Connections::PerUser,
            keep_session: false,
            vars: Vec::new(),
            feeders: Vec::new(),
            steps,
        };
        let found = found.iter().map(|(name, json)| Var::secret(name, json));
        let mut http = self.http.clone();
        // These tell of what belongs to the load.
        (http.request_ids, http.trace_millionths) = (false, 0);
        Self {
            name: self.name.clone(),
            // It draws other values than the load's first iterations do.
            seed: (!self.seed).wrapping_sub(kind as u64),
            vars: self.vars.iter().cloned().chain(found).collect(),
            metrics: self.metrics.clone(),
            http,
            connect: self.connect.clone(),
            scenarios: vec![scenario],
            ..Self::default()
        }
    }

    /// All of its requests, its chores' included.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        let chores = [&self.setup, &self.teardown].into_iter().flat_map(Chore::requests);
        self.scenarios.iter().flat_map(Scenario::requests).chain(chores)
    }

    /// The same, to be changed.
    pub fn requests_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        let chores = [&mut self.setup, &mut self.teardown].into_iter().flat_map(Chore::requests_mut);
        self.scenarios.iter_mut().flat_map(Scenario::requests_mut).chain(chores)
    }
}
