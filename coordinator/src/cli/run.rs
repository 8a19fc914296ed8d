//! `muster run`: a load test from a plan file or a URL.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args};
use muster_agent::engine::start::EngineConfig;
use muster_agent::guard::{Allow, Guard};
use muster_agent::health::raise_descriptor_limit;
use muster_agent::resources::{default_local_workers, host_name};
use muster_agent::session::{AgentConfig, Leave, take_part};
use muster_proto::id::{Incarnation, RunId};
use muster_proto::plan::{Plan, Rate, Scenario};
use muster_target::{Config, Script, Target};
use tokio::net::TcpListener;

use super::exports::ExportArgs;
use super::keep::{self, KeepArgs};
use super::live::{self, View};
use super::outputs::Outputs;
use super::show::show;
use super::stops::{self, Stops};
use super::{Outcome, Problem, colour_on_stderr, compare, once, resume, watch};
use crate::compare::{Comparison, Limit, text};
use crate::conduct::{Opening, conduct};
use crate::data::Data;
use crate::exit::ExitCode;
use crate::export::prometheus::scrape::Scraped;
use crate::export::{Exports, Settings};
use crate::plan_file::{self, PlanFile, Preset, QuickPlan, Secrets};
use crate::plan_file::{parse_duration, parse_rate};
use crate::report::Report;
use crate::run::life::RunSettings;
use crate::run::record::RunRecord;
use crate::service::{desk, serve_control};
use crate::store::RunFolder;

/// The in-process agent shares its cores with everything else here, so silence is no reason for haste.
const LOCAL_LEASE: Duration = Duration::from_secs(10);
/// The in-process agent joins at once, or never will.
const LOCAL_GATHER_MAX: Duration = Duration::from_secs(30);
/// An agent elsewhere that is cut off generates load for so long at most.
const LEASE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("cluster").args(["listen", "resume"]).multiple(true)))]
pub(super) struct RunArgs {
    /// A plan file (YAML, JSON or TOML), or a URL for a quick test
    #[arg(value_name = "PLAN|URL", required_unless_present = "resume")]
    plan: Option<String>,
    /// Go on with a run whose coordinator ended before it did: the beginning of its identity, or its folder
    #[arg(long, value_name = "RUN|DIR", conflicts_with_all = NOT_RESUMED)]
    pub(super) resume: Option<String>,
    #[command(flatten)]
    quick: QuickArgs,
    #[command(flatten)]
    pub(super) keep: KeepArgs,
    /// Wait for so many agents, and let them generate the load instead of this machine
    #[arg(long, value_name = "N", requires = "listen")]
    agents: Option<u32>,
    /// Where agents join, such as 127.0.0.1:7117 [default with --resume: where they did]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<SocketAddr>,
    /// Let agents join over unencrypted connections from other machines
    #[arg(long, requires = "cluster")]
    pub(super) insecure_cluster: bool,
    /// How long to wait for the agents, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "listen")]
    wait: u64,
    /// Worker threads of the local agent [default: one fewer than the cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Further targets that the local agent may load beside those in the plan, for redirects
    #[arg(long, value_name = "CIDR|HOST")]
    allow: Vec<Allow>,
    /// What the run's random numbers are derived from
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Give one of the plan's variables another value: JSON if it can be, and a text otherwise
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    var: Vec<(String, String)>,
    /// Leave out the plan's pauses to think
    #[arg(long)]
    no_think: bool,
    /// Let one user make one iteration of each scenario, at once, and judge and keep nothing
    #[arg(long, conflicts_with_all = ["listen", "rate", "users", "duration"])]
    once: bool,
    /// Print all requests and responses, with secrets masked
    #[arg(long, short, requires = "once")]
    verbose: bool,
    /// Serve the plan's target here while it runs, scripted as `muster target --script` has it, to try things out
    #[arg(long, value_name = "SCRIPT", num_args = 0..=1, default_missing_value = "")]
    serve_target: Option<Script>,
    /// Note something about the run in its report
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    tag: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) exports: ExportArgs,
    #[command(flatten)]
    pub(super) outputs: Outputs,
    /// Compare the run with one before it, which must be kept: its identity's beginning, its folder, or a tag such as
    /// release=1.4, which means the latest run of this plan that has it
    #[arg(long, value_name = "RUN|TAG", conflicts_with = "no_store")]
    baseline: Option<String>,
    /// Fail if a number of all requests is shown to be so much worse than the baseline's, such as p99=5%
    #[arg(long, value_name = "NUMBER=PART", requires = "baseline")]
    max_regression: Vec<Limit>,
    /// Fail an invalid run even if the plan has no thresholds
    #[arg(long)]
    strict: bool,
    /// Take orders (set, pause, resume, stop, annotate) at the address where agents join, from whoever reaches it
    #[arg(long, requires = "listen")]
    pub(super) remote_control: bool,
    /// Show no progress
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Show progress as lines, also on a terminal
    #[arg(long)]
    pub(super) plain: bool,
}

