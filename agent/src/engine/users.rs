//! The closed model: users repeat iterations, each beginning when the one before has ended.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::mem;
use std::rc::Rc;

use muster_proto::schedule::{Span, Timing};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};

use super::changes::{Change, ChangeReceiver, Grant};
use super::clock;
use super::compiled::{Bound, CompiledScenario};
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
    let Bound::Quota(quota) = &compiled.bound else { return };
    let run_start_ns = worker.recorder.borrow().start_ns();
    let start_ns = run_start_ns + compiled.delay_ns;
    let end_ns = start_ns + compiled.duration_ns;
    let mut crowd = Crowd::new(quota, compiled.graceful_stop_ns, (run_start_ns, start_ns, end_ns));
    let stopped = loop {
        tokio::select! {
            biased;
            stop = control.wait_for_stop() => break Some(stop),
            change = changes.next() => match change {
                Change::Granted(grant) => crowd.welcome(&grant),
                Change::Revoked => crowd.cut_the_revoked(),
            },
            () = crowd.keep_active(worker, compiled, &mut pacer) => break None,
            () = clock::sleep_until(end_ns + compiled.graceful_stop_ns) => break None,
        }
    };
    if stopped.is_some() {
        // Whoever waits for something to begin must not find it now.
        worker.stopping.set(true);
    }
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
    crowd.allowance.engage(false);
}

/// A stretch during which a user of ours is active, on the engine's clock.
struct Active {
    number: u32,
    start_ns: u64,
    end_ns: u64,
    /// While the user is ours.
    tenure: Tenure,
    /// The first number that its iterations may have.
    first: u64,
    /// The stretches of a user hold it in turn, so that one who overstays in one is not at work a second time in the next.
    life: Rc<Mutex<Life>>,
}

/// What a user keeps from one stretch to the next.
struct Life {
    /// The number of its next iteration.
    next: u64,
    /// What it has, unless it was cut off.
    user: User,
    /// What it may still begin.
    allowance: Allowance,
    /// Whether there is no row of data left for it.
    out_of_rows: bool,
}

/// A user at work.
struct AtWork {
    number: u32,
    tenure: Tenure,
    task: AbortHandle,
}

/// The users at work and those to come.
struct Crowd {
    quota: Quota,
    allowance: Allowance,
    graceful_stop_ns: u64,
    /// The run's start, and the profile's.
    run_start_ns: u64,
    start_ns: u64,
    end_ns: u64,
    /// All users that were ever ours, and how long they were last.
    lives: BTreeMap<u32, (Rc<Mutex<Life>>, Tenure)>,
    /// Stretches to come, the next one first.
    to_come: BinaryHeap<Reverse<Active>>,
    at_work: Vec<AtWork>,
    tasks: JoinSet<()>,
    cuts: Cuts,
}

impl Crowd {
    fn new(quota: &Quota, graceful_stop_ns: u64, (run_start_ns, start_ns, end_ns): (u64, u64, u64)) -> Self {
        Self {
            quota: quota.clone(),
            allowance: Allowance::of(quota),
            graceful_stop_ns,
            run_start_ns,
            start_ns,
            end_ns,
            lives: BTreeMap::new(),
            to_come: BinaryHeap::new(),
            at_work: Vec::new(),
            tasks: JoinSet::new(),
            cuts: Cuts::default(),
        }
    }

    /// Takes in users that were given to us, for their stretches from when on they are ours. Whoever is ours already, and at
    /// work when its profile changes, goes on where it is.
    fn welcome(&mut self, grant: &Grant) {
        let Timing::Users(schedule) = &grant.timing else { return };
        let ours_ns = grant.tenure.from_ns;
        // Whoever had the user before has used fewer numbers than this for its iterations.
        let fresh = ours_ns.saturating_sub(self.run_start_ns) >> ITERATION_MIN_BITS & u64::from(u32::MAX);
        for number in (0..schedule.users_max()).filter(|number| grant.share.owns(u64::from(*number))) {
            let stays = self.lives.get(&number).is_some_and(|(_, tenure)| tenure.until_ns() == ours_ns);
            let life = self.live(number, &grant.tenure);
            for Span { start_ns, end_ns } in schedule.spans(number) {
                let (start_ns, end_ns) = ((self.start_ns + start_ns).max(ours_ns), self.start_ns + end_ns);
                if start_ns >= end_ns {
                    continue;
                }
                if stays && start_ns == ours_ns {
                    self.keep_at_work(number, &grant.tenure, end_ns);
                }
                let (tenure, life, first) = (grant.tenure.clone(), Rc::clone(&life), if stays { 0 } else { fresh });
                self.to_come.push(Reverse(Active { number, start_ns, end_ns, tenure, first, life }));
            }
        }
    }

    /// What a user keeps, who is ours for so long.
    fn live(&mut self, number: u32, tenure: &Tenure) -> Rc<Mutex<Life>> {
        let (quota, allowance) = (&self.quota, &self.allowance);
        let new = || Life { next: 0, user: User::default(), allowance: allowance.another(quota), out_of_rows: false };
        let (life, ours) = self.lives.entry(number).or_insert_with(|| (Rc::new(Mutex::new(new())), tenure.clone()));
        *ours = tenure.clone();
        Rc::clone(life)
    }

