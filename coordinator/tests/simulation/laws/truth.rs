//! What the report says against what the target saw.

use std::collections::BTreeMap;

use muster::run::record::{AgentRecord, Ending, RunRecord};
use muster::run::timeline::Counts;
use muster::verdict::books::Books;
use muster_proto::measurement::SkipReason;

use super::plan::{Iterations, iterations};
use crate::cluster::Cluster;
use crate::target::{Process, Request, Seen};
use crate::weather::RATE_PPM_MAX;

/// Every law of the truth that was broken.
pub(crate) fn broken(cluster: &Cluster, record: &RunRecord, books: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    wrong.extend(served_twice(cluster));
    wrong.extend(too_early(cluster, record));
    wrong.extend(clocks_beyond_their_bounds(cluster, record));
    wrong.extend(not_what_was_sent(cluster, record));
    wrong.extend(range_without_the_truth(cluster, record, books));
    wrong.extend(arrivals_out_of_the_books(record, books));
    wrong
}

fn requests(cluster: &Cluster) -> Vec<Request> {
    cluster.target.with(|seen| seen.requests.clone())
}

/// No iteration is served twice.
fn served_twice(cluster: &Cluster) -> Vec<String> {
    let mut served = BTreeMap::new();
    let mut wrong = Vec::new();
    for request in requests(cluster) {
        if let Some(before) = served.insert(request.iteration, request.process) {
            wrong.push(format!("iteration {:?} was served by {before:?} and {:?}", request.iteration, request.process));
        }
    }
    wrong
}

/// How far two clocks may part until a moment, and the run's from what it would have been without a power cut.
pub(super) fn drift_ns(cluster: &Cluster, until_ns: u64) -> u64 {
    let clocks = 2 + u64::from(cluster.power_cuts() > 0);
    until_ns * clocks * RATE_PPM_MAX / 1_000_000
}

/// No arrival is served before it is due, and nobody is at work as a user who is not active, but for what its agent said of the error of its clock.
fn too_early(cluster: &Cluster, record: &RunRecord) -> Vec<String> {
    let Some(start_ns) = cluster.window.with(|shown| shown.start_ns) else { return Vec::new() };
    let start_ns = cluster.weather.coordinator.true_at(start_ns);
    let planned = iterations(record);
    let processes = |seen: &mut Seen| seen.processes.iter().map(|p| (p.name.clone(), p.began_ns)).collect();
    let processes: Vec<(String, u64)> = cluster.target.with(processes);
    let mut wrong = Vec::new();
    for request in requests(cluster) {
        let (name, began_ns) = &processes[request.process.0];
        let Some(agent) = record.agents.iter().find(|agent| agent.name == *name) else { continue };
        let (scenario, id) = request.iteration;
        let run_ns = request.at_ns as i64 - start_ns;
        // Two clocks may part from each other since they were compared.
        let tick_ns = cluster.weather.tick.as_nanos() as u64;
        let until_ns = request.at_ns + cluster.weather.settings.lease_ns;
        let bound_ns = (agent.clock_uncertainty_ns + drift_ns(cluster, until_ns) + tick_ns) as i64;
        let untimely_ns = planned[scenario].untimely_ns(id, run_ns, *began_ns as i64 - start_ns);
        if untimely_ns > bound_ns {
            let iteration = request.iteration;
            wrong.push(format!("{name} began {iteration:?} {untimely_ns} ns out of its time, bound {bound_ns}"));
        }
    }
    wrong
}

/// How far an agent's clock is from the coordinator's lies within the bounds that the report gives.
fn clocks_beyond_their_bounds(cluster: &Cluster, record: &RunRecord) -> Vec<String> {
    let Some(start_ns) = cluster.window.with(|shown| shown.start_ns) else { return Vec::new() };
    let at_ns = cluster.weather.coordinator.true_at(start_ns) as u64;
    let mut wrong = Vec::new();
    // Whoever was lost before it was prepared has told nothing of its clock.
    for agent in record.agents.iter().filter(|agent| agent.round_trip_ns > 0) {
        let process = cluster.target.with(|seen| {
            let process = seen.processes.iter().find(|process| process.name == agent.name)?;
            Some((process.host, process.ordered_ns.unwrap_or_default()))
        });
        let Some((host, compared_until_ns)) = process else { continue };
        let clock = cluster.weather.agents[host].clock;
        let truth_ns = clock.at(at_ns) as i64 - cluster.weather.coordinator.at(at_ns) as i64;
        let error_ns = agent.clock_offset_ns.abs_diff(truth_ns);
        let drift_ns = drift_ns(cluster, at_ns.max(compared_until_ns));
        let bound_ns = agent.clock_uncertainty_ns + drift_ns + cluster.weather.tick.as_nanos() as u64;
        if error_ns > bound_ns {
            let name = &agent.name;
            wrong.push(format!("{name}'s clock is {error_ns} ns off what was told, which is more than {bound_ns} ns"));
        }
    }
    wrong
}