/// What a run is told at its beginning, and never again.
const NOT_RESUMED: [&str; 25] = [
    "plan",
    "agents",
    "wait",
    "workers",
    "allow",
    "seed",
    "var",
    "no_think",
    "once",
    "verbose",
    "serve_target",
    "baseline",
    "max_regression",
    "tag",
    "strict",
    "no_store",
    "rate",
    "users",
    "preset",
    "duration",
    "method",
    "header",
    "body",
    "timeout",
    "insecure",
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Quick test of a URL")]
struct QuickArgs {
    /// Arrivals at a constant rate, such as 500/s
    #[arg(long, value_name = "RATE", conflicts_with = "users", value_parser = parse_rate)]
    rate: Option<Rate>,
    /// Users that send one request after the other [default: 10]
    #[arg(long, value_name = "N")]
    users: Option<u32>,
    /// A kind of test, up to that rate or those users: smoke, load, stress, soak, spike or breakpoint
    #[arg(long, value_name = "NAME", value_parser = Preset::named)]
    preset: Option<&'static Preset>,
    /// How long, such as 30s [default: 10s, or as the preset has it]
    #[arg(long, short, value_name = "DURATION", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// The request's method
    #[arg(long, short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// A header field
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// The request's body, or @FILE to read it from a file
    #[arg(long, value_name = "TEXT|@FILE", value_parser = body)]
    body: Option<Body>,
    /// How long a request may take [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Accept any TLS certificate
    #[arg(long, short = 'k')]
    insecure: bool,
}

pub(super) fn main(mut args: RunArgs) -> Outcome {
    args.keep.no_store |= args.once;
    args.quiet |= args.verbose;
    let runtime = || tokio::runtime::Runtime::new().map_err(|error| Problem::other(format!("the runtime: {error}")));
    let Some(name) = &args.plan else { return runtime()?.block_on(resume::resume(args)) };
    let PlanFile { plan, rows } = read_plan(name, &args)?;
    check_descriptors(&plan, &args)?;
    runtime()?.block_on(run(args, plan, Data::of(&rows)))
}

fn read_plan(name: &str, args: &RunArgs) -> Result<PlanFile, Problem> {
    let is_url = name.starts_with("http://") || name.starts_with("https://");
    let quick = &args.quick;
    if is_url && !args.var.is_empty() {
        let text = "error: --var goes with a plan file; a URL has no variables";
        return Err(Problem::new(ExitCode::BadPlan, text));
    }
    let plan = if is_url {
        plan_file::quick(QuickPlan {
            url: name.to_owned(),
            rate: quick.rate,
            users: quick.users,
            preset: quick.preset,
            duration: quick.duration,
            method: quick.method.clone(),
            headers: quick.header.clone(),
            body: quick.body.clone().map(|Body(bytes)| bytes),
            timeout: quick.timeout,
            insecure: quick.insecure,
            seed: args.seed,
        })
        .map(|plan| PlanFile { plan, rows: Vec::new() })
    } else {
        let given = [
            ("--rate", quick.rate.is_some()),
            ("--users", quick.users.is_some()),
            ("--preset", quick.preset.is_some()),
            ("--duration", quick.duration.is_some()),
            ("--method", quick.method.is_some()),
            ("--header", !quick.header.is_empty()),
            ("--body", quick.body.is_some()),
            ("--timeout", quick.timeout.is_some()),
            ("--insecure", quick.insecure),
        ];
        if let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) {
            let text = format!("error: {flag} goes with a URL; a plan file says it itself\nhint: edit {name}");
            return Err(Problem::new(ExitCode::BadPlan, text));
        }
        plan_file::read_with(Path::new(name), Secrets::LookedUp, &args.var)
    };
    let PlanFile { mut plan, rows } =
        plan.map_err(|mistakes| Problem::new(ExitCode::BadPlan, mistakes.render(colour_on_stderr())))?;
    if let Some(seed) = args.seed {
        plan.seed = seed;
    }
    if args.no_think {
        plan.scenarios.iter_mut().for_each(Scenario::leave_out_thinking);
    }
    if args.once {
        once::shorten(&mut plan);
    }
    if let Some(agents) = args.agents {
        plan.agents.start_when = agents.max(1);
    }
    Ok(PlanFile { plan, rows })
}

