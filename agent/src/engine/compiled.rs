//! A plan prepared for sending: whatever can be done once is done here.

use std::sync::Arc;

use muster_proto::measurement::SeriesTable;
use muster_proto::plan::{Connections, Executor, NUMBER_BITS, Plan, Request, Step, Templates, Think};
use muster_proto::schedule::{ScheduleError, Stream, Timing};
use muster_proto::share::Share;

use super::made::{Made, MakeError};
use super::quota::Quota;
use super::random::Key;
use super::supply::{Supplies, Supply};
use super::template::Vars;
use super::transport::http1::{Manner, Rendered};

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A profile's numbers are too large for exact arithmetic.
    #[error("scenario {scenario}: {source}")]
    Schedule {
        /// The scenario's name.
        scenario: String,
        /// What is wrong.
        source: ScheduleError,
    },
    /// A request cannot be written as HTTP.
    #[error("scenario {scenario}, request {request}: {source}")]
    Render {
        /// The scenario's name.
        scenario: String,
        /// The request's name.
        request: String,
        /// What is wrong.
        source: Box<MakeError>,
    },
}

/// A plan prepared for sending, the same for all workers of an agent.
pub struct CompiledPlan {
    /// The plan itself.
    pub plan: Arc<Plan>,
    /// Its series.
    pub series: SeriesTable,
    /// Its scenarios, in order.
    pub scenarios: Vec<CompiledScenario>,
    /// How many different origins its requests go to.
    pub origins: usize,
    /// What its users may begin, where all of the cluster's share their iterations.
    pub supplies: Supplies,
}

/// A scenario prepared for sending.
pub struct CompiledScenario {
    /// Its place in the plan.
    pub index: usize,
    /// From the run's start to the beginning of its profile, in nanoseconds.
    pub delay_ns: u64,
    /// How long the profile lasts, in nanoseconds.
    pub duration_ns: u64,
    /// How long iterations may take after the profile or a stop, in nanoseconds.
    pub graceful_stop_ns: u64,
    /// When load is due, as the plan has it.
    pub timing: Timing,
    /// How much of it there may be.
    pub bound: Bound,
    /// Who shares connections.
    pub connections: Connections,
    /// What an iteration does.
    pub steps: Vec<CompiledStep>,
    /// What its random numbers are derived from.
    pub stream: Stream,
}

/// How much load there may be, whatever is due.
pub enum Bound {
    /// In an open model, the most users at work over the whole cluster.
    UsersMax(u32),
    /// In a closed one, how often users iterate.
    Quota(Quota),
}

/// A step prepared for sending.
pub enum CompiledStep {
    /// Talk to the target.
    Request(Box<RequestStep>),
    /// Pause.
    Think(Think),
}

/// What is sent of a request.
pub enum Content {
    /// These bytes, each time.
    Fixed(Rendered),
    /// What is made for the iteration, by the number of the worker that makes it.
    Made(Box<[Made]>),
}

/// A request prepared for sending.
pub struct RequestStep {
    /// As the plan has it.
    pub request: Request,
    /// The number that it carries in the first iteration, if requests carry numbers.
    pub first_id: u64,
    /// The series under which it is measured. A plan has fewer steps than this can tell.
    pub series: u16,
    /// The number of the origin (scheme, host and port) it goes to.
    pub origin: usize,
    /// What is sent.
    pub content: Content,
    /// From sent to done at most, in nanoseconds.
    pub timeout_ns: u64,
    /// Whether it may be repeated on a fresh connection.
    pub idempotent: bool,
}

