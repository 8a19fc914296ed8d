//! The plan as a report shows it: as it was meant, without what must stay secret.

use std::time::Duration;

use muster_proto::plan::{Arrivals, Connections, Executor, Feeder, Plan, Request, RowsId, Scenario, Step, Think, Var};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elide::{shown_value, without_query};
use crate::steps::{blocks, in_words};

/// A plan for people and programs to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// Its variables, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vars: Vec<VarView>,
    /// Its scenarios.
    pub scenarios: Vec<ScenarioView>,
    /// Its rows of data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<FeederView>,
    /// The names of its own metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// Its thresholds, as it wrote them.
    pub thresholds: Vec<String>,
    /// How many agents it waited for.
    pub agents_wanted: u32,
    /// What happens when an agent is lost: `redistribute`, `degrade` or `fail`.
    pub on_loss: String,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VarView {
    /// Its name.
    pub name: String,
    /// Its value, as JSON; of a long one the beginning.
    pub json: String,
}

/// Rows of data, of which none is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeederView {
    /// Its name.
    pub name: String,
    /// The file that its rows come from, unless they stand in the plan itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes they are, each as JSON on a line of its own.
    pub bytes: u64,
    /// The SHA-256 of those lines.
    pub sha256: String,
    /// `sequential`, `shuffle` or `random`.
    pub order: String,
    /// `unique`, `per-user` or `every-agent`.
    pub share: String,
    /// `recycle` or `stop`.
    pub on_end: String,
}

/// A scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioView {
    /// Its name.
    pub name: String,
    /// The kind of its profile.
    pub executor: String,
    /// `open`: iterations begin by the clock; `closed`: they begin when a user is free.
    pub model: String,
    /// The profile's stages: arrivals per second, or users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageView>,
    /// `uniform` or `poisson`, of an open model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// The bound of users of an open model, or the number of users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// The number of iterations, each user's or all users'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// How long the profile lasts at most.
    pub duration_s: f64,
    /// How long after the run's start it begins.
    pub start_delay_s: f64,
    /// How long iterations may still take after its end.
    pub graceful_stop_s: f64,
    /// What is left out of the verdict.
    pub warm_up_s: f64,
    /// `pool`, `per-user` or `new`.
    pub connections: String,
    /// Variables of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vars: Vec<VarView>,
    /// What an iteration does.
    pub steps: Vec<StepView>,
}

/// A stretch of a profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageView {
    /// How long.
    pub duration_s: f64,
    /// From so much.
    pub from: f64,
    /// To so much.
    pub to: f64,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepView {
    /// A request.
    Request {
        /// Its name.
        name: String,
        /// Its method.
        method: String,
        /// Where it goes; what a query asks for is not shown.
        url: String,
        /// Its header fields, as `name: value`; values of fields that carry secrets are not shown.
        headers: Vec<String>,
        /// The size of its body, which is not shown.
        body_bytes: usize,
        /// How long it may take.
        timeout_s: f64,
    },
    /// A pause.
    Think {
        /// At least.
        min_s: f64,
        /// At most.
        max_s: f64,
    },
    /// Anything else, which may be made of other steps.
    Block {
        /// What it does, in words.
        what: String,
        /// What it is made of, alternatives one after the other.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        steps: Vec<StepView>,
    },
}

impl PlanView {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            vars: VarView::of(&plan.vars),
            scenarios: plan.scenarios.iter().map(ScenarioView::of).collect(),
            data: plan.data.iter().map(FeederView::of).collect(),
            metrics: plan.metrics.iter().map(|(name, _)| name.clone()).collect(),
            thresholds: plan.thresholds.iter().map(|threshold| threshold.expression.clone()).collect(),
            agents_wanted: plan.agents.start_when,
            on_loss: plan.agents.on_loss.name().to_owned(),
        }
    }
}

