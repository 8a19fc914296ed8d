//! A plan prepared for sending: whatever can be done once is done here.

use std::sync::Arc;

use muster_proto::measurement::{SeriesTable, Shape, TallyKey, TallyTable};
use muster_proto::plan::{Connections, Executor, NUMBER_BITS, Plan, Request, Scenario, Templates, Var};
use muster_proto::schedule::{ScheduleError, Stream, Timing};
use muster_proto::share::Share;

use super::auth::Credentials;
use super::feeder::Table;
use super::findings::{FindingError, Findings, Preparing};
use super::made::{Made, MakeError};
use super::program::{Layout, Op};
use super::quota::Quota;
use super::random::Key;
use super::rows::Rows;
use super::supply::{Supplies, Supply};
use super::template::{Names, Variables, Vars, within};
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
    /// An expression that steers a scenario is none.
    #[error("scenario {scenario}, {place}: {reason}")]
    Step {
        /// The scenario's name.
        scenario: String,
        /// Which one.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Other rows than a feeder's were given, or none.
    #[error("feeder {0} is without its rows")]
    Rows(String),
    /// Something cannot be looked for in responses.
    #[error("scenario {scenario}, request {request}: {source}")]
    Finding {
        /// The scenario's name.
        scenario: String,
        /// The request's name.
        request: String,
        /// What is wrong.
        source: FindingError,
    },
}

/// A plan prepared for sending, the same for all workers of an agent.
pub struct CompiledPlan {
    /// The plan itself.
    pub plan: Arc<Plan>,
    /// Its series.
    pub series: SeriesTable,
    /// Its checks, groups and metrics.
    pub tallies: TallyTable,
    /// Its scenarios, in order.
    pub scenarios: Vec<CompiledScenario>,
    /// How many different origins its requests go to.
    pub origins: usize,
    /// What its users may begin, where all of the cluster's share their iterations.
    pub supplies: Supplies,
    /// Its rows of data, by feeder.
    pub tables: Vec<Arc<Table>>,
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
    /// Whether users keep cookies and what they have found out from one iteration to the next.
    pub keeps_session: bool,
    /// What an iteration does.
    pub ops: Vec<Op>,
    /// What its random numbers are derived from.
    pub stream: Stream,
    /// What its templates can name, by the number of the worker.
    pub names: Box<[Names]>,
}

/// How much load there may be, whatever is due.
pub enum Bound {
    /// In an open model, the most users at work over the whole cluster.
    UsersMax(u32),
    /// In a closed one, how often users iterate.
    Quota(Quota),
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
    /// What proves who it comes from, beside that.
    pub credentials: Option<Credentials>,
    /// What is made of responses, by the number of the worker; nothing if there is nothing.
    pub findings: Box<[Findings]>,
    /// The slots of what is captured.
    pub captured: Vec<usize>,
    /// From sent to done at most, in nanoseconds.
    pub timeout_ns: u64,
    /// Whether it may be repeated on a fresh connection.
    pub idempotent: bool,
}

impl CompiledPlan {
    /// Prepares a plan for an agent of this name, with this share of each scenario and so many workers, and with the rows of
    /// its feeders. If it is `watched`, responses are kept whole, whatever is looked for in them.
    ///
    /// # Errors
    /// [`CompileError`] names what cannot be carried out.
    pub fn new(
        plan: Arc<Plan>,
        shares: &[Share],
        workers: usize,
        (agent, watched): (&Arc<str>, bool),
        rows: &[Arc<Rows>],
    ) -> Result<Self, CompileError> {
        let (series, tallies) = (SeriesTable::of(&plan), TallyTable::of(&plan));
        let supplies = Supplies::new(&plan, shares, workers);
        let vars =
            |own: &[Var]| -> Vec<Vars> { (0..workers).map(|worker| vars_of(&plan, own, worker, agent)).collect() };
        let shared = vars(&[]);
        let mut compiler = Compiler { plan: &plan, series: &series, tallies: &tallies, origins: Vec::new(), watched };
        let scenarios = plan.scenarios.iter().take(shares.len()).enumerate();
        let scenarios = scenarios.map(|(index, scenario)| {
            let fed = scenario.feeders.iter().filter_map(|place| plan.data.get(usize::from(*place)));
            let slots: Vec<String> =
                scenario.slots().into_iter().chain(fed.map(|feeder| feeder.name.clone())).collect();
            let vars = if scenario.vars.is_empty() { shared.clone() } else { vars(&scenario.vars) };
            let names: Box<[Names]> = vars.into_iter().map(|vars| names_of(scenario, vars, slots.clone())).collect();
            let mut layout = Layout { compiler: &mut compiler, scenario: index, names: &names, ops: Vec::new() };
            layout.steps(&scenario.steps, "")?;
            let ops = layout.ops;
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
                keeps_session: scenario.keep_session,
                ops,
                stream,
                names,
            })
        });
        let mut scenarios: Vec<_> = scenarios.collect::<Result<_, _>>()?;
        number_requests(&mut scenarios);
        let origins = compiler.origins.len();
        let tables = Table::all(&plan, rows).map_err(CompileError::Rows)?;
        Ok(Self { series, tallies, scenarios, origins, supplies, tables, plan })
    }

    /// When the load of each scenario is due, as the plan has it.
    pub fn timings(&self) -> Vec<Timing> {
        self.scenarios.iter().map(|scenario| scenario.timing.clone()).collect()
    }

    /// How much there is to count in its measurements.
    pub fn shape(&self) -> Shape {
        let tallies = self.tallies.keys().len();
        Shape { scenarios: self.scenarios.len(), series: self.series.len(), tallies }
    }
}

