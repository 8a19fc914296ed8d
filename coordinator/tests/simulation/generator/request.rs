//! A simulated request, which the target sees at once and answers after a while.

use std::sync::Arc;
use std::time::Duration;

use super::Load;
use crate::dice::Dice;

/// A request under way. Dropped before its end, it was cut off.
pub(super) struct Request {
    load: Arc<Load>,
    scenario: usize,
    id: u64,
    due_ns: u64,
    ended: bool,
}

impl Request {
    /// Sends it, the one of an iteration that is due at this moment: the target sees it at once. `key` is what its shard
    /// follows from.
    pub(super) fn begin(load: &Arc<Load>, (scenario, id, key): (usize, u64, u64), due_ns: u64, now_ns: u64) -> Self {
        let run_ns = due_ns.saturating_sub(load.start_ns());
        load.site.target.serve(load.site.process, (scenario, id), key, run_ns);
        let is_arrival = load.is_open(scenario);
        load.enter(|ledger| ledger.start(scenario, due_ns, now_ns, is_arrival));
        Self { load: Arc::clone(load), scenario, id, due_ns, ended: false }
    }

    /// The target answers after a while.
    pub(super) async fn take_its_time(mut self) {
        let mut dice = Dice::new(self.id);
        let service_ms = if dice.one_in(20) { dice.within(100..=600) } else { dice.within(1..=40) };
        tokio::time::sleep(Duration::from_millis(service_ms)).await;
        self.ended = true;
        let now_ns = self.load.site.clock.now_ns();
        self.load.enter(|ledger| ledger.complete(self.scenario, self.due_ns, now_ns));
    }
}

impl Drop for Request {
    /// Reads no clock: a process that crashes has none any more.
    fn drop(&mut self) {
        if !self.ended {
            self.load.enter(|ledger| ledger.cut_off(self.scenario, self.due_ns));
        }
    }
}
