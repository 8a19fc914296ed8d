//! What was different about two runs before anything was measured.

use crate::plan_file::format_duration;
use crate::run::record::RunRecord;
use muster_proto::plan::Scenario;

/// The differences, in words.
pub(super) fn differences(before: &RunRecord, after: &RunRecord) -> Vec<String> {
    let mut told = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            told.push(format!("{what}: {a} before, {b} after"));
        }
    };
    differ("plan", before.plan.name.clone(), after.plan.name.clone());
    differ("seed", before.plan.seed.to_string(), after.plan.seed.to_string());
    let agents = |record: &RunRecord| {
        let workers: u32 = record.agents.iter().map(|agent| agent.workers).sum();
        format!("{} with {workers} workers", record.agents.len())
    };
    differ("agents", agents(before), agents(after));
    let builds = |record: &RunRecord| record.agents.first().map(|agent| agent.version.clone()).unwrap_or_default();
    differ("build", builds(before), builds(after));
    let validity = |record: &RunRecord| record.timeline.grades().of_run().name().to_owned();
    differ("validity", validity(before), validity(after));
    let changes = |record: &RunRecord| record.amendments.len().to_string();
    differ("changes while it ran", changes(before), changes(after));
    let lost = |record: &RunRecord| record.agents.iter().filter(|agent| agent.lost_at_ns.is_some()).count().to_string();
    differ("agents lost", lost(before), lost(after));
    for scenario in &before.plan.scenarios {
        let name = &scenario.name;
        match after.plan.scenarios.iter().find(|other| other.name == *name) {
            None => told.push(format!("scenario {name}: only before")),
            Some(other) => told.extend(of_scenario(scenario, other)),
        }
    }
    let only_after = |scenario: &&Scenario| !before.plan.scenarios.iter().any(|other| other.name == scenario.name);
    let only_after = after.plan.scenarios.iter().filter(only_after);
    told.extend(only_after.map(|scenario| format!("scenario {}: only after", scenario.name)));
    told
}

fn of_scenario(before: &Scenario, after: &Scenario) -> Vec<String> {
    let name = &before.name;
    let mut told = Vec::new();
    if before.executor != after.executor {
        let load = |of: &Scenario| format!("{} for {}", of.executor.name(), format_duration(of.executor.duration()));
        let (a, b) = (load(before), load(after));
        let how = if a == b { "another load".to_owned() } else { format!("{a} before, {b} after") };
        told.push(format!("scenario {name}: {how}"));
    }
    let requests = |of: &Scenario| of.requests().into_iter().map(|request| request.name.clone()).collect::<Vec<_>>();
    if requests(before) != requests(after) {
        told.push(format!("scenario {name}: other requests"));
    }
    if before.connections != after.connections {
        told.push(format!("scenario {name}: other use of connections"));
    }
    told
}
