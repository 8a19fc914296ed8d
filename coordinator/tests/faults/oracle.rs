//! What must be true of every run, whatever has happened to it, however fast this machine is.

use std::ops::RangeInclusive;

use super::cluster;
use super::evidence::Evidence;
use super::fault::Kind;
use super::figures::Figures;

/// How far off the harness's own translation of clocks may be.
const TRANSLATION_NS: u64 = 200_000;
/// The part of the plan that may be missing from a run that ends well, and a little that is the rounding's.
const TOLERANCE: f64 = 0.01 + 1e-9;

/// What is promised of moments, in milliseconds ...
const PROMISED_MS: [(&str, f64); 3] =
    [("takeover_ms", 2_000.0), ("last_request_after_cut_ms", 1_050.0), ("last_request_after_stop_ms", 100.0)];
/// ... and how much more is no bug, for the machine may have other things to do than this test.
const NOISE_MS: f64 = 5_000.0;

/// Which laws the run broke, in words.
pub(crate) fn breaches(evidence: &Evidence, figures: &Figures) -> Vec<String> {
    let mut breaches = Vec::new();
    nothing_is_served_but_the_plan(evidence, &mut breaches);
    nothing_is_served_early(evidence, &mut breaches);
    what_is_reported_was_served(evidence, &mut breaches);
    what_was_left_is_handed_in_whole(evidence, &mut breaches);
    the_books_balance(evidence, &mut breaches);
    the_exit_code_is_honest(evidence, &mut breaches);
    nothing_is_unknown_where_every_agent_lives(evidence, &mut breaches);
    absences_are_told(evidence, &mut breaches);
    clocks_are_as_far_off_as_they_say(evidence, &mut breaches);
    for (name, promised_ms) in PROMISED_MS {
        if let Some(figure_ms) = figures.get(name).filter(|figure_ms| **figure_ms > promised_ms + NOISE_MS) {
            breaches.push(format!("{name} is {figure_ms}"));
        }
    }
    breaches
}

/// Every request is one of the plan's, and none came twice.
fn nothing_is_served_but_the_plan(evidence: &Evidence, breaches: &mut Vec<String>) {
    let twice: Vec<u64> = evidence.served.iter().filter(|served| served.count > 1).map(|served| served.id).collect();
    if !twice.is_empty() {
        breaches.push(format!("{} requests were served more than once: {:?}", twice.len(), first_of(&twice)));
    }
    let planned = evidence.planned();
    let foreign: Vec<u64> = evidence.served.iter().map(|served| served.id).filter(|id| *id >= planned).collect();
    if !foreign.is_empty() {
        breaches.push(format!("{} requests are not in the plan: {:?}", foreign.len(), first_of(&foreign)));
    }
}

/// Nothing came before it was due; so at no time had more come than was due until then.
fn nothing_is_served_early(evidence: &Evidence, breaches: &mut Vec<String>) {
    let bound_ns = evidence.clock_bound_ns() + TRANSLATION_NS;
    let early = evidence.served.iter().filter(|served| served.at_ns + bound_ns < evidence.due_ns(served.id));
    let early: Vec<u64> = early.map(|served| served.id).collect();
    if !early.is_empty() {
        breaches.push(format!("{} requests came before they were due: {:?}", early.len(), first_of(&early)));
    }
}

/// The report tells of no request that the target has not seen, unless it failed, and it says how many more there may be.
fn what_is_reported_was_served(evidence: &Evidence, breaches: &mut Vec<String>) {
    let (accounting, served, told) = (&evidence.report.accounting, evidence.served_count(), told(evidence));
    let (least, most) = (*told.start(), told.end() + accounting.requests.unknown + accounting.lost.high);
    if !(least..=most).contains(&served) {
        breaches.push(format!("{served} requests were served, but the report says from {least} to {most}"));
    }
}

/// How many requests were served if nothing is unknown: of those that failed, some may not have got there.
fn told(evidence: &Evidence) -> RangeInclusive<u64> {
    let outcomes = evidence.report.accounting.requests.outcomes;
    let failed: u64 = evidence.report.errors.iter().map(|error| error.count).sum();
    outcomes.saturating_sub(failed)..=outcomes
}

/// Nothing is lost of an agent that was killed, once another has begun to hand in what it left.
fn what_was_left_is_handed_in_whole(evidence: &Evidence, breaches: &mut Vec<String>) {
    let begun = |name: &str| evidence.ended.err.contains(&format!("what agent {name} had not told is handed in"));
    for agent in evidence.report.agents.iter().filter(|agent| agent.lost_at_s.is_some() && begun(&agent.name)) {
        if !agent.handed_in && !evidence.schedule.faults.iter().any(|fault| fault.kind.is_of_disk()) {
            breaches.push(format!("what {} left was not handed in to its end", agent.name));
        }
    }
}

