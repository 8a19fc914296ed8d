//! What is made once per run is made once: before all load, and after all of it.

use muster_proto::plan::{ChoreKind, Plan};

use crate::cluster::Cluster;
use crate::target::ChoreSeen;

/// Every law of chores that was broken, of a run that has passed or not.
pub(super) fn broken(cluster: &mut Cluster, plan: &Plan, passed: bool) -> Vec<String> {
    let (made, first_ns, last_ns) = cluster.target.with(|seen| {
        let moments = || seen.requests.iter().map(|request| request.at_ns);
        (seen.chores.clone(), moments().min().unwrap_or(u64::MAX), moments().max().unwrap_or(0))
    });
    let mut wrong = Vec::new();
    for kind in [ChoreKind::Setup, ChoreKind::Teardown] {
        let mine: Vec<&ChoreSeen> = made.iter().filter(|chore| chore.name == kind.name()).collect();
        let wanted = !plan.chore(kind).steps.is_empty();
        if mine.len() > usize::from(wanted) || (passed && wanted && mine.is_empty()) {
            wrong.push(format!("the {} was made {} times", kind.name(), mine.len()));
        }
        let is_apart = |chore: &ChoreSeen| match kind {
            ChoreKind::Setup => chore.ended_ns.is_some_and(|ended_ns| ended_ns <= first_ns) || first_ns == u64::MAX,
            ChoreKind::Teardown => chore.begun_ns >= last_ns,
        };
        if !mine.iter().all(|chore| is_apart(chore)) {
            wrong.push(format!("{mine:?} was made beside the load, which was from {first_ns} to {last_ns} ns"));
        }
        let name = if kind == ChoreKind::Setup { "setups" } else { "teardowns" };
        cluster.tally.add(name, mine.len() as u64);
    }
    wrong
}
