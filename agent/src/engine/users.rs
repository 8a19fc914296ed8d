//! The closed model: users repeat iterations, each beginning when the one before has ended.

use std::rc::Rc;

use muster_proto::schedule::{Span, UserSchedule};
use muster_proto::share::Share;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::clock;
use super::compiled::{CompiledScenario, Profile};
use super::control::{Control, ControlReceiver};
use super::cuts::Cuts;
use super::pacer::Pacer;
use super::quota::Allowance;
use super::user::{Begin, User};
use super::worker::Worker;

/// How often a user looks whether the lease has come back, in nanoseconds.
const LEASE_LOOK_NS: u64 = 100_000_000;

/// Keeps the worker's users active as the profile says, until it, the run or the grace after it ends.
pub(super) async fn run(
    worker: &Rc<Worker>,
    scenario: usize,
    share: &Share,
    mut pacer: Pacer,
    mut control: ControlReceiver,
) {
    let compiled = &worker.plan.scenarios[scenario];
    let start_ns = worker.recorder.borrow().start_ns() + compiled.delay_ns;
    let end_ns = start_ns + compiled.duration_ns;
    let mut crowd = Crowd::default();
    let stopped = tokio::select! {
        biased;
        stop = control.wait_for_stop() => Some(stop),
        () = crowd.keep_active(worker, compiled, start_ns, share, &mut pacer) => None,
        () = clock::sleep_until(end_ns + compiled.graceful_stop_ns) => None,
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
    /// How many iterations the user has begun so far. Its stretches hold it in turn, so that a user who overstays in
    /// one is not at work a second time in the next.
    begun: Rc<Mutex<u64>>,
}

/// The users at work.
#[derive(Default)]
struct Crowd {
    tasks: JoinSet<()>,
    cuts: Cuts,
}

impl Crowd {
    /// Starts users when they become active and cuts those off that overstay; ends with the last of them.
    async fn keep_active(
        &mut self,
        worker: &Rc<Worker>,
        scenario: &CompiledScenario,
        start_ns: u64,
        share: &Share,
        pacer: &mut Pacer,
    ) {
        let Profile::Users { schedule, quota } = &scenario.profile else { return };
        let mut stretches = own_stretches(schedule, share, start_ns).into_iter().peekable();
        let allowance = Allowance::of(quota);
        let end_ns = start_ns + scenario.duration_ns;
        while let Some(next_ns) = stretches.peek().map(|active| active.start_ns) {
            let now_ns = tokio::select! {
                biased;
                reached = pacer.wait_until(next_ns) => match reached {
                    Ok(now_ns) => now_ns,
                    Err(_) => break,
                },
                () = self.cuts.next() => continue,
            };
            while let Some(active) = stretches.next_if(|active| active.start_ns <= now_ns) {
                let (user, stretch_end_ns) = (active.user, active.end_ns);
                let allowance = allowance.next(quota);
                let task = self.tasks.spawn_local(repeat(Rc::clone(worker), scenario.index, active, allowance));
                // Whoever stays to the end has no grace of its own.
                if stretch_end_ns < end_ns {
                    self.cuts.add(stretch_end_ns + scenario.graceful_stop_ns, user, task);
                }
            }
            while self.tasks.try_join_next().is_some() {}
        }
        self.end().await;
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

fn own_stretches(schedule: &UserSchedule, share: &Share, start_ns: u64) -> Vec<Active> {
    let own = (0..schedule.users_max()).filter(|user| share.owns(u64::from(*user)));
    let of_user = |user| {
        let begun = Rc::default();
        let active = move |Span { start_ns: from_ns, end_ns: to_ns }| Active {
            user,
            start_ns: start_ns + from_ns,
            end_ns: start_ns + to_ns,
            begun: Rc::clone(&begun),
        };
        schedule.spans(user).map(active)
    };
    let mut stretches: Vec<Active> = own.flat_map(of_user).collect();
    stretches.sort_by_key(|active| active.start_ns);
    stretches
}

/// A user's life: iterate while active and while there is something left to do.
async fn repeat(worker: Rc<Worker>, scenario: usize, active: Active, allowance: Allowance) {
    let _alarm = worker.alarm.clone();
    let mut begun = active.begun.lock().await;
    let mut nth = *begun;
    let mut user = User::default();
    let compiled = &worker.plan.scenarios[scenario];
    let mut now_ns = clock::now_ns();
    while now_ns < active.end_ns && !worker.stopping.get() {
        if !worker.lease.holds(now_ns) {
            clock::sleep_until(now_ns + LEASE_LOOK_NS).await;
            now_ns = clock::now_ns();
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
