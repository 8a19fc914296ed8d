//! What must hold whatever the weather was: the report against the truth.

mod chores;
mod fairness;
mod leases;
mod plan;
mod resuming;
mod starts;
mod truth;

use muster::exit::ExitCode;
use std::sync::Arc;

use muster::journal::{Left, LeftError, ReplayError};
use muster::run::record::{Ending, RunRecord};
use muster::verdict::Verdict;
use muster::verdict::books::Books;
use muster_proto::plan::Scenario;

use super::cluster::Cluster;

/// Every law that was broken, in words.
pub(crate) fn broken(cluster: &mut Cluster) -> Vec<String> {
    let mut wrong = leases::broken(cluster);
    let (_, asked_after_failure) = cluster.disk.failed();
    if asked_after_failure {
        wrong.push("a disk that had failed was trusted again".to_owned());
    }
    let lived = cluster.window.with(|shown| shown.record.take());
    wrong.extend(resuming::broken(cluster));
    let told_again = tell_again(cluster, &mut wrong);
    if let (Some(lived), Some(told_again)) = (&lived, &told_again)
        && !cluster.disk.failed().0
    {
        wrong.extend(differences(lived, told_again));
    }
    if let Some(record) = lived.or(told_again) {
        wrong.extend(resuming::untold(cluster, &record));
        judge(cluster, &record, &mut wrong);
    }
    wrong
}

/// The run as its journal tells it, unless there is nothing to tell.
fn tell_again(cluster: &mut Cluster, wrong: &mut Vec<String>) -> Option<RunRecord> {
    cluster.tally.add("snapshots at the end", cluster.disk.snapshots() as u64);
    cluster.disk.forgets();
    match Left::on(Arc::new(cluster.disk.clone())) {
        Ok(Left { told, .. }) => {
            cluster.tally.add("journals told again", 1);
            cluster.tally.add("journals torn", u64::from(told.torn > 0));
            Some(told.interrupted().record)
        }
        // A disk without room for the head has no run on it, and the coordinator did not begin one.
        Err(LeftError::Senseless(_, ReplayError::Empty)) if cluster.disk.failed().0 => None,
        // Nobody ever heard of a run whose head was not durable yet.
        Err(_) if !cluster.has_begun() => None,
        Err(error) => {
            wrong.push(format!("the journal cannot be told again: {error}"));
            None
        }
    }
}

fn differences(lived: &RunRecord, told: &RunRecord) -> Option<String> {
    let of = |record: &RunRecord| {
        let intervals = record.timeline.intervals().len();
        format!("{:?} {:?} {:?} {intervals}", record.ending, record.agents, record.timeline.counts())
    };
    let (lived, told) = (of(lived), of(told));
    (lived != told).then(|| format!("the run told again is another\n    lived {lived}\n    told  {told}"))
}

fn judge(cluster: &mut Cluster, record: &RunRecord, wrong: &mut Vec<String>) {
    let books = Books::of(record);
    let code = Verdict::of(record, &books).exit_code;
    wrong.extend(books.laws().filter(|law| !law.holds()).map(|law| format!("unbalanced: {law:?}")));
    wrong.extend(truth::broken(cluster, record, &books));
    wrong.extend(starts::broken(cluster, record));
    wrong.extend(fairness::broken(cluster, record));
    wrong.extend(chores::broken(cluster, &record.plan, code == ExitCode::Passed));
    if code == ExitCode::Passed {
        wrong.extend(truth::undelivered(cluster, record));
    }
    let interrupted = record.ending == Ending::Interrupted;
    if interrupted && code == ExitCode::Passed {
        wrong.push("an interrupted run passed".to_owned());
    }
    if cluster.disk.failed().0 && !interrupted && code < ExitCode::Storage {
        wrong.push(format!("a disk failed and the run ended with {}", code.code()));
    }
    count(cluster, record, &books, code);
}

fn count(cluster: &mut Cluster, record: &RunRecord, books: &Books, code: ExitCode) {
    let told = cluster.window.with(|shown| shown.told.clone());
    let lines = |part: &str| told.iter().filter(|(_, line)| line.contains(part)).count() as u64;
    let failed = cluster.disk.failed().0;
    let tally = &mut cluster.tally;
    let users = |scenario: &&Scenario| !scenario.executor.is_open();
    tally.add("scenarios with users", record.plan.scenarios.iter().filter(users).count() as u64);
    tally.add("profiles amended", record.amendments.len() as u64);
    tally.add("duplicates refused", books.duplicates_refused);
    tally.add("agents lost", lines("lost agent"));
    tally.add("agents joined late", lines("joins while the run goes on"));
    tally.add("agents back", lines("is back"));
    tally.add("agents back after they were lost", lines("its lease begins anew"));
    tally.add("agents refused", lines("refused agent"));
    tally.add("agents that left", record.agents.iter().filter(|agent| agent.left).count() as u64);
    let taken_over = record.agents.iter().filter(|agent| agent.died() && agent.taken_over_at_ns.is_some());
    tally.add("agents taken over", taken_over.count() as u64);
    tally.add("books closed", record.agents.iter().filter(|agent| agent.totals.is_some()).count() as u64);
    tally.add("disks failed", u64::from(failed));
    tally.add("runs without a start", u64::from(!record.began));
    let outcome = match code {
        ExitCode::Passed => "runs passed",
        ExitCode::Incomplete => "runs incomplete",
        ExitCode::Stopped => "runs stopped",
        ExitCode::Invalid => "runs invalid",
        ExitCode::Storage => "runs unstorable",
        _ => "runs failed",
    };
    tally.add(outcome, 1);
    cluster.target.with(|seen| {
        let processes = &seen.processes;
        tally.add("shares granted", seen.granted);
        tally.add("shares revoked", seen.revoked);
        tally.add("agents that went on by another profile", seen.reshaped);
        tally.add("requests", seen.requests.len() as u64);
        tally.add("deltas", processes.iter().map(|process| process.deltas.len() as u64).sum());
        tally.add("deltas sent again", processes.iter().map(|process| process.sent_again).sum());
        tally.add("deltas of several windows", processes.iter().map(|process| process.coarse).sum());
        tally.add("arrivals without a lease", processes.iter().map(|process| process.skipped_for_lease).sum());
    });
}