fn the_books_balance(evidence: &Evidence, breaches: &mut Vec<String>) {
    let report = &evidence.report;
    let laws = report.accounting.laws.iter().chain(report.agents.iter().flat_map(|agent| &agent.laws));
    for law in laws.filter(|law| !law.holds || law.left != law.right) {
        breaches.push(format!("{}: {} and {}", law.law, law.left, law.right));
    }
    if !report.accounting.balanced {
        breaches.push("the books do not balance".to_owned());
    }
    let (due, planned) = (report.accounting.iterations.due, evidence.planned());
    if due > planned || (evidence.went_to_its_end() && due != planned) {
        breaches.push(format!("{due} arrivals fell due of {planned}"));
    }
}

fn the_exit_code_is_honest(evidence: &Evidence, breaches: &mut Vec<String>) {
    let (code, accounting) = (evidence.ended.code, &evidence.report.accounting);
    if code != Some(i32::from(evidence.report.verdict.exit_code)) {
        breaches.push(format!("it ended with {code:?}, and reports {}", evidence.report.verdict.exit_code));
    }
    let served = evidence.served_count();
    // A request that failed before it got there is told, and no part of the load that is missing.
    let missing = 1.0 - served.max(accounting.requests.outcomes) as f64 / evidence.planned() as f64;
    let is_off = !told(evidence).contains(&served);
    if code == Some(0) && (is_off || missing > TOLERANCE || accounting.undelivered > TOLERANCE) {
        let told = told(evidence);
        breaches.push(format!("it ended with 0, and {served} were served, {told:?} reported, {missing} is missing"));
    }
    let wanted = evidence.schedule.faults.iter().zip(&evidence.begun).find_map(|(fault, begun)| match fault.kind {
        Kind::FullDisk | Kind::FailingSync => Some(107),
        Kind::Stop if begun.is_some() => Some(105),
        _ => None,
    });
    if wanted == Some(107) && code != wanted {
        breaches.push(format!("its disk failed, and it ended with {code:?}"));
    }
    if wanted == Some(105) && code == Some(0) {
        breaches.push("it was stopped, and ended with 0".to_owned());
    }
}

/// Whatever became of the coordinator: all that its agents had told, and all that they told later, is in the result.
fn nothing_is_unknown_where_every_agent_lives(evidence: &Evidence, breaches: &mut Vec<String>) {
    let unharmed = evidence.schedule.faults.iter().all(|fault| fault.kind.spares_agents());
    let accounting = &evidence.report.accounting;
    let (unknown, most) = (accounting.requests.unknown, accounting.lost.high);
    if unharmed && !evidence.ended.err.contains("lost agent") && (unknown, most) != (0, 0) {
        breaches.push(format!("every agent lived, but {unknown} requests are unknown, and at most {most} are lost"));
    }
}

/// The report says how often the run was gone on with.
fn absences_are_told(evidence: &Evidence, breaches: &mut Vec<String>) {
    let (told, killed) = (evidence.report.run.resumed.times, evidence.killed);
    if u64::from(told) != killed {
        breaches.push(format!("its coordinator was killed {killed} times, but it was resumed {told} times"));
    }
}

/// Each agent's clock is ahead of the coordinator's by as much as the harness has made it, within the bound that is told.
fn clocks_are_as_far_off_as_they_say(evidence: &Evidence, breaches: &mut Vec<String>) {
    // Whoever was lost before it was prepared has told nothing of its clock.
    for agent in evidence.report.agents.iter().filter(|agent| agent.round_trip_us > 0.0) {
        let hosts = (0..).zip(&evidence.schedule.ahead);
        let Some((_, ahead)) = hosts.into_iter().find(|(host, _)| cluster::name(*host) == agent.name) else { continue };
        let error_us = (agent.clock_offset_us - ahead.as_micros() as f64).abs();
        if error_us > agent.clock_uncertainty_us + 1.0 {
            let bound_us = agent.clock_uncertainty_us;
            breaches.push(format!("the clock of {} is off by {error_us} us more, not {bound_us}", agent.name));
        }
    }
}

/// As many as anybody wants to read.
fn first_of(ids: &[u64]) -> &[u64] {
    &ids[..ids.len().min(5)]
}