/// The variables of a scenario, those of its own before the plan's.
pub(super) fn vars_of(plan: &Plan, own: &[Var], worker: usize, agent: &Arc<str>) -> Vars {
    let named = own.iter().chain(&plan.vars).map(|var| (var.name.as_str(), var.json.as_str()));
    Vars::new(named, worker).of_agent(Arc::clone(agent))
}

/// All that a scenario's templates can name.
pub(super) fn names_of(scenario: &Scenario, vars: Vars, slots: Vec<String>) -> Names {
    let names = Names::new(vars, slots);
    match &scenario.executor {
        open if open.is_open() => names.of_open_model(),
        closed => names.of_users(u64::from(closed.users_max()).max(1)),
    }
}

fn bound_of(executor: &Executor, supply: Option<&Arc<Supply>>) -> Bound {
    match executor {
        Executor::ArrivalRate { max_users, .. } => Bound::UsersMax(*max_users),
        Executor::PerUserIterations { iterations, .. } => Bound::Quota(Quota::PerUser(*iterations)),
        Executor::Users { .. } | Executor::SharedIterations { .. } => {
            let shared = |supply| Quota::Shared(Arc::clone(supply));
            Bound::Quota(supply.map_or(Quota::Unlimited, shared))
        }
    }
}

/// Gives each request numbers of its own, so that no two of the plan ever carry the same.
fn number_requests(scenarios: &mut [CompiledScenario]) {
    let ops = scenarios.iter_mut().flat_map(|scenario| &mut scenario.ops);
    let requests = ops.flat_map(|op| match op {
        Op::Request(request) => std::slice::from_mut(&mut **request),
        Op::Parallel(requests, _) => requests,
        _ => &mut [],
    });
    for (place, request) in requests.enumerate() {
        request.first_id = (place as u64) << NUMBER_BITS;
    }
}

/// Prepares steps, and remembers where their requests go.
pub(super) struct Compiler<'p> {
    pub(super) plan: &'p Plan,
    series: &'p SeriesTable,
    tallies: &'p TallyTable,
    origins: Vec<(bool, String, u16)>,
    watched: bool,
}

impl Compiler<'_> {
    /// The number of a tally.
    pub(super) fn tally(&self, key: &TallyKey) -> u16 {
        self.tallies.find(key).unwrap_or(u16::MAX)
    }

    /// Prepares a request of a scenario.
    pub(super) fn request(
        &mut self,
        place: usize,
        request: Request,
        names: &[Names],
    ) -> Result<RequestStep, CompileError> {
        let scenario = &self.plan.scenarios[place];
        let findings = self.findings(place, &request, names)?;
        let manner = Manner {
            absolute: self.plan.connect.proxy.is_some() && !request.url.tls,
            keep_alive: scenario.connections != Connections::New,
            numbered: self.plan.http.request_ids,
            keep: self.watched || findings.first().is_some_and(Findings::keeps),
            cookies: self.plan.http.cookies && scenario.comes_back(),
        };
        let wrong = |source| CompileError::Render {
            scenario: scenario.name.clone(),
            request: request.name.clone(),
            source: Box::new(source),
        };
        let content = content_of(&request, names, manner).map_err(wrong)?;
        let credentials = Credentials::of(&request, names).map_err(wrong)?;
        Ok(RequestStep {
            first_id: 0,
            series: self.series.find(place, &request.name).unwrap_or_default() as u16,
            origin: self.origin(&request),
            content,
            credentials,
            findings,
            timeout_ns: request.timeout.as_nanos() as u64,
            captured: request.captures.iter().filter_map(|capture| names.first()?.slot(&capture.name)).collect(),
            idempotent: request.is_idempotent(),
            request,
        })
    }

    fn findings(&self, scenario: usize, request: &Request, names: &[Names]) -> Result<Box<[Findings]>, CompileError> {
        let each = names.iter().filter_map(|names| {
            let at = Preparing { plan: self.plan, scenario, tallies: self.tallies, names };
            Findings::new(request, &at).transpose()
        });
        each.collect::<Result<_, _>>().map_err(|source| CompileError::Finding {
            scenario: self.plan.scenarios[scenario].name.clone(),
            request: request.name.clone(),
            source,
        })
    }

    fn origin(&mut self, request: &Request) -> usize {
        let origin = (request.url.tls, request.url.host.clone(), request.url.port);
        self.origins.iter().position(|known| *known == origin).unwrap_or_else(|| {
            self.origins.push(origin);
            self.origins.len() - 1
        })
    }
}

fn content_of(request: &Request, names: &[Names], manner: Manner) -> Result<Content, MakeError> {
    if request.templates == Templates::default() {
        return Ok(Content::Fixed(Rendered::new(request, manner)?));
    }
    let made: Box<[Made]> = names.iter().map(|names| Made::of(request, names, manner)).collect::<Result<_, _>>()?;
    // What can be made for no iteration at all is told before the start.
    if let Some(made) = made.first().filter(|made| !made.needs_iteration()) {
        within(Key::default(), &mut Variables::default(), |scope| made.make(scope).map(drop))?;
    }
    Ok(Content::Made(made))
}
