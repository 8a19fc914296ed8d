//! A plan as meant: every default filled in, every file read, nothing left to look up.

mod auth;
mod chore;
mod data;
mod http;
mod load;
mod response;
mod scenario;
mod step;
mod threshold;
mod var;

use std::time::Duration;

pub use auth::{Auth, Aws, TOKENS_MAX, TokenSource};
pub use chore::{CHORE_TIMEOUT, Chore, ChoreKind};
pub use data::{
    ContentHash, FEEDERS_MAX, Feeder, OnEnd, Order, PIECE_BYTES_MAX, ROW_BYTES_MAX, ROWS_BYTES_MAX, ROWS_MAX, RowsId,
    Sharing,
};
pub use http::{Body, ClientCert, Connect, Connections, DnsPolicy, Http, Redirects, StatusSet, Tls, Url};
pub use load::{Arrivals, Executor, Rate, RateStage, Shape, USERS_MAX, UserStage};
pub use response::{
    Capture, Check, Condition, FINDINGS_MAX, METRICS_MAX, MetricKind, Missing, Observation, PATTERN_BYTES_MAX, Pick,
    Source, TALLIES_MAX,
};
pub use scenario::{BodyPiece, Request, Retry, Scenario, Templates, Think};
pub use step::{
    AT_ONCE_MAX, Branch, Choice, Group, Loop, NESTING_MAX, Parallel, ROUNDS_MAX, Rounds, Step, Stop, each_step,
    group_path, steps_total,
};
pub use threshold::{Aggregate, Bound, Comparison, MetricName, Selector, Threshold, ThresholdWindow};
pub use var::Var;

/// What a test does, complete: two machines that hold equal plans would do the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The name that the report carries.
    pub name: String,
    /// What every random stream of the run is derived from.
    pub seed: u64,
    /// Variables that its templates can name, in order.
    pub vars: Vec<Var>,
    /// Rows of data that its templates can name.
    pub data: Vec<Feeder>,
    /// Metrics of its own, in order: names and kinds.
    pub metrics: Vec<(String, MetricKind)>,
    /// Where the tokens come from that its requests carry.
    pub tokens: Vec<TokenSource>,
    /// How HTTP is spoken.
    pub http: Http,
    /// How connections are made.
    pub connect: Connect,
    /// The load profiles and what they repeat, in the order of the plan file.
    pub scenarios: Vec<Scenario>,
    /// What is made once before the load.
    pub setup: Chore,
    /// What is made once after it.
    pub teardown: Chore,
    /// What the merged result must satisfy.
    pub thresholds: Vec<Threshold>,
    /// What the run asks of its agents.
    pub agents: AgentsWanted,
}

/// What the run asks of its agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentsWanted {
    /// The run starts once so many agents are ready. At least 1.
    pub start_when: u32,
    /// What happens when an agent is lost.
    pub on_loss: OnLoss,
    /// How much of the load may be lost or left undone for want of an agent before the run fails, in millionths.
    pub loss_tolerance_millionths: u32,
    /// How long an agent that is cut off goes on, where that shall not be the usual time.
    pub hold: Option<Duration>,
}

impl Default for AgentsWanted {
    /// What a plan asks that says nothing of it.
    fn default() -> Self {
        Self { start_when: 1, on_loss: OnLoss::Redistribute, loss_tolerance_millionths: 10_000, hold: None }
    }
}

/// What happens to the run when an agent is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLoss {
    /// The others take its load over.
    Redistribute,
    /// The run goes on with less load, and the report says what is missing.
    Degrade,
    /// The run stops and fails.
    Fail,
}

impl OnLoss {
    /// Everything that may happen, the usual first.
    pub const ALL: [Self; 3] = [Self::Redistribute, Self::Degrade, Self::Fail];

    /// The name that plans and reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redistribute => "redistribute",
            Self::Degrade => "degrade",
            Self::Fail => "fail",
        }
    }
}

/// The most scenarios in one plan.
pub const SCENARIOS_MAX: usize = 1_000;
/// The most steps in one plan, over all its scenarios.
pub const STEPS_MAX: usize = 10_000;
/// The most requests in one plan whose requests carry numbers: so many fit above [`NUMBER_BITS`].
pub const NUMBERED_MAX: usize = 1 << (u64::BITS - NUMBER_BITS);
/// The number that a request carries is its iteration's in so many lower bits, and in those above it the request's place
/// among all of the plan, from 0.
pub const NUMBER_BITS: u32 = 56;
/// The most variables in one plan.
pub const VARS_MAX: usize = 1_000;
/// The most stretches of a body that are sent as they are, while the rest is a template.
pub const VERBATIM_MAX: usize = 1_000;
/// The most client certificates of users.
pub const USER_CERTS_MAX: usize = 1_000;
/// The longest name of a plan, scenario or step, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// The largest plan on the wire, bodies included, in bytes.
pub const PLAN_BYTES_MAX: usize = 4 << 20;