/// Refuses closed models that need more descriptors than there are, before anything is sent.
fn check_descriptors(plan: &Plan, args: &RunArgs) -> Result<(), Problem> {
    use muster_proto::plan::Executor;
    /// What the process needs beside its connections to the target.
    const OTHER_DESCRIPTORS: u64 = 64;
    let limit = u64::from(raise_descriptor_limit());
    if args.listen.is_some() {
        return Ok(());
    }
    let users = |executor: &Executor| match executor {
        Executor::ArrivalRate { .. } => 0,
        Executor::Users { stages, .. } => stages.iter().map(|stage| stage.from.max(stage.to)).max().unwrap_or(0),
        Executor::PerUserIterations { users, .. } | Executor::SharedIterations { users, .. } => *users,
    };
    let wanted: u64 = plan.scenarios.iter().map(|scenario| u64::from(users(&scenario.executor))).sum();
    if wanted + OTHER_DESCRIPTORS <= limit {
        return Ok(());
    }
    let needed = wanted + OTHER_DESCRIPTORS;
    let text = format!(
        "error: {wanted} users and the program itself need {needed} descriptors, and this process may open {limit}\n\
         hint: raise the limit with `ulimit -n {needed}`, or spread the users over agents"
    );
    Err(Problem::new(ExitCode::Failure, text))
}

async fn run(args: RunArgs, plan: Plan, data: Data) -> Outcome {
    let stops = stops::listen();
    // One that cannot be found is told before anything is sent.
    let baseline =
        args.baseline.as_deref().map(|name| compare::before(args.keep.runs(), name, &plan.name)).transpose()?;
    let _served = serve_target(&args, &plan)?;
    let listener = listen(args.listen, args.insecure_cluster).await?;
    let address = listener.local_addr().map_err(|error| Problem::other(format!("the listening socket: {error}")))?;
    let local = args.listen.is_none();
    let exports = args.exports.settings().await?;
    let settings = RunSettings {
        id: RunId::generate(),
        tags: args.tag.iter().cloned().collect::<BTreeMap<_, _>>(),
        strict: args.strict,
        lease_ns: plan.agents.hold.unwrap_or(if local { LOCAL_LEASE } else { LEASE }).as_nanos() as u64,
        gather_max_ns: if local { LOCAL_GATHER_MAX } else { Duration::from_secs(args.wait) }.as_nanos() as u64,
        plan,
    };
    let (opening, folder) = args.keep.open(settings, data, args.listen.map(|_| address))?;
    let agent = local.then(|| {
        let config = local_agent(&args, opening.run.plan());
        tokio::spawn(
            async move { take_part(&address.to_string(), &config, Incarnation::generate(), Leave::never()).await },
        )
    });
    if !local {
        eprintln!("waiting for {} agents at {address}", opening.run.plan().agents.start_when);
    }
    let (report, page) = see_through(opening, listener, stops, folder.as_ref(), exports, &args).await;
    if let Some(agent) = agent
        && let Ok(Err(error)) = agent.await
    {
        eprintln!("the local agent: {error}");
    }
    let outcome = conclude(&report, &args.outputs, folder.as_ref()).and_then(|outcome| {
        let compared = match baseline.zip(folder) {
            Some((before, folder)) => against(&before, &folder, &report, &args.max_regression)?,
            None => ExitCode::Passed,
        };
        args.keep.let_old_ones_go(&report.run.name);
        Ok(outcome.worst(compared))
    });
    args.exports.linger(page).await;
    outcome
}

/// Compares a run with one before it, and keeps the comparison as a page beside its report.
fn against(before: &RunRecord, folder: &RunFolder, report: &Report, limits: &[Limit]) -> Outcome {
    let after = folder.replay().map_err(super::report::problem)?.record;
    let comparison = Comparison::of(before, &after);
    let page = keep::comparison(folder, &comparison, limits, [&Report::of(before), report])?;
    eprint!("\n{}{:<13}{}\n", text::table(&comparison), "comparison", page.display());
    Ok(compare::judge(&comparison, limits))
}

