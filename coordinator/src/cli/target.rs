//! `muster target`: the scripted server.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use muster_target::{Arrival, Config, Script, ScriptError, Stall, Target};

use super::{Outcome, Problem, print, stops};
use crate::exit::ExitCode;
use crate::plan_file::parse_duration;

#[derive(Debug, Args)]
pub(super) struct TargetArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// What every response is like, such as "latency=lognormal(5ms,80ms)&size=10k"; a request's query changes it
    #[arg(long, value_name = "SCRIPT", default_value = "")]
    script: String,
    /// How long responses take, such as 5ms or 1ms..5ms; the same as latency= in the script
    #[arg(long, value_name = "LATENCY")]
    latency: Option<String>,
    /// Stand still for LASTS in every PERIOD, such as 1s/10s
    #[arg(long, value_name = "LASTS/PERIOD", value_parser = stall)]
    stall: Option<Stall>,
    /// Threads that serve
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Where chance begins
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Count each number in x-request-id, to find what was served twice
    #[arg(long)]
    track_ids: bool,
    /// Write a line per number in x-request-id to a file in the end: the number, how often it came, and when first and
    /// last, in nanoseconds since this machine was booted
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    /// Write a line per response to a file
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
}

pub(super) fn main(args: TargetArgs) -> Outcome {
    let words = [args.script, args.latency.map(|latency| format!("latency={latency}")).unwrap_or_default()];
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|words| !words.is_empty()).collect();
    let script: Script = words
        .join("&")
        .parse()
        .map_err(|error: ScriptError| Problem::new(ExitCode::BadPlan, format!("error: the script: {error}")))?;
    muster_agent::health::raise_descriptor_limit();
    let config = Config {
        listen: args.listen,
        threads: args.threads,
        script,
        stall: args.stall,
        seed: args.seed,
        track_ids: args.track_ids || args.ids.is_some(),
        access_log: args.access_log,
        ..Config::default()
    };
    let target = Target::start(config).map_err(|error| Problem::other(error.to_string()))?;
    eprintln!("serving http://{}; Ctrl-C ends it", target.addr());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::other(format!("the runtime: {error}")))?;
    runtime.block_on(async { stops::listen().wishes.recv().await });
    if let Some(file) = &args.ids {
        write_ids(file, &target.arrivals())
            .map_err(|error| Problem::other(format!("cannot write the ids to {}: {error}", file.display())))?;
    }
    let counts = serde_json::to_string_pretty(&target.stop()).unwrap_or_default();
    print(&format!("{counts}\n"));
    Ok(ExitCode::Passed)
}

fn write_ids(file: &Path, arrivals: &[Arrival]) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    for Arrival { id, count, first_ns, last_ns } in arrivals {
        writeln!(file, "{id} {count} {first_ns} {last_ns}")?;
    }
    file.flush()
}

fn stall(text: &str) -> Result<Stall, String> {
    let wanted = || format!("wanted LASTS/PERIOD such as 1s/10s, got {text:?}");
    let (lasts, every) = text.split_once('/').ok_or_else(wanted)?;
    let duration = |text: &str| -> Result<Duration, String> { parse_duration(text).map_err(|_| wanted()) };
    Ok(Stall { every: duration(every)?, lasts: duration(lasts)? })
}
