//! Shares on their way to the workers that are to hold them.

use std::future;
use std::sync::Arc;

use muster_proto::change::{Handed, Reshape};
use muster_proto::plan::Plan;
use muster_proto::schedule::{Load, ReshapeError, Timing};
use muster_proto::share::Share;
use muster_proto::split;
use tokio::sync::mpsc;

use super::lease::Lease;
use super::tenure::Tenure;
use crate::planted::planted;

/// The most changes that wait for one worker. They are few and far between; a worker that is so many behind is stuck.
pub const CHANGES_MAX: usize = 256;

/// Shares that are taken away are held at least for so long from now, in nanoseconds: what workers start until then they may
/// have taken already.
const REVOKE_LEAD_NS: u64 = 10_000_000;

/// Before which moment nothing can be made up for of shares that are given at this one. Without a lease that is for the
/// workers to see, once there is one.
#[must_use]
pub fn granted_too_late_until_ns(lease: &Lease, now_ns: u64) -> u64 {
    if lease.holds(now_ns) { now_ns } else { 0 }
}

/// The soonest moment from which on nothing needs to be started of shares that are taken away at this one. Without a lease
/// that is its end, also if it has passed.
#[must_use]
pub fn revocable_from_ns(lease: &Lease, now_ns: u64) -> u64 {
    if lease.holds(now_ns) { now_ns + REVOKE_LEAD_NS } else { lease.until_ns() }
}

/// A worker's part of a share, given to it. Moments are of the engine's clock.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Which shards.
    pub share: Arc<Share>,
    /// While they are held.
    pub tenure: Tenure,
    /// When their load is due.
    pub timing: Timing,
    /// Arrivals of this load were the shares' before, when their load was due at other moments.
    pub passed: Load,
    /// What falls due before this moment cannot be made up for: nobody held it in time.
    pub begin_ns: u64,
}

/// What a worker's scenario is told of its shares.
#[derive(Debug)]
pub enum Change {
    /// It holds one more.
    Granted(Grant),
    /// The tenure of one that it holds has been given an end.
    Revoked,
}

/// Where a worker's scenario hears of its shares.
pub struct ChangeReceiver(mpsc::Receiver<Change>);

impl ChangeReceiver {
    /// The next change; waits for ever if there can be none. May be given up and called again.
    pub async fn next(&mut self) -> Change {
        match self.0.recv().await {
            Some(change) => change,
            None => future::pending().await,
        }
    }
}