/// Conducts a run to its end, takes orders for it, and shows how it goes.
pub(super) async fn see_through(
    mut opening: Opening,
    listener: TcpListener,
    stops: Stops,
    folder: Option<&RunFolder>,
    exports: Settings,
    args: &RunArgs,
) -> (Report, Option<Scraped>) {
    let (counter, desk) = desk();
    opening.desk = desk;
    opening.counter = args.remote_control.then(|| counter.clone());
    let keys = counter.clone();
    let orders = folder.and_then(|folder| match folder.listen_for_orders() {
        Ok(socket) => Some(tokio::spawn(serve_control(socket, opening.run.id(), counter))),
        Err(error) => {
            eprintln!("no orders can be given to the run: {error}");
            None
        }
    });
    let Stops { wishes, sender } = stops;
    let wants_view = !(args.quiet || args.plain || args.once) && live::is_possible();
    let view = wants_view.then(|| View::open(keys, sender)).and_then(Result::ok);
    if let (Some(view), Ok(at), true) = (&view, listener.local_addr(), args.listen.is_some() || args.resume.is_some()) {
        view.repeat(format!("agents join at {at}"));
    }
    let exports = Exports::begin(exports, &opening.run, opening.begun);
    let mut watcher = watch::Screen::new(opening.run.plan(), args.quiet, view, exports);
    let record = conduct(opening, listener, wishes, &mut watcher).await;
    let page = watcher.close(&record).await;
    if let Some((orders, folder)) = orders.zip(folder) {
        orders.abort();
        folder.stop_listening();
    }
    (Report::of(&record), page)
}

/// Keeps a run's result and shows it.
pub(super) fn conclude(report: &Report, outputs: &Outputs, folder: Option<&RunFolder>) -> Outcome {
    let kept = folder.map_or(Ok(()), |folder| keep::result(folder, report));
    let shown = show(report, outputs, folder);
    kept.and(shown)
}

/// Where agents join: here alone, unless it is said where.
pub(super) async fn listen(address: Option<SocketAddr>, insecure_cluster: bool) -> Result<TcpListener, Problem> {
    let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    if !address.ip().is_loopback() && !insecure_cluster {
        let text = format!(
            "error: {address} can be reached from other machines, and the connection is not encrypted\n\
             hint: listen on a loopback address, or accept the risk with --insecure-cluster"
        );
        return Err(Problem::new(ExitCode::Refused, text));
    }
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "\nhint: another program has that port; choose another with --listen",
            _ => "",
        };
        Problem::other(format!("cannot listen on {address}: {error}{hint}"))
    })
}

/// The scripted target at the address that the plan names first, until it is dropped.
fn serve_target(args: &RunArgs, plan: &Plan) -> Result<Option<Target>, Problem> {
    let Some(script) = &args.serve_target else { return Ok(None) };
    let url = plan.requests().map(|request| &request.url).next();
    let address = url.filter(|url| !url.tls).and_then(|url| Some(SocketAddr::new(url.host.parse().ok()?, url.port)));
    let Some(listen) = address.filter(|address| address.ip().is_loopback()) else {
        let text =
            "error: --serve-target wants a plan whose target is http:// with a loopback address such as 127.0.0.1";
        return Err(Problem::new(ExitCode::BadPlan, text));
    };
    let config = Config { listen, script: *script, ..Config::default() };
    Target::start(config).map(Some).map_err(|error| Problem::other(error.to_string()))
}

/// The agent of a run on this machine. Its operator is whoever started the run, so what the plan names is allowed.
fn local_agent(args: &RunArgs, plan: &Plan) -> AgentConfig {
    let hosts = plan.requests().map(|request| &request.url.host);
    let hosts = hosts.chain(plan.connect.proxy.as_ref().map(|proxy| &proxy.host));
    let mut allow: Vec<Allow> = Allow::loopback();
    allow.extend(args.allow.iter().cloned());
    for host in hosts.filter_map(|host| host.parse().ok()) {
        if !allow.contains(&host) {
            allow.push(host);
        }
    }
    let mapped = plan.connect.hosts.iter().flat_map(|(_, addresses)| addresses);
    allow.extend(mapped.filter_map(|address| address.to_string().parse().ok()));
    let workers = args.workers.map_or_else(default_local_workers, usize::from);
    AgentConfig {
        name: host_name(),
        labels: BTreeMap::new(),
        weight: 1,
        cores: muster_agent::resources::usable_cores(),
        engine: EngineConfig {
            workers: if args.once { 1 } else { workers },
            pin: false,
            guard: Arc::new(Guard::new(allow)),
            witness: args.verbose.then(|| once::printing(plan)),
            agent: host_name().into(),
        },
    }
}

/// A request's body from the command line.
#[derive(Clone, Debug)]
struct Body(Vec<u8>);

fn body(text: &str) -> Result<Body, String> {
    let Some(file) = text.strip_prefix('@') else { return Ok(Body(text.as_bytes().to_vec())) };
    std::fs::read(file).map(Body).map_err(|error| format!("cannot read {file}: {error}"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("wanted NAME: VALUE, got {text:?}"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = parts.ok_or_else(|| format!("wanted KEY=VALUE, got {text:?}"))?;
    Ok((key.to_owned(), value.to_owned()))
}
