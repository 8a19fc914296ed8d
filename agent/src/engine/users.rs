//! The closed model: users repeat iterations, each beginning when the one before has ended.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use muster_proto::schedule::{Span, UserSchedule};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};

use super::changes::{Change, ChangeReceiver, Grant};
use super::clock;
use super::compiled::{CompiledScenario, Profile};
use super::control::{Control, ControlReceiver};
use super::cuts::Cuts;
use super::pacer::Pacer;
use super::quota::{Allowance, Quota};
use super::tenure::Tenure;
use super::user::{Begin, User};
use super::worker::Worker;

/// How often a user looks whether the lease has come back, in nanoseconds.
const LEASE_LOOK_NS: u64 = 100_000_000;
/// No iteration takes less than two to the power of so many nanoseconds.
const ITERATION_MIN_BITS: u32 = 14;

/// Keeps the worker's users active as the profile says, until it, the run or the grace after it ends.
pub(super) async fn run(
    worker: &Rc<Worker>,
    scenario: usize,
    mut changes: ChangeReceiver,
    mut pacer: Pacer,
    mut control: ControlReceiver,
) {
    let compiled = &worker.plan.scenarios[scenario];
    let Profile::Users { schedule, quota } = &compiled.profile else { return };
    let run_start_ns = worker.recorder.borrow().start_ns();
    let start_ns = run_start_ns + compiled.delay_ns;
    let end_ns = start_ns + compiled.duration_ns;
    let mut crowd = Crowd::new(quota);
    let stopped = loop {
        tokio::select! {
            biased;
            stop = control.wait_for_stop() => break Some(stop),
            change = changes.next() => match change {
                Change::Granted(grant) => crowd.welcome(own_stretches(schedule, &grant, run_start_ns, start_ns)),
                Change::Revoked => crowd.cut_the_revoked(compiled.graceful_stop_ns),
            },
            () = crowd.keep_active(worker, compiled, end_ns, &mut pacer) => break None,
            () = clock::sleep_until(end_ns + compiled.graceful_stop_ns) => break None,
        }
    };
    if stopped == Some(Control::Drain) {
        let stop_ns = clock::now_ns().min(end_ns);
        tokio::select! {
            biased;
            _ = control.wait_for(|control| *control == Control::Abort) => {},
            () = crowd.end() => {},
            () = clock::sleep_until(stop_ns + compiled.graceful_stop_ns) => {},
        }
    }
    crowd.tasks.shutdown().await;
}

/// A stretch during which a user of ours is active, on the engine's clock.
struct Active {
    user: u32,
    start_ns: u64,
    end_ns: u64,
    /// While the user is ours.
    tenure: Tenure,
    /// How many iterations the user has begun so far. Its stretches hold it in turn, so that a user who overstays in
    /// one is not at work a second time in the next.
    begun: Rc<Mutex<u64>>,
}

/// The users at work and those to come.
struct Crowd {
    quota: Quota,
    allowance: Allowance,
    /// Stretches to come, the next one first.
    to_come: BinaryHeap<Reverse<Active>>,
    at_work: Vec<(Tenure, u32, AbortHandle)>,
    tasks: JoinSet<()>,
    cuts: Cuts,
}

impl Crowd {
    fn new(quota: &Quota) -> Self {
        Self {
            quota: quota.clone(),
            allowance: Allowance::of(quota),
            to_come: BinaryHeap::new(),
            at_work: Vec::new(),
            tasks: JoinSet::new(),
            cuts: Cuts::default(),
        }
    }

    fn welcome(&mut self, stretches: Vec<Active>) {
        self.to_come.extend(stretches.into_iter().map(Reverse));
    }

    /// Gives those users their grace who are ours no longer. They begin nothing new of themselves.
    fn cut_the_revoked(&mut self, graceful_stop_ns: u64) {
        self.at_work.retain(|(_, _, task)| !task.is_finished());
        for (tenure, user, task) in &self.at_work {
            if tenure.until_ns() < u64::MAX {
                self.cuts.add(tenure.until_ns() + graceful_stop_ns, *user, task.clone());
            }
        }
    }