/// What the result has of an agent is what its first so many deltas say, each of them once, and all that were
/// acknowledged; if its books are closed, it is the truth.
fn not_what_was_sent(cluster: &Cluster, record: &RunRecord) -> Vec<String> {
    let mut wrong = Vec::new();
    // What is acknowledged after a disk has failed need not be found on it.
    let excused = cluster.disk.failed().0 && record.ending == Ending::Interrupted;
    cluster.target.with(|seen| {
        for (number, process) in seen.processes.iter().enumerate() {
            let Some(place) = record.agents.iter().position(|agent| agent.name == process.name) else { continue };
            let reported = record.timeline.agents().get(place).map(|agent| agent.counts).unwrap_or_default();
            let acknowledged = if excused { 0 } else { process.acknowledged };
            if !is_sum_of_first(process, acknowledged, &reported) {
                wrong.push(format!(
                    "{}: the result has {reported:?}, which is not the sum of its first deltas up to at least {}",
                    process.name, process.acknowledged
                ));
            }
            let truth = seen.requests.iter().filter(|request| request.process.0 == number).count() as u64;
            let closed = record.agents[place].totals.is_some();
            if closed && truth != reported.sent || truth < reported.sent {
                wrong.push(format!("{}: {truth} requests were served, {} reported", process.name, reported.sent));
            }
        }
    });
    wrong
}

fn is_sum_of_first(process: &Process, at_least: u64, reported: &Counts) -> bool {
    let mut sum = Counts::default();
    if at_least == 0 && sum == *reported {
        return true;
    }
    process.deltas.iter().any(|(seq, (counts, _))| {
        sum.merge(counts);
        *seq >= at_least && sum == *reported
    })
}

/// The truth lies within what was told and the range that the report gives: of all agents, and of those that died.
fn range_without_the_truth(cluster: &Cluster, record: &RunRecord, books: &Books) -> Vec<String> {
    // What agents did after the end of their coordinator is in no book.
    if cluster.window.with(|shown| shown.ended_ns.is_none()) {
        return Vec::new();
    }
    // Users go at the target's pace, so that those of a lost agent may have been quicker than it ever told.
    let has_users = record.plan.scenarios.iter().any(|scenario| !scenario.executor.is_open());
    if has_users && record.agents.iter().any(AgentRecord::died) {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for only_dead in [false, true] {
        let (mut served, mut reported) = (0, 0);
        cluster.target.with(|seen| {
            let agents = record.agents.iter().enumerate().filter(|(_, agent)| agent.died() || !only_dead);
            for (place, agent) in agents {
                let number = seen.processes.iter().position(|process| process.name == agent.name);
                served += seen.requests.iter().filter(|request| Some(request.process.0) == number).count() as u64;
                reported += record.timeline.agents().get(place).map_or(0, |agent| agent.counts.sent);
            }
        });
        let range = reported + books.lost.low..=reported + books.lost.high;
        if !range.contains(&served) {
            let whom = if only_dead { "lost agents" } else { "agents" };
            wrong.push(format!("{whom} served {served}, not within {range:?}"));
        }
    }
    wrong
}

/// Whoever came and went, all of the plan's arrivals are in the books of a run that went on to its end.
fn arrivals_out_of_the_books(record: &RunRecord, books: &Books) -> Option<String> {
    let iterations = iterations(record);
    let planned: u64 = iterations.iter().map(Iterations::arrivals).sum();
    // An agent that heard late of a change may have started by then what it had not changed yet.
    let ever: u64 = iterations.iter().map(Iterations::arrivals_ever).sum();
    let due = books.total.counts.due - begun_by_users(record);
    let wrong = record.ending == Ending::Completed && !(planned..=ever).contains(&due);
    wrong.then(|| format!("{planned} arrivals were planned, {ever} ever, and {due} fell due by the books"))
}

/// Iterations of users, which are due when they begin.
fn begun_by_users(record: &RunRecord) -> u64 {
    let planned = iterations(record);
    let due = record.timeline.agents().iter().flat_map(|agent| agent.due_by_scenario.iter().zip(&planned));
    due.filter(|(_, planned)| planned.are_of_users()).map(|(due, _)| due).sum()
}

/// A run that passed delivered what was planned, and reported what was delivered.
pub(crate) fn undelivered(cluster: &Cluster, record: &RunRecord) -> Option<String> {
    let arrivals: u64 = iterations(record).iter().map(Iterations::arrivals).sum();
    let (planned, served) = (arrivals + begun_by_users(record), requests(cluster).len() as u64);
    let reported = record.timeline.counts().sent;
    let tolerance = f64::from(record.plan.agents.loss_tolerance_millionths) / 1e6;
    let allowed = (planned as f64 * tolerance).ceil() as u64;
    // What the generators were too slow for makes a run invalid, which is an error only where something is judged.
    let overload = record.timeline.counts().skipped[SkipReason::Overload as usize];
    let passed = served + overload + allowed >= planned && reported + allowed >= served;
    let skipped = record.timeline.counts().skipped;
    (!passed)
        .then(|| format!("passed, with {planned} planned, {served} served, {reported} reported, {skipped:?} skipped"))
}
