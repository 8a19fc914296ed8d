//! What a lost agent may have sent after its last word.

use muster_agent::planted::planted;
use muster_proto::change::Stages;
use muster_proto::measurement::WINDOW_NS;
use muster_proto::plan::{Executor, Step};

use super::Lost;
use crate::run::record::{AgentRecord, RunRecord};
use crate::run::timeline::{AgentTotals, COUNTED_MAX};

/// What an agent may have sent after its last word, until it was given up: no more per window than it ever told of, than
/// the plan asked of it, or, where users set the pace, than any other did in proportion to its weight.
pub(super) fn with(agent: &AgentRecord, told: &AgentTotals, record: &RunRecord) -> Lost {
    let died = agent.died() && !planted("loss-not-bounded");
    let Some(lost_at_ns) = agent.lost_at_ns.filter(|_| died) else { return Lost::default() };
    let windows = lost_at_ns.saturating_sub(told.told_until_ns).div_ceil(WINDOW_NS);
    let as_before = told.sent_per_window_max.max(as_others(agent, record)).saturating_mul(windows);
    Lost { low: 0, high: as_before.max(planned(agent, told, record, windows)).min(COUNTED_MAX) }
}

/// What an agent would have sent in a window had it been as quick as the quickest; nothing where the plan alone says how
/// quick they are. Where nobody has told of anything yet, no range is too wide.
fn as_others(agent: &AgentRecord, record: &RunRecord) -> u64 {
    /// More than any user can make of a window.
    const QUICKEST_PER_WINDOW: u64 = 10_000;
    if record.plan.scenarios.iter().all(|scenario| scenario.executor.is_open()) {
        return 0;
    }
    if record.timeline.agents().iter().all(|told| told.sent_per_window_max == 0) {
        return QUICKEST_PER_WINDOW;
    }
    let told = record.timeline.agents().iter().zip(&record.agents).filter(|(_, other)| other.weight > 0);
    let paces = told.map(|(told, other)| told.sent_per_window_max as f64 / f64::from(other.weight));
    (paces.fold(0.0, f64::max) * f64::from(agent.weight)).ceil() as u64
}

/// The most requests that the plan's arrivals ask of an agent in so many windows, and those that were waiting before.
fn planned(agent: &AgentRecord, told: &AgentTotals, record: &RunRecord, windows: u64) -> u64 {
    // Whoever was lost or left before may have left it a part of the load.
    let was_there = |other: &&AgentRecord| other.lost_at_ns >= agent.lost_at_ns || other.lost_at_ns.is_none();
    let weights: f64 = record.agents.iter().filter(was_there).map(|agent| f64::from(agent.weight)).sum();
    let share = if weights > 0.0 { f64::from(agent.weight) / weights } else { 0.0 };
    let waiting = told.counts.due.saturating_sub(told.counts.started + told.counts.skipped_total());
    let mut requests = 0.0;
    for (place, scenario) in record.plan.scenarios.iter().enumerate() {
        let Executor::ArrivalRate { stages, .. } = &scenario.executor else { continue };
        let later = record.amendments.iter().filter(|amendment| amendment.reshape.scenario == place);
        let later = later.filter_map(|amendment| match &amendment.reshape.stages {
            Stages::Rate(stages) => Some(stages),
            Stages::Users(_) => None,
        });
        let fastest = stages
            .iter()
            .chain(later.flatten())
            .flat_map(|stage| [stage.from.as_per_second(), stage.to.as_per_second()]);
        // An agent's arrivals are spread evenly, but for one at either end.
        let arrivals = share * fastest.fold(0.0, f64::max) * windows as f64 * WINDOW_NS as f64 / 1e9 + 2.0;
        let steps = scenario.steps.iter().filter(|step| matches!(step, Step::Request(_))).count();
        requests += (arrivals + waiting as f64) * steps as f64;
    }
    if windows > 0 { requests.ceil() as u64 } else { 0 }
}
