//! The open model: iterations begin when they are due, however slow the target is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};

use muster_proto::measurement::SkipReason;
use muster_proto::schedule::Arrival;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::changes::{Change, ChangeReceiver};
use super::clock;
use super::compiled::Bound;
use super::control::{Control, ControlReceiver};
use super::held::HeldArrivals;
use super::pacer::Pacer;
use super::user::{Begin, User};
use super::worker::Worker;

/// How often it is looked whether the lease has come back, in nanoseconds.
const LEASE_LOOK_NS: u64 = 20_000_000;

/// Starts each arrival of the worker's shares when it is due, until the profile, the run or the grace after it ends.
pub(super) async fn run(
    worker: &Rc<Worker>,
    scenario: usize,
    mut changes: ChangeReceiver,
    mut pacer: Pacer,
    mut control: ControlReceiver,
) {
    let compiled = &worker.plan.scenarios[scenario];
    let Bound::UsersMax(max_users) = &compiled.bound else { return };
    let start_ns = worker.recorder.borrow().start_ns() + compiled.delay_ns;
    worker.recorder.borrow_mut().count_arrivals(scenario, HeldArrivals::none(start_ns));
    let queue = Rc::new(Queue::new(HeldArrivals::none(start_ns), u64::from(*max_users)));
    let mut users = JoinSet::new();
    let end_ns = start_ns + compiled.duration_ns;
    let stopped = loop {
        tokio::select! {
            biased;
            stop = control.wait_for_stop() => break Some(stop),
            change = changes.next() => queue.change(worker, scenario, &change),
            () = deliver(worker, scenario, &queue, &mut users, &mut pacer, end_ns) => break None,
            () = until_over(worker, end_ns + compiled.graceful_stop_ns) => break None,
        }
    };
    if stopped.is_some() {
        // Also for users who get free before anybody else has heard of it: what falls due from here on is nobody's.
        worker.stopping.set(true);
        worker.recorder.borrow_mut().end_due(clock::now_ns());
        skip_the_rest(worker, scenario, &queue, SkipReason::Stopped);
    }
    if stopped != Some(Control::Abort) {
        let grace_end_ns = clock::now_ns().min(end_ns) + compiled.graceful_stop_ns;
        tokio::select! {
            biased;
            _ = control.wait_for(|control| *control == Control::Abort) => {},
            () = queue.until_nobody_is_busy() => {},
            () = clock::sleep_until(grace_end_ns) => {},
        }
    }
    // Whatever still waits had no free user until the end, or a generator that was too slow to give it one.
    let reason = if queue.has_free_user() { SkipReason::Overload } else { SkipReason::Users };
    skip_the_rest(worker, scenario, &queue, reason);
    users.shutdown().await;
}

/// Waits for this moment, and for a lease: without one it is not known what fell due at the end, so the books stay open.
async fn until_over(worker: &Worker, at_ns: u64) {
    clock::sleep_until(at_ns).await;
    worker.lease.regained(LEASE_LOOK_NS).await;
}

/// Gives every arrival to a user; ends with the profile, once none is waiting. May be given up and called again.
async fn deliver(
    worker: &Rc<Worker>,
    scenario: usize,
    queue: &Rc<Queue>,
    users: &mut JoinSet<()>,
    pacer: &mut Pacer,
    end_ns: u64,
) {
    while let Some(due_ns) = queue.next_due_ns() {
        let Ok(now_ns) = pacer.wait_until(due_ns).await else { return clock::sleep_until(end_ns).await };
        if worker.stopping.get() {
            // The worker has heard of it and counts nothing more as due; this scenario is about to hear of it.
            return std::future::pending().await;
        }
        if queue.is_cut_off(worker, now_ns) {
            // Only then is it known whether what fell due meanwhile was still ours. It is not made up for.
            let back_ns = worker.lease.regained(LEASE_LOOK_NS).await;
            queue.cut_off.set(false);
            worker.recorder.borrow_mut().roll(back_ns);
            queue.skip_before(worker, scenario, back_ns, SkipReason::Lease);
            continue;
        }
        while let Some(begin) = queue.take_due_if_user(now_ns) {
            match queue.unpark() {
                Some(seat) => seat.give(begin),
                None => {
                    users.spawn_local(serve(Rc::clone(worker), scenario, Rc::clone(queue), begin));
                }
            }
        }
        if queue.is_losing_users.get() {
            queue.forget_the_revoked();
        }
        if queue.next_due_ns().is_some_and(|due_ns| due_ns <= now_ns) {
            // Every user is busy. Whoever gets free takes what waits; one that finds nothing parks and wakes us.
            worker.recorder.borrow_mut().gauges().starved += 1;
            queue.parked_one.notified().await;
        }
    }
    let _ = pacer.wait_until(end_ns).await;
}

