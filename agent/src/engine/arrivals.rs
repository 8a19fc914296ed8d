//! The open model: iterations begin when they are due, however slow the target is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use muster_proto::measurement::SkipReason;
use muster_proto::schedule::{Arrival, ArrivalCursor};
use muster_proto::share::Share;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::clock;
use super::compiled::Profile;
use super::control::{Control, ControlReceiver};
use super::pacer::Pacer;
use super::user::{Begin, User};
use super::worker::Worker;

/// Starts each arrival of the worker's share when it is due, until the profile, the run or the grace after it ends.
pub(super) async fn run(
    worker: &Rc<Worker>,
    scenario: usize,
    share: Arc<Share>,
    mut pacer: Pacer,
    mut control: ControlReceiver,
) {
    let compiled = &worker.plan.scenarios[scenario];
    let Profile::Arrivals { schedule, max_users } = &compiled.profile else { return };
    let start_ns = worker.recorder.borrow().start_ns() + compiled.delay_ns;
    let queue = Rc::new(Queue {
        start_ns,
        users_max: share.count_below(u64::from(*max_users)),
        waiting: RefCell::new(ArrivalCursor::new(Arc::clone(schedule), share)),
        parked: RefCell::default(),
        parked_one: Notify::new(),
        busy: Cell::new(0),
    });
    let mut users = JoinSet::new();
    let end_ns = start_ns + compiled.duration_ns;
    let stopped = tokio::select! {
        biased;
        stop = control.wait_for_stop() => Some(stop),
        () = deliver(worker, scenario, &queue, &mut users, &mut pacer, end_ns) => None,
        () = clock::sleep_until(end_ns + compiled.graceful_stop_ns) => None,
    };
    if stopped.is_some() {
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

/// Gives every arrival to a user; ends with the profile, once none is waiting.
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
        if !worker.lease.holds(now_ns) {
            queue.skip_due(worker, scenario, now_ns);
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
    let mut begin = Begin { now_ns: clock::now_ns(), ..first };
    let seat = Rc::new(Seat::default());
    loop {
        let freed_ns = user.iterate(&worker, &worker.plan.scenarios[scenario], begin).await;
        tokio::task::coop::consume_budget().await;
        let may_go_on = !worker.stopping.get() && worker.lease.holds(freed_ns);
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
    let mut recorder = worker.recorder.borrow_mut();
    let due_until_ns = recorder.due_until_ns();
    for arrival in queue.waiting.borrow_mut().by_ref() {
        let due_ns = queue.start_ns + arrival.due_ns;
        if due_ns >= due_until_ns {
            break;
        }
        recorder.skip(scenario, due_ns, reason);
    }
}

/// Arrivals and the users who wait for them.
///
/// Arrivals that are due and wait need no memory: they are the part of the schedule that the cursor has not passed.
struct Queue {
    /// The beginning of the profile on the engine's clock.
    start_ns: u64,
    waiting: RefCell<ArrivalCursor>,
    /// Users without work, the last one used first.
    parked: RefCell<Vec<Rc<Seat>>>,
    /// A user parked although all had been busy.
    parked_one: Notify,
    busy: Cell<u64>,
    users_max: u64,
}

impl Queue {
    fn next_due_ns(&self) -> Option<u64> {
        self.waiting.borrow_mut().peek().map(|arrival| self.start_ns + arrival.due_ns)
    }

    fn has_free_user(&self) -> bool {
        self.busy.get() < self.users_max
    }

    /// The next arrival if it is due and a user may take it; the user counts as busy from here.
    fn take_due_if_user(&self, now_ns: u64) -> Option<Begin> {
        if !self.has_free_user() {
            return None;
        }
        let arrival = self.pop_due(now_ns)?;
        self.busy.set(self.busy.get() + 1);
        let due_ns = self.start_ns + arrival.due_ns;
        Some(Begin { id: arrival.id, due_ns, free_ns: due_ns, now_ns, arrival: true })
    }

    /// The next arrival if it is due, for a user that has just become free and stays busy with it.
    fn take_due(&self, worker: &Worker, freed_ns: u64) -> Option<Begin> {
        let had_free_user = self.has_free_user();
        let arrival = self.pop_due(freed_ns)?;
        let due_ns = self.start_ns + arrival.due_ns;
        // With a user to spare it was not this one that the arrival waited for, but our own attention.
        let free_ns = if had_free_user { due_ns } else { freed_ns };
        worker.recorder.borrow_mut().gauges().starved += u64::from(!had_free_user);
        Some(Begin { id: arrival.id, due_ns, free_ns, now_ns: freed_ns, arrival: true })
    }

    /// Gives up the arrivals that are due: they belong to a time in which there was no right to send them, and are not
    /// made up for later.
    fn skip_due(&self, worker: &Worker, scenario: usize, now_ns: u64) {
        while let Some(arrival) = self.pop_due(now_ns) {
            worker.recorder.borrow_mut().skip(scenario, self.start_ns + arrival.due_ns, SkipReason::Lease);
        }
    }

    fn pop_due(&self, now_ns: u64) -> Option<Arrival> {
        let mut waiting = self.waiting.borrow_mut();
        let due = waiting.peek().is_some_and(|arrival| self.start_ns + arrival.due_ns <= now_ns);
        if due { waiting.next() } else { None }
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
