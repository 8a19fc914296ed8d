//! The open model: arrivals start when they are due, if there is a right to.

use std::sync::Arc;

use muster_agent::engine::changes::{Change, ChangeReceiver};
use muster_agent::engine::control::Control;
use muster_agent::engine::held::HeldArrivals;
use muster_agent::planted::planted;
use muster_proto::measurement::SkipReason;
use muster_proto::schedule::ArrivalSchedule;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::request::Request;
use super::{LEASE_LOOK_NS, Load, next_change, thaw, wait_for_stop};

/// Time goes in steps here, so that the last arrivals may be seen so much after the end, in nanoseconds.
const GRAIN_NS: u64 = 10_000_000;

/// Generates the load of one scenario, and settles what became of its arrivals.
pub(super) async fn run(
    load: Arc<Load>,
    mut waiting: Waiting,
    mut changes: ChangeReceiver,
    mut control: watch::Receiver<Control>,
) {
    let clock = load.site.clock;
    let (end_ns, grace_ns) = (load.end_ns(waiting.scenario), load.grace_ns(waiting.scenario));
    let mut requests = JoinSet::new();
    let stopped = loop {
        tokio::select! {
            biased;
            told = wait_for_stop(&mut control) => break Some(told),
            change = next_change(&load, &mut changes) => waiting.change(&load, &change),
            () = deliver(&load, &mut waiting, end_ns, &mut requests) => break None,
            () = until_over(&load, end_ns + grace_ns.max(GRAIN_NS)) => break None,
        }
    };
    if stopped.is_some() {
        let now_ns = clock.now_ns();
        load.enter(|ledger| ledger.end_due(waiting.scenario, now_ns));
        waiting.skip_the_rest(&load, SkipReason::Stopped);
    }
    if stopped != Some(Control::Abort) {
        let grace_end_ns = clock.now_ns().min(end_ns) + grace_ns;
        tokio::select! {
            biased;
            _ = control.wait_for(|told| *told == Control::Abort) => {},
            () = until_all_have_ended(&load, &mut requests) => {},
            () = clock.sleep_until(grace_end_ns) => {},
        }
    }
    waiting.skip_the_rest(&load, SkipReason::Overload);
    let now_ns = clock.now_ns();
    load.enter(|ledger| ledger.roll(now_ns));
    requests.shutdown().await;
}

/// Waits for this moment, and for a lease: without one it is not known what fell due at the end, so the books stay open.
async fn until_over(load: &Load, at_ns: u64) {
    let clock = load.site.clock;
    clock.sleep_until(at_ns).await;
    // Whoever gets no processor sees nothing end, and has changes to hear of before.
    thaw(load).await;
    while !load.lease.holds(clock.now_ns()) && !planted("books-closed-without-lease") {
        clock.sleep_until(clock.now_ns() + LEASE_LOOK_NS).await;
    }
}

/// Starts each arrival when it is due, if there is a right to; ends with the profile, once none is waiting. May be given
/// up and called again.
async fn deliver(load: &Arc<Load>, waiting: &mut Waiting, end_ns: u64, requests: &mut JoinSet<()>) {
    let clock = load.site.clock;
    loop {
        let due_ns = waiting.next_due_ns();
        // The next window, so that its books are closed in time; what is cut off waits for its lease besides.
        let window_ns = load.ledger().window_end_ns();
        let next_ns = if waiting.cut_off { clock.now_ns() + LEASE_LOOK_NS } else { due_ns.unwrap_or(end_ns) };
        clock.sleep_until(next_ns.min(window_ns)).await;
        thaw(load).await;
        let now_ns = clock.now_ns();
        load.progress.advance();
        load.enter(|ledger| ledger.roll(now_ns));
        if waiting.next_due_ns().is_some_and(|due_ns| due_ns <= now_ns) && waiting.is_cut_off(load, now_ns) {
            // Only once the lease is back is it known whether what fell due meanwhile was still ours. It is not made up for.
            if load.lease.holds(now_ns) {
                waiting.cut_off = false;
                waiting.skip_before(load, now_ns, SkipReason::Lease);
            }
            continue;
        }
        while let Some(arrival) = waiting.arrivals.next_before(now_ns + 1) {
            let of = (waiting.scenario, arrival.id, waiting.key(arrival.id));
            let request = Request::begin(load, of, arrival.due_ns, now_ns);
            requests.spawn(request.take_its_time());
        }
        while requests.try_join_next().is_some() {}
        if waiting.next_due_ns().is_none() && now_ns >= end_ns {
            return;
        }
    }
}

/// The arrivals of a scenario that nobody has begun yet.
pub(super) struct Waiting {
    pub(super) scenario: usize,
    pub(super) schedule: Arc<ArrivalSchedule>,
    pub(super) arrivals: HeldArrivals,
    /// Whether the lease was found to have ended, and what fell due since then has not been skipped yet.
    pub(super) cut_off: bool,
}

impl Waiting {
    /// What an arrival's shard follows from.
    fn key(&self, id: u64) -> u64 {
        self.schedule.shard_of(id).into()
    }

    /// Holds one share more, or less.
    fn change(&mut self, load: &Load, change: &Change) {
        if let Change::Granted(grant) = change {
            load.enter(|ledger| ledger.hold(self.scenario, grant));
            let mut new = self.arrivals.like();
            new.hold(grant);
            while let Some(missed) = new.next_before(grant.begin_ns) {
                load.enter(|ledger| ledger.skip(self.scenario, missed.due_ns, SkipReason::AgentLost));
            }
            self.arrivals.take_in(new);
        }
        self.arrivals.forget_the_revoked();
    }

    fn next_due_ns(&mut self) -> Option<u64> {
        self.arrivals.peek().map(|arrival| arrival.due_ns)
    }

    fn is_cut_off(&mut self, load: &Load, now_ns: u64) -> bool {
        self.cut_off |= !load.lease.holds(now_ns) && !planted("lease-not-checked");
        self.cut_off
    }

    fn skip_before(&mut self, load: &Load, at_ns: u64, reason: SkipReason) {
        while let Some(arrival) = self.arrivals.next_before(at_ns) {
            load.site.target.skipped(load.site.process, reason);
            load.enter(|ledger| ledger.skip(self.scenario, arrival.due_ns, reason));
        }
    }

    fn skip_the_rest(&mut self, load: &Load, reason: SkipReason) {
        let now_ns = load.site.clock.now_ns();
        let due_until_ns = load.ledger().settle_due(self.scenario, now_ns);
        let reason = if self.is_cut_off(load, now_ns) { SkipReason::Lease } else { reason };
        self.skip_before(load, due_until_ns, reason);
    }
}

/// Waits for what is in flight, while windows go on.
async fn until_all_have_ended(load: &Load, requests: &mut JoinSet<()>) {
    while !requests.is_empty() {
        let window_ns = load.ledger().window_end_ns();
        tokio::select! {
            biased;
            _ = requests.join_next() => {},
            () = load.site.clock.sleep_until(window_ns) => {
                let now_ns = load.site.clock.now_ns();
                load.progress.advance();
                load.enter(|ledger| ledger.roll(now_ns));
            }
        }
    }
}
