//! Agents that do no wrong are accused of none, and those to which nothing happens close their books.

use muster::run::record::{Ending, RunRecord};

use crate::cluster::Cluster;

/// Why an agent may be lost that keeps to the protocol: what its user is told begins with this.
const MISFORTUNES: &[&str] = &[
    "silent for",
    "it closed its stream",
    "its stream broke",
    "not finished",
    "it left",
    "its worker 0 came no further",
];

/// Every law of fairness that was broken.
pub(crate) fn broken(cluster: &Cluster, record: &RunRecord) -> Vec<String> {
    let mut wrong = accused(cluster);
    if record.began && record.ending != Ending::Interrupted {
        wrong.extend(open_books(cluster, record));
    }
    wrong
}

fn accused(cluster: &Cluster) -> Vec<String> {
    cluster.window.with(|shown| {
        let lost = shown.told.iter().filter_map(|(_, text)| text.strip_prefix("lost agent ")?.split_once(": "));
        let accused = lost.filter(|(_, reason)| !MISFORTUNES.iter().any(|misfortune| reason.starts_with(misfortune)));
        accused.map(|(name, reason)| format!("{name} keeps to the protocol and was lost: {reason}")).collect()
    })
}

fn open_books(cluster: &Cluster, record: &RunRecord) -> Vec<String> {
    let untroubled = |host: usize| !cluster.weather.troubled.contains(&host);
    let names: Vec<String> = cluster.target.with(|seen| {
        let processes = seen.processes.iter().filter(|process| untroubled(process.host));
        processes.map(|process| process.name.clone()).collect()
    });
    let agents = record.agents.iter().filter(|agent| names.contains(&agent.name) && agent.totals.is_none());
    agents.map(|agent| format!("nothing happened to {}, and its books are open", agent.name)).collect()
}