/// A user's life: take what is due, park when nothing is.
async fn serve(worker: Rc<Worker>, scenario: usize, queue: Rc<Queue>, first: Begin) {
    let _alarm = worker.alarm.clone();
    let mut user = User::default();
    user.own.number.set(queue.next_number(&worker, scenario));
    let mut begin = Begin { now_ns: clock::now_ns(), ..first };
    let seat = Rc::new(Seat::default());
    loop {
        let freed_ns = if worker.feeding[scenario].has_rows(begin.id, begin.number) {
            user.iterate(&worker, &worker.plan.scenarios[scenario], begin).await
        } else {
            worker.recorder.borrow_mut().skip(scenario, begin.due_ns, SkipReason::Data);
            clock::now_ns()
        };
        tokio::task::coop::consume_budget().await;
        let may_go_on = !worker.stopping.get() && !queue.is_cut_off(&worker, freed_ns);
        let next = if may_go_on { queue.take_due(&worker, freed_ns) } else { None };
        begin = match next {
            Some(begin) => begin,
            None => {
                queue.park(&seat);
                let given = seat.wait().await;
                Begin { now_ns: clock::now_ns(), ..given }
            }
        };
    }
}

fn skip_the_rest(worker: &Worker, scenario: usize, queue: &Queue, reason: SkipReason) {
    let now_ns = clock::now_ns();
    let due_until_ns = worker.recorder.borrow_mut().settle_due(scenario, now_ns);
    let reason = if queue.is_cut_off(worker, now_ns) { SkipReason::Lease } else { reason };
    queue.skip_before(worker, scenario, due_until_ns, reason);
}

/// Arrivals and the users who wait for them.
///
/// Arrivals that are due and wait need no memory: they are the part of the schedule that nobody has passed yet.
struct Queue {
    waiting: RefCell<HeldArrivals>,
    /// Users without work, the last one used first.
    parked: RefCell<Vec<Rc<Seat>>>,
    /// A user parked although all had been busy.
    parked_one: Notify,
    busy: Cell<u64>,
    /// How many users the plan allows, and how many of them come with the shares.
    plan_users_max: u64,
    users_max: Cell<u64>,
    /// Whether there are shares among them that are held no longer, or not for long.
    is_losing_users: Cell<bool>,
    /// How many users there have been.
    users_made: Cell<u64>,
    /// Whether the lease was found to have ended, and what fell due since then has not been skipped yet.
    cut_off: Cell<bool>,
}

impl Queue {
    fn new(waiting: HeldArrivals, plan_users_max: u64) -> Self {
        Self {
            waiting: RefCell::new(waiting),
            parked: RefCell::default(),
            parked_one: Notify::new(),
            busy: Cell::new(0),
            plan_users_max,
            users_max: Cell::new(0),
            is_losing_users: Cell::new(false),
            users_made: Cell::new(0),
            cut_off: Cell::new(false),
        }
    }

    /// The number of a new user, which no other of the agent's has in this scenario.
    fn next_number(&self, worker: &Worker, scenario: usize) -> u64 {
        let made = self.users_made.replace(self.users_made.get() + 1);
        made * worker.plan.scenarios[scenario].names.len() as u64 + worker.number as u64
    }

