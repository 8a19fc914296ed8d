//! The program `muster-agent`: joins a coordinator and generates the load it is given, as far as its operator allows.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use muster_agent::cache::{CACHE_BYTES_DEFAULT, Cache};
use muster_agent::engine::start::EngineConfig;
use muster_agent::guard::{Allow, Guard};
use muster_agent::health::raise_descriptor_limit;
use muster_agent::resources::{default_workers, host_name, usable_cores};
use muster_agent::session::{AgentConfig, Leave, SessionError, ThisMachine, hand_in, take_part_in};
use muster_agent::spool::Spool;
use muster_proto::id::Incarnation;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// Refused by policy: the same number as the coordinator's.
const EXIT_REFUSED: u8 = 106;
/// Anything else: the same number as the coordinator's.
const EXIT_FAILURE: u8 = 1;
/// Wrong arguments: the same number as the coordinator's.
const EXIT_ARGUMENTS: u8 = 104;
/// How long an agent takes to join before what its predecessor left is handed in, so that a run does not end for want
/// of agents when it hears that its only one was killed. By then the system has done away with that one, too.
const HEAD_START: Duration = Duration::from_millis(200);
/// The longest pause between two attempts to join.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Generates load for a Muster coordinator, within what its own operator allows.
#[derive(Debug, Parser)]
#[command(name = "muster-agent", version, about)]
struct Args {
    /// The coordinator's address, such as 127.0.0.1:7117
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    join: String,
    /// This agent's name in reports [default: the host's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A label for reports and placement
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    label: Vec<(String, String)>,
    /// Its part of the load, in proportion to the other agents' [default: usable cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    weight: Option<u32>,
    /// Worker threads [default: usable cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Pin each worker to a core
    #[arg(long)]
    pin: bool,
    /// A target it may load, beside or instead of loopback: a network, an address, a host, or *
    #[arg(long, value_name = "CIDR|HOST")]
    allow: Vec<Allow>,
    /// The highest arrival rate per second that it may be asked for
    #[arg(long, value_name = "RATE")]
    max_rate: Option<f64>,
    /// The most connections that it may be asked for
    #[arg(long, value_name = "N")]
    max_connections: Option<u64>,
    /// Join a coordinator on another machine over an unencrypted connection
    #[arg(long)]
    insecure_cluster: bool,
    /// Exit after one run instead of joining again
    #[arg(long)]
    once: bool,
    /// Keep what is not acknowledged in this folder, so that an agent started again with it loses nothing of a killed one
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Keep large files of data in this folder, for the next run too [default: muster/rows in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// How much of them it may hold, in MiB; what was used longest ago goes first [default: 16384]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    cache_max: Option<u64>,
    /// Give up when the coordinator cannot be reached for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_ARGUMENTS } else { 0 });
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(std::io::stderr).init();
    if let Err((code, reason)) = check_address(&args) {
        eprintln!("error: {reason}");
        return ExitCode::from(code);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    raise_descriptor_limit();
    let config = config(&args);
    let incarnation = Incarnation::generate();
    let spool = match args.spool.as_deref().map(|folder| Spool::open(folder, incarnation)).transpose() {
        Ok(spool) => spool.map(Arc::new),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(EXIT_ARGUMENTS);
        }
    };
    runtime.block_on(async {
        let (wanted, receiver) = watch::channel(false);
        let joining = join_again_and_again(&args, &config, incarnation, spool.as_ref(), Leave::when(receiver));
        let handing_in = hand_in_what_is_left(&args, &config, spool.as_ref());
        tokio::select! {
            (code, ()) = async { tokio::join!(joining, handing_in) } => code,
            () = interrupted_twice(&wanted) => ExitCode::SUCCESS,
        }
    })
}

/// Takes part in one run after the other, with growing pauses while there is no coordinator.
async fn join_again_and_again(
    args: &Args,
    config: &AgentConfig,
    incarnation: Incarnation,
    spool: Option<&Arc<Spool>>,
    mut leave: Leave,
) -> ExitCode {
    let patience = Duration::from_secs(args.patience);
    let surroundings = ThisMachine { spool: spool.cloned(), cache: cache(args) };
    let mut unreachable_since = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let ended = take_part_in(&surroundings, &args.join, config, incarnation, leave.clone()).await;
        if leave.is_wanted() {
            return ExitCode::SUCCESS;
        }
        match ended {
            Ok(()) => tracing::info!("released"),
            Err(SessionError::Refused { .. }) if !args.once => tracing::warn!("{}", text(&ended)),
            Err(SessionError::Unreachable { .. }) => tracing::warn!("{}", text(&ended)),
            Err(_) => tracing::error!("{}", text(&ended)),
        }
        match ended {
            Ok(()) if args.once => return ExitCode::SUCCESS,
            Err(SessionError::Unreachable { .. }) if unreachable_since.elapsed() < patience => {}
            Err(SessionError::Unreachable { .. }) => {
                eprintln!("error: gave up after {} s; is a coordinator listening at {}?", args.patience, args.join);
                return ExitCode::FAILURE;
            }
            Err(SessionError::Refused { .. }) if args.once => return ExitCode::from(EXIT_REFUSED),
            Err(_) if args.once => return ExitCode::FAILURE,
            // A coordinator that does not want this agent will not want it more for being asked more often.
            Err(SessionError::Refused { .. }) => unreachable_since = tokio::time::Instant::now(),
            Ok(()) | Err(_) => {
                unreachable_since = tokio::time::Instant::now();
                pause = Duration::from_millis(500);
            }
        }
        // Agents that lost the same coordinator must not all come back in the same moment.
        tokio::select! {
            () = tokio::time::sleep(pause.mul_f64(0.5 + incarnation.fraction())) => {},
            () = leave.wanted() => return ExitCode::SUCCESS,
        }
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// Hands in what processes left that were killed, each as the agent that it was. What cannot be handed in now, because
/// nobody can be reached, is kept for the next start.
async fn hand_in_what_is_left(args: &Args, config: &AgentConfig, spool: Option<&Arc<Spool>>) {
    let Some(spool) = spool else { return };
    tokio::time::sleep(HEAD_START).await;
    let spool = Arc::clone(spool);
    let found = tokio::task::spawn_blocking(move || spool.left()).await;
    let (left, useless) = match found.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(found) => found,
        Err(error) => return eprintln!("warning: what earlier agents left cannot be read: {error}"),
    };
    useless.iter().for_each(|reason| eprintln!("warning: removed {reason}"));
    for left in left {
        let run = left.remains().run.short();
        match hand_in(&args.join, config, left.remains()).await {
            Ok(()) => tracing::info!(run, "handed in what an agent left that was killed"),
            Err(error @ (SessionError::Unreachable { .. } | SessionError::Lost { .. })) => {
                tracing::warn!(%error, run, "what an agent left that was killed is kept for the next start");
                continue;
            }
            Err(error) => eprintln!("warning: removed what an agent left in run {run}: {error}"),
        }
        left.remove();
    }
}

fn text(ended: &Result<(), SessionError>) -> String {
    ended.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

fn config(args: &Args) -> AgentConfig {
    let mut guard = if args.allow.is_empty() { Guard::loopback_only() } else { Guard::new(args.allow.clone()) };
    guard.max_rate = args.max_rate;
    guard.max_connections = args.max_connections;
    let cores = usable_cores();
    let name = args.name.clone().unwrap_or_else(host_name);
    AgentConfig {
        name: name.clone(),
        labels: args.label.iter().cloned().collect::<BTreeMap<_, _>>(),
        weight: args.weight.unwrap_or(cores),
        cores,
        engine: EngineConfig {
            workers: args.workers.map_or_else(default_workers, usize::from),
            pin: args.pin,
            guard: Arc::new(guard),
            witness: None,
            agent: name.as_str().into(),
        },
    }
}

fn cache(args: &Args) -> Cache {
    let bytes_max = args.cache_max.map_or(CACHE_BYTES_DEFAULT, |mib| mib << 20);
    args.cache.as_deref().map_or_else(|| Cache::usual(bytes_max), |folder| Cache::at(folder, bytes_max))
}

/// Refuses to speak in the clear to a coordinator on another machine, unless that was asked for.
fn check_address(args: &Args) -> Result<(), (u8, String)> {
    if args.insecure_cluster {
        return Ok(());
    }
    let addresses = args.join.to_socket_addrs();
    let unresolved = |error| (EXIT_FAILURE, format!("cannot resolve the coordinator {}: {error}", args.join));
    let addresses = addresses.map_err(unresolved)?;
    match addresses.into_iter().find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => {
            let reason = format!(
                "{address} is another machine, and the connection is not encrypted\n\
                 hint: join a coordinator on a loopback address, or accept the risk with --insecure-cluster"
            );
            Err((EXIT_REFUSED, reason))
        }
    }
}

/// Wants the agent to leave at the first signal, and ends at the second.
async fn interrupted_twice(wanted: &watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    for first in [true, false] {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        if first {
            tracing::info!("leaving; a second signal ends at once");
            wanted.send_replace(true);
        }
    }
}

fn host_and_port(text: &str) -> Result<String, String> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    port.map(|_| text.to_owned()).ok_or_else(|| format!("wanted HOST:PORT, such as 127.0.0.1:7117, got {text:?}"))
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("wanted KEY=VALUE, got {text:?}"))?;
    Ok((key.to_owned(), value.to_owned()))
}
