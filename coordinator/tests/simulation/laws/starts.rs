//! How far apart agents begin lies within what the report says of it.

use muster::run::record::RunRecord;

use super::plan::iterations;
use super::truth::drift_ns;
use crate::cluster::Cluster;
use crate::target::Request;

/// Every law of starts that was broken. Counts how far apart the starts were, and what bound was given.
pub(super) fn broken(cluster: &mut Cluster, record: &RunRecord) -> Vec<String> {
    let Some(start_ns) = cluster.window.with(|shown| shown.start_ns) else { return Vec::new() };
    let start_ns = cluster.weather.coordinator.true_at(start_ns);
    let planned = iterations(record);
    let (mut wrong, mut starts, mut bound_ns) = (Vec::new(), Vec::new(), 0);
    for agent in record.agents.iter().filter(|agent| agent.round_trip_ns > 0) {
        let Some(told_ns) = agent.start_error_ns else { continue };
        let first = cluster.target.with(|seen| {
            let number = seen.processes.iter().position(|process| process.name == agent.name)?;
            let mine = seen.requests.iter().filter(|request| request.process.0 == number);
            let arrival = |request: &Request| planned[request.iteration.0].due_ns(request.iteration.1);
            let (first, due_ns) = { mine }.find_map(|request| Some((*request, arrival(request)?)))?;
            Some((first, due_ns, seen.processes[number].start_ns?))
        });
        let Some((first, due_ns, began_ns)) = first else { continue };
        // What was due at several moments says nothing of the start.
        if record.amendments.iter().any(|amendment| amendment.at_ns <= due_ns) {
            continue;
        }
        let late_ns = first.at_ns as i64 - start_ns - due_ns as i64;
        let slack_ns = drift_ns(cluster, first.at_ns) + cluster.weather.tick.as_nanos() as u64;
        if late_ns.abs_diff(told_ns) > agent.clock_uncertainty_ns + slack_ns {
            let (name, bound_ns) = (&agent.name, agent.clock_uncertainty_ns);
            wrong.push(format!("{name} began {late_ns} ns late, and told {told_ns} ns, give or take {bound_ns} ns"));
        }
        bound_ns = bound_ns.max(agent.clock_uncertainty_ns);
        starts.push(began_ns);
    }
    if let (Some(first_ns), Some(last_ns)) = (starts.iter().min(), starts.iter().max())
        && cluster.weather.far
    {
        let (apart_us, bound_us) = (last_ns.abs_diff(*first_ns) / 1_000, bound_ns / 1_000);
        let tally = &mut cluster.tally;
        tally.add("far runs whose starts were compared", 1);
        tally.add("µs between the starts of far runs, together", apart_us);
        tally.add("µs of their bounds, together", bound_us);
        tally.add("largest µs between the starts of a far run", apart_us);
        tally.add("largest µs of a bound of a far run", bound_us);
        tally.add(
            "largest percentage of twice its bound between the starts of a far run",
            apart_us * 50 / bound_us.max(1),
        );
    }
    wrong
}