impl VarView {
    fn of(vars: &[Var]) -> Vec<Self> {
        /// How much of a value is shown, in characters.
        const SHOWN_CHARS_MAX: usize = 256;
        let shown = |json: &str| json.chars().take(SHOWN_CHARS_MAX).collect();
        let public = vars.iter().filter(|var| !var.secret);
        public.map(|var| Self { name: var.name.clone(), json: shown(&var.json) }).collect()
    }
}

impl FeederView {
    fn of(feeder: &Feeder) -> Self {
        let RowsId { hash, bytes, count } = feeder.rows;
        Self {
            name: feeder.name.clone(),
            file: Some(feeder.file.clone()).filter(|file| !file.is_empty()),
            rows: count,
            bytes,
            sha256: hash.to_string(),
            order: feeder.order.name().to_owned(),
            share: feeder.share.name().to_owned(),
            on_end: feeder.on_end.name().to_owned(),
        }
    }
}

impl ScenarioView {
    fn of(scenario: &Scenario) -> Self {
        let (mut arrivals_view, mut users_view, mut iterations_view) = (None, None, None);
        match &scenario.executor {
            Executor::ArrivalRate { arrivals, max_users, .. } => {
                arrivals_view = Some(if *arrivals == Arrivals::Poisson { "poisson" } else { "uniform" }.to_owned());
                users_view = Some(*max_users);
            }
            Executor::Users { .. } => {}
            Executor::PerUserIterations { users, iterations, .. }
            | Executor::SharedIterations { users, iterations, .. } => {
                users_view = Some(*users);
                iterations_view = Some(*iterations);
            }
        }
        Self {
            name: scenario.name.clone(),
            executor: scenario.executor.name().to_owned(),
            model: if scenario.executor.is_open() { "open" } else { "closed" }.to_owned(),
            stages: stages_of(&scenario.executor),
            arrivals: arrivals_view,
            users: users_view,
            iterations: iterations_view,
            duration_s: scenario.executor.duration().as_secs_f64(),
            start_delay_s: scenario.start_delay.as_secs_f64(),
            graceful_stop_s: scenario.graceful_stop.as_secs_f64(),
            warm_up_s: scenario.warm_up.as_secs_f64(),
            connections: match scenario.connections {
                Connections::Pool => "pool",
                Connections::PerUser => "per-user",
                Connections::New => "new",
            }
            .to_owned(),
            vars: VarView::of(&scenario.vars),
            steps: scenario.steps.iter().map(StepView::of).collect(),
        }
    }
}

fn stages_of(executor: &Executor) -> Vec<StageView> {
    let view = |duration: Duration, from: f64, to: f64| StageView { duration_s: duration.as_secs_f64(), from, to };
    match executor {
        Executor::ArrivalRate { stages, .. } => {
            stages.iter().map(|s| view(s.duration, s.from.as_per_second(), s.to.as_per_second())).collect()
        }
        Executor::Users { stages, .. } => {
            stages.iter().map(|s| view(s.duration, f64::from(s.from), f64::from(s.to))).collect()
        }
        Executor::PerUserIterations { .. } | Executor::SharedIterations { .. } => Vec::new(),
    }
}

impl StepView {
    fn of(step: &Step) -> Self {
        match step {
            Step::Request(request) => Self::request(request),
            Step::Think(Think::Even(min, max)) => Self::Think { min_s: min.as_secs_f64(), max_s: max.as_secs_f64() },
            Step::Parallel(parallel) => Self::Block {
                what: in_words(step, false),
                steps: parallel.requests.iter().map(Self::request).collect(),
            },
            step => Self::Block {
                what: in_words(step, false),
                steps: blocks(step).into_iter().flat_map(|(_, steps)| steps).map(Self::of).collect(),
            },
        }
    }

    fn request(request: &Request) -> Self {
        let header = |(name, value): &(String, String)| format!("{name}: {}", shown_value(name, value));
        Self::Request {
            name: request.name.clone(),
            method: request.method.clone(),
            url: without_query(&request.url.to_string()),
            headers: request.headers.iter().map(header).collect(),
            body_bytes: request.body.0.len(),
            timeout_s: request.timeout.as_secs_f64(),
        }
    }
}
