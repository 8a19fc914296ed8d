//! The closed model: users repeat iterations while they are active and ours.

use std::sync::Arc;

use muster_agent::engine::changes::{Change, ChangeReceiver, Grant};
use muster_agent::engine::control::Control;
use muster_agent::engine::tenure::Tenure;
use muster_proto::schedule::{Span, Timing, UserSchedule};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::request::Request;
use super::{LEASE_LOOK_NS, Load, next_change, thaw, wait_for_stop};

/// No iteration takes less than two to the power of so many nanoseconds.
const ITERATION_MIN_BITS: u32 = 14;

/// Keeps the users of one scenario at work.
pub(super) async fn run(
    load: Arc<Load>,
    scenario: usize,
    mut changes: ChangeReceiver,
    mut control: watch::Receiver<Control>,
) {
    let clock = load.site.clock;
    let (end_ns, grace_ns) = (load.end_ns(scenario), load.grace_ns(scenario));
    let mut users = JoinSet::new();
    let stopped = loop {
        tokio::select! {
            biased;
            told = wait_for_stop(&mut control) => break Some(told),
            change = next_change(&load, &mut changes) => if let Change::Granted(grant) = change {
                let Timing::Users(schedule) = &grant.timing else { panic!("arrivals of a closed model") };
                let own = (0..schedule.users_max()).filter(|user| grant.share.owns(u64::from(*user)));
                own.for_each(|user| _ = users.spawn(Life::of(&load, scenario, schedule, user, &grant).live()));
            },
            () = keep_windows(&load, end_ns) => break None,
        }
    };
    // From now on the lives end by themselves: each looks before its next iteration.
    if stopped != Some(Control::Abort) {
        let grace_end_ns = clock.now_ns().min(end_ns) + grace_ns;
        tokio::select! {
            biased;
            _ = control.wait_for(|told| *told == Control::Abort) => {},
            () = async { while users.join_next().await.is_some() {} } => {},
            () = keep_windows(&load, grace_end_ns) => {},
        }
    }
    let now_ns = clock.now_ns();
    load.enter(|ledger| ledger.roll(now_ns));
    users.shutdown().await;
}

/// Waits for a moment, while windows go on.
async fn keep_windows(load: &Load, until_ns: u64) {
    let clock = load.site.clock;
    while clock.now_ns() < until_ns {
        let window_ns = load.ledger().window_end_ns();
        clock.sleep_until(window_ns.min(until_ns)).await;
        thaw(load).await;
        let now_ns = clock.now_ns();
        load.progress.advance();
        load.enter(|ledger| ledger.roll(now_ns));
    }
}

/// A user's time with us.
struct Life {
    load: Arc<Load>,
    scenario: usize,
    user: u32,
    /// When it is active, on the agent's clock.
    spans: Vec<Span>,
    tenure: Tenure,
    /// How many iterations it has begun, here or elsewhere, at most.
    begun: u64,
}

impl Life {
    fn of(load: &Arc<Load>, scenario: usize, schedule: &UserSchedule, user: u32, grant: &Grant) -> Self {
        let (start_ns, ours_ns) = (load.begin_ns(scenario), grant.tenure.from_ns);
        let spans = schedule.spans(user).map(|Span { start_ns: from_ns, end_ns: to_ns }| Span {
            start_ns: (start_ns + from_ns).max(ours_ns),
            end_ns: start_ns + to_ns,
        });
        Self {
            load: Arc::clone(load),
            scenario,
            user,
            spans: spans.filter(|span| span.start_ns < span.end_ns).collect(),
            tenure: grant.tenure.clone(),
            begun: ours_ns.saturating_sub(load.start_ns()) >> ITERATION_MIN_BITS,
        }
    }

    async fn live(mut self) {
        let clock = self.load.site.clock;
        for Span { start_ns, end_ns } in std::mem::take(&mut self.spans) {
            clock.sleep_until(start_ns).await;
            loop {
                thaw(&self.load).await;
                let now_ns = clock.now_ns();
                if now_ns >= end_ns.min(self.tenure.until_ns()) || self.load.is_stopping() {
                    break;
                }
                if !self.load.may_begin(now_ns) {
                    clock.sleep_until(now_ns + LEASE_LOOK_NS).await;
                    continue;
                }
                let id = u64::from(self.user) << 32 | self.begun;
                self.begun += 1;
                let request = Request::begin(&self.load, (self.scenario, id, self.user.into()), now_ns, now_ns);
                let grace_ns = self.load.grace_ns(self.scenario);
                tokio::select! {
                    biased;
                    () = request.take_its_time() => {},
                    () = overstays(&self.load, end_ns, &self.tenure, grace_ns) => return,
                }
            }
        }
    }
}

/// Waits until a user who is not active any more, or not ours, has had its grace.
async fn overstays(load: &Load, end_ns: u64, tenure: &Tenure, grace_ns: u64) {
    loop {
        let now_ns = load.site.clock.now_ns();
        if now_ns >= end_ns.min(tenure.until_ns()).saturating_add(grace_ns) {
            return;
        }
        load.site.clock.sleep_until(now_ns + LEASE_LOOK_NS).await;
    }
}