impl CompiledPlan {
    /// Prepares a plan for an agent with this share of each scenario and so many workers.
    ///
    /// # Errors
    /// [`CompileError`] names what cannot be carried out.
    pub fn new(plan: Arc<Plan>, shares: &[Share], workers: usize) -> Result<Self, CompileError> {
        let series = SeriesTable::of(&plan);
        let supplies = Supplies::new(&plan, shares, workers);
        let mut origins = Vec::new();
        let named = || plan.vars.iter().map(|(name, json)| (name.as_str(), json.as_str()));
        let vars: Vec<Vars> = (0..workers).map(|worker| Vars::new(named(), worker)).collect();
        let scenarios = plan.scenarios.iter().take(shares.len()).enumerate();
        let scenarios = scenarios.map(|(index, scenario)| {
            let steps =
                scenario.steps.iter().map(|step| compile_step((&plan, &vars), index, step, &series, &mut origins));
            let stream = Stream { seed: plan.seed, scenario: index as u32 };
            let wrap = |source| CompileError::Schedule { scenario: scenario.name.clone(), source };
            Ok(CompiledScenario {
                index,
                delay_ns: scenario.start_delay.as_nanos() as u64,
                duration_ns: scenario.executor.duration().as_nanos() as u64,
                graceful_stop_ns: scenario.graceful_stop.as_nanos() as u64,
                timing: Timing::of(&scenario.executor, stream).map_err(wrap)?,
                bound: bound_of(&scenario.executor, supplies.of(index)),
                connections: scenario.connections,
                steps: steps.collect::<Result<_, _>>()?,
                stream,
            })
        });
        let mut scenarios: Vec<_> = scenarios.collect::<Result<_, _>>()?;
        number_requests(&mut scenarios);
        Ok(Self { series, scenarios, origins: origins.len(), supplies, plan })
    }

    /// When the load of each scenario is due, as the plan has it.
    pub fn timings(&self) -> Vec<Timing> {
        self.scenarios.iter().map(|scenario| scenario.timing.clone()).collect()
    }

    /// How many scenarios and series its measurements have.
    pub fn shape(&self) -> (usize, usize) {
        (self.scenarios.len(), self.series.len())
    }
}

fn bound_of(executor: &Executor, supply: Option<&Arc<Supply>>) -> Bound {
    match executor {
        Executor::ArrivalRate { max_users, .. } => Bound::UsersMax(*max_users),
        Executor::Users { .. } => Bound::Quota(Quota::Unlimited),
        Executor::PerUserIterations { iterations, .. } => Bound::Quota(Quota::PerUser(*iterations)),
        Executor::SharedIterations { .. } => {
            let shared = |supply| Quota::Shared(Arc::clone(supply));
            Bound::Quota(supply.map_or(Quota::PerUser(0), shared))
        }
    }
}

/// Gives each request numbers of its own, so that no two of the plan ever carry the same.
fn number_requests(scenarios: &mut [CompiledScenario]) {
    let steps = scenarios.iter_mut().flat_map(|scenario| &mut scenario.steps);
    let requests = steps.filter_map(|step| match step {
        CompiledStep::Request(request) => Some(request),
        CompiledStep::Think(_) => None,
    });
    for (place, request) in requests.enumerate() {
        request.first_id = (place as u64) << NUMBER_BITS;
    }
}

fn compile_step(
    (plan, vars): (&Plan, &[Vars]),
    scenario: usize,
    step: &Step,
    series: &SeriesTable,
    origins: &mut Vec<(bool, String, u16)>,
) -> Result<CompiledStep, CompileError> {
    let request = match step {
        Step::Think(think) => return Ok(CompiledStep::Think(*think)),
        Step::Request(request) => request.clone(),
    };
    let keep_alive = plan.scenarios[scenario].connections != Connections::New;
    let absolute = plan.connect.proxy.is_some() && !request.url.tls;
    let manner = Manner { absolute, keep_alive, numbered: plan.http.request_ids };
    let content = content_of(&request, vars, manner).map_err(|source| CompileError::Render {
        scenario: plan.scenarios[scenario].name.clone(),
        request: request.name.clone(),
        source: Box::new(source),
    })?;
    let origin = (request.url.tls, request.url.host.clone(), request.url.port);
    let origin = origins.iter().position(|known| *known == origin).unwrap_or_else(|| {
        origins.push(origin);
        origins.len() - 1
    });
    Ok(CompiledStep::Request(Box::new(RequestStep {
        first_id: 0,
        series: series.find(scenario, &request.name).unwrap_or_default() as u16,
        origin,
        content,
        timeout_ns: request.timeout.as_nanos() as u64,
        idempotent: request.is_idempotent(),
        request,
    })))
}

fn content_of(request: &Request, vars: &[Vars], manner: Manner) -> Result<Content, MakeError> {
    if request.templates == Templates::default() {
        return Ok(Content::Fixed(Rendered::new(request, manner)?));
    }
    let made: Box<[Made]> = vars.iter().map(|vars| Made::of(request, vars, manner)).collect::<Result<_, _>>()?;
    // What can be made for no iteration at all is told before the start.
    made.first().map_or(Ok(()), |made| made.make(Key::default()).map(drop))?;
    Ok(Content::Made(made))
}
