//! What a lost agent may have sent after its last word.

use muster_agent::planted::planted;
use muster_proto::measurement::WINDOW_NS;
use muster_proto::plan::Scenario;

use super::Lost;
use crate::run::record::{AgentRecord, RunRecord};
use crate::run::timeline::{AgentTotals, COUNTED_MAX};

/// What an agent may have sent after its last word, until it had no lease any more: no more per window than it ever told of,
/// than fell due in its hands, or, where users set the pace, than any other did in proportion to its weight.
pub(super) fn with(agent: &AgentRecord, told: &AgentTotals, record: &RunRecord) -> Lost {
    let died = agent.died() && !planted("loss-not-bounded");
    let Some(idle_at_ns) = agent.idle_at_ns().filter(|_| died) else { return Lost::default() };
    let windows = idle_at_ns.saturating_sub(told.told_until_ns).div_ceil(WINDOW_NS);
    let as_before = told.sent_per_window_max.max(as_others(agent, record)).saturating_mul(windows);
    Lost { low: 0, high: as_before.max(planned(agent, told, record)).min(COUNTED_MAX) }
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

/// The most requests of arrivals that may have fallen due since, and of those that were waiting or under way before.
fn planned(agent: &AgentRecord, told: &AgentTotals, record: &RunRecord) -> u64 {
    let counts = &told.counts;
    let ended = counts.skipped_total() + counts.completed + counts.failed + counts.cut_off;
    let begun = counts.due.saturating_sub(ended);
    let open = || record.plan.scenarios.iter().zip(&agent.untold_arrivals).filter(|(plan, _)| plan.executor.is_open());
    let untold = open().map(|(plan, arrivals)| arrivals.saturating_mul(requests(plan)));
    let longest = open().map(|(plan, _)| requests(plan)).max().unwrap_or(0);
    untold.fold(begun.saturating_mul(longest), u64::saturating_add)
}

/// The most requests of an iteration, each redirected and made again as often as it may be.
fn requests(scenario: &Scenario) -> u64 {
    scenario.requests_max(|request| (1 + u64::from(request.redirects.0)) * (1 + u64::from(request.retry.times)))
}
