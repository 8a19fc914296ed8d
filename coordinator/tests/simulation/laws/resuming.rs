//! Whoever goes on with a run finds it, has a number of its own, and waits for the agents to come back.

use muster::run::record::RunRecord;

use super::leases::slack_ns;
use crate::cluster::Cluster;
use crate::coordinator::Shown;

/// How long agents may take to find another coordinator, in nanoseconds.
const RETURN_NS: u64 = 10_000_000_000;

/// Every law of resuming that was broken.
pub(super) fn broken(cluster: &Cluster) -> Vec<String> {
    cluster.window.with(|shown| {
        let mut wrong: Vec<_> = shown.unresumable.iter().map(|why| format!("cannot be resumed: {why}")).collect();
        let numbers = shown.epochs.windows(2).filter(|pair| pair[0].1 >= pair[1].1);
        wrong.extend(numbers.map(|pair| format!("coordinator {} was followed by {}", pair[0].1, pair[1].1)));
        wrong.extend(not_awaited(cluster, shown));
        wrong
    })
}

/// Nobody is given up as silent who has not had the time to come back.
fn not_awaited(cluster: &Cluster, shown: &Shown) -> Vec<String> {
    // What was read before another coordinator came may have waited to be written down.
    let bound_ns = RETURN_NS - slack_ns(cluster) - cluster.disk.latency_max_ms() * 1_000_000;
    let began_ns = shown.start_ns.map(|start_ns| cluster.weather.coordinator.true_at(start_ns));
    let mut wrong = Vec::new();
    for (line, (at_ns, text)) in shown.told.iter().enumerate() {
        let name = text.strip_prefix("lost agent ").and_then(|rest| rest.split_once(": silent"));
        let Some((name, _)) = name else { continue };
        // Whoever joined a run that had yet to begin did so after its coordinator came.
        let resumed = shown.epochs.iter().skip(1).rfind(|(since_ns, _)| since_ns < at_ns);
        let resumed = resumed.filter(|(since_ns, _)| began_ns.is_some_and(|began_ns| began_ns < *since_ns as i64));
        let Some((since_ns, _)) = resumed.filter(|(since_ns, _)| at_ns - since_ns < bound_ns) else { continue };
        let heard = shown.told[..line].iter().filter(|(told_ns, _)| told_ns >= since_ns);
        let comes = [format!("agent {name} is back"), format!("agent {name} joins")];
        if !{ heard }.any(|(_, text)| comes.iter().any(|came| text.starts_with(came))) {
            wrong.push(format!("{name} was given up {} ms after the run was resumed", (at_ns - since_ns) / 1_000_000));
        }
    }
    wrong
}

/// A report says of everybody who coordinated the run, and of others only if they fell while they were about to.
pub(super) fn untold(cluster: &Cluster, record: &RunRecord) -> Option<String> {
    let (latest, started) =
        cluster.window.with(|shown| (shown.epochs.last().map_or(1, |(_, epoch)| *epoch), shown.started.max(1)));
    let told = u64::from(record.absence.resumed) + 1;
    let wrong = !(latest..=started).contains(&told);
    wrong.then(|| format!("{latest} to {started} coordinators were at work, and the report tells of {told}"))
}