    /// Starts users when they become active and cuts those off that overstay; ends with the last of them, but where users
    /// may still be given to us not before the profile. May be given up and called again.
    async fn keep_active(&mut self, worker: &Rc<Worker>, scenario: &CompiledScenario, end_ns: u64, pacer: &mut Pacer) {
        let may_get_more = matches!(self.quota, Quota::Unlimited);
        loop {
            let next_ns = self.to_come.peek().map(|Reverse(active)| active.start_ns);
            let Some(next_ns) = next_ns.or(may_get_more.then_some(end_ns)) else { break };
            let now_ns = tokio::select! {
                biased;
                reached = pacer.wait_until(next_ns) => match reached {
                    Ok(now_ns) => now_ns,
                    Err(_) => break,
                },
                () = self.cuts.next() => continue,
            };
            if self.to_come.is_empty() {
                break;
            }
            while let Some(active) = self.pop_begun(now_ns) {
                let (tenure, user, stretch_end_ns) = (active.tenure.clone(), active.user, active.end_ns);
                let allowance = self.allowance.next(&self.quota);
                let task = self.tasks.spawn_local(repeat(Rc::clone(worker), scenario.index, active, allowance));
                self.at_work.push((tenure, user, task.clone()));
                // Whoever stays to the end has no grace of its own.
                if stretch_end_ns < end_ns {
                    self.cuts.add(stretch_end_ns + scenario.graceful_stop_ns, user, task);
                }
            }
            while self.tasks.try_join_next().is_some() {}
        }
        self.end().await;
    }

    fn pop_begun(&mut self, now_ns: u64) -> Option<Active> {
        self.to_come.peek().filter(|Reverse(active)| active.start_ns <= now_ns)?;
        self.to_come.pop().map(|Reverse(active)| active)
    }

    /// Lets the users end, each until it is cut off.
    async fn end(&mut self) {
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => if ended.is_none() { return },
                () = self.cuts.next() => {},
            }
        }
    }
}

impl Ord for Active {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.start_ns, self.user).cmp(&(other.start_ns, other.user))
    }
}

impl PartialOrd for Active {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Active {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Active {}

/// The stretches of the users that were given to us, from when on they are ours.
fn own_stretches(schedule: &UserSchedule, grant: &Grant, run_start_ns: u64, start_ns: u64) -> Vec<Active> {
    let ours_ns = grant.tenure.from_ns;
    // Whoever had the user before has used fewer numbers than this for its iterations.
    let begun = ours_ns.saturating_sub(run_start_ns) >> ITERATION_MIN_BITS & u64::from(u32::MAX);
    let own = (0..schedule.users_max()).filter(|user| grant.share.owns(u64::from(*user)));
    let of_user = |user| {
        let begun = Rc::new(Mutex::new(begun));
        let active = move |Span { start_ns: from_ns, end_ns: to_ns }| Active {
            user,
            start_ns: (start_ns + from_ns).max(ours_ns),
            end_ns: start_ns + to_ns,
            tenure: grant.tenure.clone(),
            begun: Rc::clone(&begun),
        };
        schedule.spans(user).map(active).filter(|active| active.start_ns < active.end_ns)
    };
    own.flat_map(of_user).collect()
}

/// A user's life: iterate while active and while there is something left to do.
async fn repeat(worker: Rc<Worker>, scenario: usize, active: Active, allowance: Allowance) {
    let _alarm = worker.alarm.clone();
    let mut begun = active.begun.lock().await;
    let mut nth = *begun;
    let mut user = User::default();
    let compiled = &worker.plan.scenarios[scenario];
    let mut now_ns = clock::now_ns();
    while now_ns < active.end_ns.min(active.tenure.until_ns()) && !worker.stopping.get() {
        if !worker.lease.holds(now_ns) {
            now_ns = worker.lease.regained(LEASE_LOOK_NS).await;
            continue;
        }
        if !allowance.take() {
            break;
        }
        let id = (u64::from(active.user) << 32) | nth;
        nth += 1;
        // Noted, and never read back here: it lies elsewhere in memory.
        *begun = nth;
        let begin = Begin { id, due_ns: now_ns, free_ns: now_ns, now_ns, arrival: false };
        now_ns = user.iterate(&worker, compiled, begin).await;
        // Iterations that never wait, such as those that the guard refuses, must not keep the worker from the others.
        tokio::task::coop::consume_budget().await;
    }
}
