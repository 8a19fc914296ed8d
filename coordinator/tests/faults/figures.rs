//! What is measured of a run, at the target.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster::RATE;
use super::evidence::Evidence;
use super::fault::{AGENTS, Fault, Kind};

/// A loss and what follows from it are over after so long, if nothing else happens.
const SETTLED: Duration = Duration::from_millis(2_600);

/// A coordinator that is absent for less is back within the lease of its agents.
const WITHIN_LEASE: Duration = Duration::from_secs(1);

/// Figures by their names, units in them.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// What can be measured of this run.
pub(crate) fn measure(evidence: &Evidence) -> Figures {
    let mut figures = Figures::new();
    measure_the_load(evidence, &mut figures);
    measure_the_start(evidence, &mut figures);
    measure_the_first_loss(evidence, &mut figures);
    measure_the_stop(evidence, &mut figures);
    measure_the_absence(evidence, &mut figures);
    figures
}

fn measure_the_load(evidence: &Evidence, figures: &mut Figures) {
    let accounting = &evidence.report.accounting;
    let served = evidence.served_count();
    if evidence.went_to_its_end() {
        figures.insert("unserved_per_cent", 100.0 - 100.0 * served as f64 / evidence.planned() as f64);
    }
    figures.insert("served_beyond_outcomes", served as f64 - accounting.requests.outcomes as f64);
    figures.insert("lost_range", (accounting.lost.high + accounting.requests.unknown) as f64);
    let early_ns = evidence.served.iter().map(|served| evidence.due_ns(served.id) as i64 - served.at_ns as i64).max();
    figures.insert("earliest_us", early_ns.unwrap_or_default() as f64 / 1e3);
    figures.insert("beyond_plan_in_100ms", beyond_the_plan(evidence));
}

/// How many more requests came within any 100 ms than were due until then and had not come: 0 or less unless the load
/// was above its plan.
fn beyond_the_plan(evidence: &Evidence) -> f64 {
    let ahead = evidence.served.iter().enumerate().map(|(before, served)| {
        let since_ns = (served.at_ns + 1).saturating_sub(evidence.start_ns);
        before as f64 + 1.0 - (since_ns * RATE).div_ceil(1_000_000_000) as f64
    });
    ahead.fold(f64::NEG_INFINITY, f64::max)
}

/// How far apart the agents began, and whether that is within what the report says.
fn measure_the_start(evidence: &Evidence, figures: &mut Figures) {
    let validity = &evidence.report.verdict.validity;
    let late_us = (0..AGENTS).filter_map(|agent| {
        let share = evidence.first_share(agent);
        let first = evidence.served.iter().filter(|served| served.id < RATE && share.owns(served.id));
        first.map(|served| (served.at_ns as f64 - evidence.due_ns(served.id) as f64) / 1e3).reduce(f64::min)
    });
    let late_us: Vec<f64> = late_us.collect();
    let (Some(first), Some(last)) =
        (late_us.iter().copied().reduce(f64::min), late_us.iter().copied().reduce(f64::max))
    else {
        return;
    };
    let bound_us = validity.start_spread_us.unwrap_or_default() + validity.clock_uncertainty_us;
    figures.insert("start_spread_us", last - first);
    figures.insert("start_bound_us", bound_us);
    figures.insert("start_bound_broken", f64::from(last - first > bound_us));
}

/// How long what a lost agent held stood still, and how long the agent itself went on if it lived.
fn measure_the_first_loss(evidence: &Evidence, figures: &mut Figures) {
    let faults = &evidence.schedule.faults;
    let Some(first) = faults.first().filter(|fault| fault.kind.silences()) else { return };
    let Some(begun_ns) = evidence.begun[0] else { return };
    let end = Duration::from_secs(evidence.schedule.seconds);
    let next = faults.get(1).map_or(end, |next| next.at);
    if first.at + SETTLED > next.min(end) || !evidence.was_lost(first.agent) {
        return;
    }
    let share = evidence.first_share(first.agent);
    let of_share = evidence.served.iter().filter(|served| share.owns(served.id)).map(|served| served.at_ns);
    let of_share: Vec<u64> = of_share.collect();
    let near = |at_ns: u64| at_ns + 100_000_000 > begun_ns && at_ns < begun_ns + SETTLED.as_nanos() as u64;
    let gaps = of_share.windows(2).filter(|pair| near(pair[0])).map(|pair| (pair[1] - pair[0], pair[0]));
    let Some((gap_ns, last_ns)) = gaps.max() else { return };
    figures.insert("takeover_ms", gap_ns as f64 / 1e6);
    if first.kind.severs() {
        figures.insert("last_request_after_cut_ms", (last_ns as f64 - begun_ns as f64) / 1e6);
    }
}

/// How long requests went on after the run was stopped.
fn measure_the_stop(evidence: &Evidence, figures: &mut Figures) {
    let Some((place, stop)) = evidence.schedule.find(Kind::Stop) else { return };
    let Some(begun_ns) = evidence.begun[place] else { return };
    let reached_all = evidence.schedule.faults.iter().all(|fault| {
        let silent = fault.kind.severs() || matches!(fault.kind, Kind::Slow | Kind::Freeze | Kind::FreezeCoordinator);
        let silent = silent || fault.kind.ends_coordinator();
        !silent || fault.at > stop.at || fault.at + fault.lasts + SETTLED < stop.at
    });
    let last_ns = evidence.served.last().map_or(0, |served| served.at_ns);
    let name = if reached_all { "last_request_after_stop_ms" } else { "last_request_after_stop_of_the_unreached_ms" };
    figures.insert(name, (last_ns as f64 - begun_ns as f64) / 1e6);
}

/// How the load fared while coordinators were killed, where nothing else happened.
fn measure_the_absence(evidence: &Evidence, figures: &mut Figures) {
    let faults = &evidence.schedule.faults;
    if evidence.killed == 0 || faults.iter().any(|fault| !fault.kind.ends_coordinator()) {
        return;
    }
    let report = &evidence.report;
    figures.insert("coordinators_killed", evidence.killed as f64);
    figures.insert("absent_of_all_ms", report.run.resumed.absent_s * 1e3);
    figures.insert("torn_ends", evidence.ended.err.matches("cut off: the last").count() as f64);
    let pauses_ns = evidence.served.windows(2).map(|pair| pair[1].at_ns - pair[0].at_ns);
    let pause_ms = pauses_ns.max().unwrap_or_default() as f64 / 1e6;
    let skipped = report.accounting.iterations.skipped.get("lease").copied().unwrap_or_default() as f64;
    let brief = |fault: &Fault| fault.kind == Kind::KillCoordinator && fault.lasts < WITHIN_LEASE;
    if faults.iter().all(brief) {
        figures.insert("pause_within_lease_ms", pause_ms);
        figures.insert("skipped_within_lease", skipped);
    } else {
        figures.insert("pause_beyond_lease_ms", pause_ms);
        figures.insert("skipped_beyond_lease", skipped);
    }
}