    /// A user that is at work goes on without a break until a moment.
    fn keep_at_work(&mut self, number: u32, tenure: &Tenure, end_ns: u64) {
        for at_work in self.at_work.iter_mut().filter(|at_work| at_work.number == number) {
            at_work.tenure = tenure.clone();
            self.cuts.spare(number);
            if end_ns < self.end_ns {
                self.cuts.add(end_ns + self.graceful_stop_ns, number, at_work.task.clone());
            }
        }
    }

    /// Gives those users their grace who are ours no longer. They begin nothing new of themselves.
    fn cut_the_revoked(&mut self) {
        self.allowance.wake();
        self.at_work.retain(|at_work| !at_work.task.is_finished());
        for AtWork { number, tenure, task } in &self.at_work {
            if tenure.until_ns() < u64::MAX {
                self.cuts.add(tenure.until_ns() + self.graceful_stop_ns, *number, task.clone());
            }
        }
    }

    /// Starts users when they become active and cuts those off that overstay. Ends with the profile, and sooner once all
    /// iterations that there are were made. May be given up and called again.
    async fn keep_active(&mut self, worker: &Rc<Worker>, scenario: &CompiledScenario, pacer: &mut Pacer) {
        loop {
            self.allowance.engage(self.has_users());
            let changed = self.allowance.changed();
            if self.tasks.is_empty() && self.is_done() {
                break;
            }
            let next_ns = self.to_come.peek().map_or(self.end_ns, |Reverse(active)| active.start_ns);
            let now_ns = tokio::select! {
                biased;
                reached = pacer.wait_until(next_ns) => match reached {
                    Ok(now_ns) => now_ns,
                    Err(_) => break,
                },
                () = self.cuts.next() => continue,
                Some(_) = self.tasks.join_next() => continue,
                () = changed => continue,
            };
            if self.to_come.is_empty() {
                break;
            }
            while let Some(active) = self.pop_begun(now_ns) {
                let (tenure, number, stretch_end_ns) = (active.tenure.clone(), active.number, active.end_ns);
                let task = self.tasks.spawn_local(repeat(Rc::clone(worker), scenario.index, active));
                // Whoever stays to the end has no grace of its own.
                if stretch_end_ns < self.end_ns {
                    self.cuts.add(stretch_end_ns + self.graceful_stop_ns, number, task.clone());
                }
                self.at_work.push(AtWork { number, tenure, task });
            }
        }
        self.end().await;
    }

    /// Whether there are users of ours who may begin something.
    fn has_users(&self) -> bool {
        let comes = |Reverse(active): &Reverse<Active>| active.start_ns < active.tenure.until_ns();
        !self.tasks.is_empty() || self.to_come.iter().any(comes)
    }

    /// Whether no iteration is left that one of our users could make, whatever becomes of the profile.
    fn is_done(&self) -> bool {
        let holds = |life: &Rc<Mutex<Life>>, is: fn(&Life) -> bool| life.try_lock().is_ok_and(|life| is(&life));
        let all = |is: fn(&Life) -> bool| self.lives.values().all(|(life, _)| holds(life, is));
        match &self.quota {
            Quota::Unlimited => false,
            Quota::PerUser(_) => all(|life| life.out_of_rows || life.allowance.is_spent()),
            // Who has no users yet may be given some.
            Quota::Shared(_) => self.allowance.is_spent() || !self.lives.is_empty() && all(|life| life.out_of_rows),
        }
    }

    fn pop_begun(&mut self, now_ns: u64) -> Option<Active> {
        self.to_come.peek().filter(|Reverse(active)| active.start_ns <= now_ns)?;
        self.to_come.pop().map(|Reverse(active)| active)
    }

    /// Lets the users end, each until it is cut off. They begin nothing new.
    async fn end(&mut self) {
        self.allowance.engage(false);
        self.allowance.wake();
        loop {
            tokio::select! {
                biased;
                ended = self.tasks.join_next() => if ended.is_none() { return },
                () = self.cuts.next() => {},
            }
        }
    }
}

impl Ord for Active {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.start_ns, self.number).cmp(&(other.start_ns, other.number))
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

/// A user's life: iterate while active and while there is something left to do.
async fn repeat(worker: Rc<Worker>, scenario: usize, active: Active) {
    let _alarm = worker.alarm.clone();
    let mut life = active.life.lock().await;
    let mut user = mem::take(&mut life.user);
    user.own.number.set(active.number.into());
    let allowance = life.allowance.clone();
    let mut next = life.next.max(active.first);
    let compiled = &worker.plan.scenarios[scenario];
    let mut now_ns = clock::now_ns();
    while now_ns < active.end_ns.min(active.tenure.until_ns()) && !worker.stopping.get() {
        if !worker.lease.holds(now_ns) {
            now_ns = worker.lease.regained(LEASE_LOOK_NS).await;
            continue;
        }
        let Some(number) = allowance.next_number() else {
            if allowance.is_spent() {
                break;
            }
            now_ns = allowance.replenished(active.end_ns.min(active.tenure.until_ns())).await;
            continue;
        };
        let id = (u64::from(active.number) << 32) | next;
        if !worker.feeding[scenario].has_rows(id, number) {
            life.out_of_rows = true;
            break;
        }
        allowance.take();
        next += 1;
        // Noted, and never read back here: it lies elsewhere in memory.
        life.next = next;
        let begin = Begin { id, number, due_ns: now_ns, free_ns: now_ns, now_ns, arrival: false };
        now_ns = user.iterate(&worker, compiled, begin).await;
        // Iterations that never wait, such as those that the guard refuses, must not keep the worker from the others.
        tokio::task::coop::consume_budget().await;
    }
    life.user = user;
}