/// A worker is stuck: [`CHANGES_MAX`] changes wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a worker has left {CHANGES_MAX} changes of its shares unread")]
pub struct Stuck;

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It makes no sense.
    #[error(transparent)]
    Senseless(#[from] ReshapeError),
    /// The engine is of no use any more.
    #[error(transparent)]
    Stuck(#[from] Stuck),
}

/// What an engine holds of each scenario, and which of its workers.
pub struct Holdings {
    plan: Arc<Plan>,
    workers: usize,
    /// By scenario: when load is due, for what is granted from now on.
    timings: Vec<Timing>,
    /// By scenario; also what is held no longer, as long as it may turn out that it was held for less.
    held: Vec<Vec<Held>>,
    /// By scenario, then by worker.
    senders: Vec<Vec<mpsc::Sender<Change>>>,
}

struct Held {
    /// By worker.
    shares: Vec<Arc<Share>>,
    tenure: Tenure,
    timing: Timing,
    passed: Load,
    /// Whether it goes on with something that was held until its tenure begins.
    goes_on: bool,
}

impl Held {
    /// Whether any of it is held before a moment, in this tenure or in the one that it goes on with.
    fn is_held_before(&self, at_ns: u64) -> bool {
        self.goes_on || self.tenure.from_ns < at_ns
    }
}

impl Holdings {
    /// Nothing, with the ears of each worker, one for each scenario.
    #[must_use]
    pub fn none(plan: &Arc<Plan>, timings: Vec<Timing>, workers: usize) -> (Self, Vec<Vec<ChangeReceiver>>) {
        let mut receivers: Vec<Vec<ChangeReceiver>> = (0..workers).map(|_| Vec::new()).collect();
        let mut channel = |worker: usize| {
            let (sender, receiver) = mpsc::channel(CHANGES_MAX);
            receivers[worker].push(ChangeReceiver(receiver));
            sender
        };
        let senders = plan.scenarios.iter().map(|_| (0..workers).map(&mut channel).collect()).collect();
        let held = plan.scenarios.iter().map(|_| Vec::new()).collect();
        (Self { plan: Arc::clone(plan), workers, timings, held, senders }, receivers)
    }

    /// Holds these shares from a moment on. What falls due before another cannot be made up for.
    ///
    /// # Errors
    /// [`Stuck`] when a worker is.
    pub fn grant(&mut self, handed: &Handed, from_ns: u64, begin_ns: u64) -> Result<(), Stuck> {
        let weights = vec![1; self.workers];
        let parts = handed.shares.iter().zip(&handed.passed).enumerate();
        for (scenario, (share, passed)) in parts.filter(|(_, (share, _))| !share.is_empty()) {
            let dealt = split::deal(&self.plan.scenarios[scenario].executor, share, &weights);
            let shares = dealt.into_iter().map(Arc::new).collect();
            let (tenure, timing) = (Tenure::from(from_ns), self.timings[scenario].clone());
            let held = Held { shares, tenure, timing, passed: *passed, goes_on: false };
            self.hold(scenario, held, begin_ns)?;
        }
        Ok(())
    }

    /// Holds these shares, one for each scenario, no longer than until a moment, also those of which it was said before
    /// that they would be held for longer. Nothing is taken away before `settled_ns`, now or later.
    ///
    /// # Errors
    /// [`Stuck`] when a worker is.
    pub fn revoke(&mut self, shares: &[Share], at_ns: u64, settled_ns: u64) -> Result<(), Stuck> {
        for (scenario, revoked) in shares.iter().enumerate().filter(|(_, share)| !share.is_empty()) {
            self.held[scenario].retain(|held| held.tenure.until_ns() > settled_ns);
            let mut rests = Vec::new();
            for held in &self.held[scenario] {
                let (from_ns, until_ns) = (at_ns.max(held.tenure.from_ns), held.tenure.until_ns());
                if from_ns >= until_ns || !held.shares.iter().any(|share| share.overlaps(revoked)) {
                    continue;
                }
                held.tenure.end_at(at_ns);
                let shares = held.shares.iter().map(|share| Arc::new(share.without(revoked))).collect();
                let (tenure, timing) = (Tenure::between(from_ns, until_ns), held.timing.clone());
                let goes_on = held.is_held_before(at_ns);
                rests.push(Held { shares, tenure, timing, passed: held.passed, goes_on });
            }
            self.go_on_with(scenario, rests)?;
        }
        Ok(())
    }

    /// Lets the load of a scenario be due at other moments, from one after its profile's start on, before anything of it is
    /// held.
    ///
    /// # Errors
    /// [`ReshapeError`] when that makes no profile, and then nothing has changed.
    pub fn amend(&mut self, reshape: &Reshape, at_ns: u64) -> Result<Timing, ReshapeError> {
        let timing = self.timings[reshape.scenario].amended(at_ns, &reshape.stages)?;
        self.timings[reshape.scenario] = timing.clone();
        Ok(timing)
    }

    /// Lets the load of a scenario be due at other moments from one on: at `at_ns` as far as the profile goes, whose start is
    /// told, and at `from_ns`, which is the same or later, as far as what is held goes. No arrival is due twice by that: what
    /// was due before goes on with the next. Nothing changes before `settled_ns`, now or later.
    ///
    /// # Errors
    /// [`ChangeError`] when that makes no profile, and then nothing has changed, or when a worker is stuck.
    pub fn reshape(
        &mut self,
        reshape: &Reshape,
        (start_ns, at_ns, from_ns): (u64, u64, u64),
        settled_ns: u64,
    ) -> Result<(), ChangeError> {
        let scenario = reshape.scenario;
        let timing = self.amend(reshape, at_ns.saturating_sub(start_ns))?;
        self.held[scenario].retain(|held| held.tenure.until_ns() > settled_ns);
        let mut rests = Vec::new();
        for held in &self.held[scenario] {
            let (begin_ns, until_ns) = (from_ns.max(held.tenure.from_ns), held.tenure.until_ns());
            if begin_ns >= until_ns {
                continue;
            }
            let goes_on = held.is_held_before(from_ns);
            let before = || held.timing.load_before(from_ns.saturating_sub(start_ns));
            let passes = goes_on && !planted("passed-arrivals-again");
            let passed = if passes { held.passed.max(before()) } else { held.passed };
            held.tenure.end_at(from_ns);
            let (shares, tenure) = (held.shares.clone(), Tenure::between(begin_ns, until_ns));
            rests.push(Held { shares, tenure, timing: timing.clone(), passed, goes_on });
        }
        Ok(self.go_on_with(scenario, rests)?)
    }

    /// Holds what is left of something whose tenure was given an end.
    fn go_on_with(&mut self, scenario: usize, rests: Vec<Held>) -> Result<(), Stuck> {
        for rest in rests {
            for sender in &self.senders[scenario] {
                send(sender, Change::Revoked)?;
            }
            if rest.shares.iter().any(|share| !share.is_empty()) {
                self.hold(scenario, rest, 0)?;
            }
        }
        Ok(())
    }

    /// What is held, one share for each scenario.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        let union = |held: &Vec<Held>| {
            let mut union = Share::empty();
            let kept = held.iter().filter(|held| held.tenure.until_ns() == u64::MAX);
            kept.flat_map(|held| &held.shares).for_each(|share| union.union(share));
            union
        };
        self.held.iter().map(union).collect()
    }

    fn hold(&mut self, scenario: usize, held: Held, begin_ns: u64) -> Result<(), Stuck> {
        for (sender, share) in self.senders[scenario].iter().zip(&held.shares) {
            if !share.is_empty() {
                let (share, tenure, timing) = (Arc::clone(share), held.tenure.clone(), held.timing.clone());
                send(sender, Change::Granted(Grant { share, tenure, timing, passed: held.passed, begin_ns }))?;
            }
        }
        self.held[scenario].push(held);
        Ok(())
    }
}

/// Tells a worker, unless it has ended.
fn send(sender: &mpsc::Sender<Change>, change: Change) -> Result<(), Stuck> {
    match sender.try_send(change) {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        Err(mpsc::error::TrySendError::Full(_)) => Err(Stuck),
    }
}
