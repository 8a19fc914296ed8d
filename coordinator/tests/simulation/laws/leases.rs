//! Whoever is cut off stops in time, and nobody is given up before his time.

use crate::cluster::Cluster;
use crate::coordinator::{Heard, Shown};
use crate::target::ProcessId;
use crate::weather::RATE_PPM_MAX;

/// How long after its lease an agent is given up, in nanoseconds.
const MARGIN_NS: u64 = 500_000_000;

/// Every law of leases that was broken.
pub(crate) fn broken(cluster: &Cluster) -> Vec<String> {
    let mut wrong = Vec::new();
    wrong.extend(requests_without_a_lease(cluster));
    wrong.extend(given_up_too_early(cluster));
    wrong
}

/// The last moment before this at which a process was heard, on a connection that was accepted by another.
fn heard_before(heard: Option<&Vec<Heard>>, at_ns: u64, since_ns: u64) -> u64 {
    let heard = heard.map(Vec::as_slice).unwrap_or_default();
    let before = &heard[..heard.partition_point(|heard| heard.at_ns <= at_ns)];
    before.iter().rfind(|heard| heard.since_ns <= since_ns).map_or(0, |heard| heard.at_ns)
}

/// What two clocks may make of a stretch of time, and what the simulation's grain does.
pub(super) fn slack_ns(cluster: &Cluster) -> u64 {
    let tick_ns = cluster.weather.tick.as_nanos() as u64;
    cluster.weather.settings.lease_ns * 2 * RATE_PPM_MAX / 1_000_000 + 2 * tick_ns + 1_000_000
}

/// No request leaves later than the lease after the coordinator last heard its agent.
fn requests_without_a_lease(cluster: &Cluster) -> Vec<String> {
    let bound_ns = cluster.weather.settings.lease_ns + slack_ns(cluster);
    let heard = cluster.window.with(|shown| shown.heard.clone());
    cluster.target.with(|seen| {
        let mut wrong = Vec::new();
        for request in &seen.requests {
            let process = &seen.processes[request.process.0];
            let silent_ns = request.at_ns - heard_before(heard.get(&request.process), request.at_ns, u64::MAX);
            if silent_ns > bound_ns {
                wrong.push(format!(
                    "{} sent a request at {} ms, {} ms after it was last heard",
                    process.name,
                    request.at_ns / 1_000_000,
                    silent_ns / 1_000_000
                ));
            }
        }
        wrong.truncate(3);
        wrong
    })
}

/// No agent is given up as silent before its lease and the margin are over.
fn given_up_too_early(cluster: &Cluster) -> Vec<String> {
    // A stream that is given up says so with bytes which are no words of its agent.
    let farewell_ns = cluster.weather.settings.lease_ns / 5;
    let bound_ns = cluster.weather.settings.lease_ns + MARGIN_NS - farewell_ns - slack_ns(cluster);
    let names: Vec<String> = cluster.target.with(|seen| seen.processes.iter().map(|p| p.name.clone()).collect());
    // Whoever never heard of the start has hardly said a word: what comes of it may be its connection's alone.
    let speaks = |process: ProcessId| cluster.target.with(|seen| seen.processes[process.0].ordered_ns.is_some());
    // What came in the very moment may not have been heard, nor what came while this was written down.
    let unheard_ns = 2 * cluster.weather.tick.as_nanos() as u64 + cluster.disk.latency_max_ms() * 1_000_000;
    cluster.window.with(|shown| {
        let mut wrong = Vec::new();
        for (line, (at_ns, text)) in shown.told.iter().enumerate() {
            let name = text.strip_prefix("lost agent ").and_then(|rest| rest.split_once(": silent"));
            let process = name.and_then(|(name, _)| names.iter().position(|known| known == name));
            let Some(process) = process.map(ProcessId).filter(|process| speaks(*process)) else { continue };
            let name = &names[process.0];
            let Some(since_ns) = introduced_ns(cluster, shown, line, name) else { continue };
            // Nor does it count that it closed its stream, however long that was on its way.
            let closed = format!("agent {name}: it closed its stream");
            let closed =
                shown.told[..line].iter().rfind(|(told_ns, text)| *told_ns > since_ns && text.starts_with(&closed));
            let until_ns = closed.map_or(*at_ns, |(closed_ns, _)| *closed_ns).saturating_sub(unheard_ns);
            let silent_ns = at_ns - heard_before(shown.heard.get(&process), until_ns, since_ns);
            if silent_ns < bound_ns {
                wrong.push(format!("{name} was given up {} ms after it was last heard", silent_ns / 1_000_000));
            }
        }
        wrong
    })
}

/// When an agent last opened a stream on which it then said who it was, as far as its user was told before this line.
/// Nothing that was refused counts, so nothing is known of an agent that was.
fn introduced_ns(cluster: &Cluster, shown: &Shown, line: usize, name: &str) -> Option<u64> {
    let told = |words: &str| shown.told[..line].iter().rfind(|(_, text)| text.starts_with(words));
    if told(&format!("refused agent {name}:")).is_some() {
        return None;
    }
    // Whoever joined late was heard first on the stream that it joined by.
    if let Some((at_ns, _)) =
        told(&format!("agent {name} joins while")).filter(|_| told(&format!("agent {name} is back")).is_none())
    {
        return Some(*at_ns);
    }
    let started_ns = shown.start_ns.map_or(0, |start_ns| cluster.weather.coordinator.true_at(start_ns) as u64);
    Some(told(&format!("agent {name} is back")).map_or(started_ns, |(at_ns, _)| *at_ns))
}