    /// Holds one share more, or less.
    fn change(&self, worker: &Worker, scenario: usize, change: &Change) {
        if let Change::Granted(grant) = change {
            worker.recorder.borrow_mut().hold(scenario, grant);
            let mut new = self.waiting.borrow().like();
            new.hold(grant);
            while let Some(missed) = new.next_before(grant.begin_ns) {
                worker.recorder.borrow_mut().skip(scenario, missed.due_ns, SkipReason::AgentLost);
            }
            self.waiting.borrow_mut().take_in(new);
        }
        self.forget_the_revoked();
        self.count_users();
        // There may be a user now for what waits.
        self.parked_one.notify_one();
    }

    /// Users come with the shares, and go with them once nothing waits any more that fell due before.
    fn forget_the_revoked(&self) {
        let (forgotten, left) = self.waiting.borrow_mut().forget_the_revoked();
        self.is_losing_users.set(left);
        if forgotten {
            self.count_users();
        }
    }

    fn count_users(&self) {
        self.users_max.set(self.waiting.borrow().owned_below(self.plan_users_max));
    }

    fn is_cut_off(&self, worker: &Worker, now_ns: u64) -> bool {
        let is_cut_off = self.cut_off.get() || !worker.lease.holds(now_ns);
        self.cut_off.set(is_cut_off);
        is_cut_off
    }

    fn next_due_ns(&self) -> Option<u64> {
        self.waiting.borrow_mut().peek().map(|arrival| arrival.due_ns)
    }

    fn has_free_user(&self) -> bool {
        self.busy.get() < self.users_max.get()
    }

    /// The next arrival if it is due and a user may take it; the user counts as busy from here.
    fn take_due_if_user(&self, now_ns: u64) -> Option<Begin> {
        if !self.has_free_user() {
            return None;
        }
        let Arrival { id, due_ns } = self.pop_due(now_ns)?;
        self.busy.set(self.busy.get() + 1);
        Some(Begin { id, number: 0, due_ns, free_ns: due_ns, now_ns, arrival: true })
    }

    /// The next arrival if it is due, for a user that has just become free and stays busy with it.
    fn take_due(&self, worker: &Worker, freed_ns: u64) -> Option<Begin> {
        // Users go with the shares that are taken away.
        if self.busy.get() > self.users_max.get() {
            return None;
        }
        let had_free_user = self.has_free_user();
        let Arrival { id, due_ns } = self.pop_due(freed_ns)?;
        // With a user to spare it was not this one that the arrival waited for, but our own attention.
        let free_ns = if had_free_user { due_ns } else { freed_ns };
        worker.recorder.borrow_mut().gauges().starved += u64::from(!had_free_user);
        Some(Begin { id, number: 0, due_ns, free_ns, now_ns: freed_ns, arrival: true })
    }

    /// Gives up the arrivals that are due before this moment.
    fn skip_before(&self, worker: &Worker, scenario: usize, at_ns: u64, reason: SkipReason) {
        while let Some(arrival) = self.waiting.borrow_mut().next_before(at_ns) {
            worker.recorder.borrow_mut().skip(scenario, arrival.due_ns, reason);
        }
    }

    fn pop_due(&self, now_ns: u64) -> Option<Arrival> {
        self.waiting.borrow_mut().next_before(now_ns + 1)
    }

    fn park(&self, seat: &Rc<Seat>) {
        self.busy.set(self.busy.get() - 1);
        self.parked.borrow_mut().push(Rc::clone(seat));
        self.parked_one.notify_one();
    }

    fn unpark(&self) -> Option<Rc<Seat>> {
        self.parked.borrow_mut().pop()
    }

    async fn until_nobody_is_busy(&self) {
        while self.busy.get() > 0 {
            self.parked_one.notified().await;
        }
    }
}

/// Where a parked user waits for its next arrival.
#[derive(Default)]
struct Seat {
    given: Cell<Option<Begin>>,
    waker: Cell<Option<Waker>>,
}

impl Seat {
    fn give(&self, begin: Begin) {
        self.given.set(Some(begin));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    async fn wait(&self) -> Begin {
        std::future::poll_fn(|cx| match self.given.take() {
            Some(begin) => Poll::Ready(begin),
            None => {
                self.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }
}
