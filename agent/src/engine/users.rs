//! The closed model: users repeat iterations, each beginning when the one before has ended.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use muster_proto::share::Share;
use tokio::task::{AbortHandle, JoinSet};

use super::clock;
use super::compiled::{CompiledScenario, Profile, Quota};
use super::control::{Control, ControlReceiver};
use super::pacer::Pacer;
use super::user::{Begin, User};
use super::worker::Worker;

/// Keeps the worker's users active as the profile says, until it, the run or the grace after it ends.
pub(super) async fn run(worker: &Rc<Worker>, scenario: usize, share: &Share, mut control: ControlReceiver) {
    let compiled = &worker.plan.scenarios[scenario];
    let start_ns = worker.recorder.borrow().start_ns() + compiled.delay_ns;
    let end_ns = start_ns + compiled.duration_ns;
    let mut users = JoinSet::new();
    let stopped = tokio::select! {
        biased;
        stop = control.wait_for_stop() => Some(stop),
        () = keep_active(worker, compiled, start_ns, share, &mut users) => None,
        () = clock::sleep_until(end_ns + compiled.graceful_stop_ns) => None,
    };
    if stopped == Some(Control::Drain) {
        tokio::select! {
            biased;
            _ = control.wait_for(|control| *control == Control::Abort) => {},
            () = async { while users.join_next().await.is_some() {} } => {},
            () = clock::sleep_until(clock::now_ns() + compiled.graceful_stop_ns) => {},
        }
    }
    users.shutdown().await;
}

/// A stretch during which a user of ours is active, on the engine's clock.
struct Active {
    user: u32,
    start_ns: u64,
    end_ns: u64,
}

/// Starts users when they become active and cuts those off that overstay; ends with the last of them.
async fn keep_active(
    worker: &Rc<Worker>,
    scenario: &CompiledScenario,
    start_ns: u64,
    share: &Share,
    users: &mut JoinSet<()>,
) {
    let Profile::Users { schedule, quota } = &scenario.profile else { return };
    let mut stretches = own_stretches(schedule, share, start_ns).into_iter().peekable();
    let shared_left = Rc::new(Cell::new(own_part(*quota, schedule.users_max(), share)));
    let end_ns = start_ns + scenario.duration_ns;
    let mut cuts: BTreeMap<(u64, u32), AbortHandle> = BTreeMap::new();
    let Ok(mut pacer) = Pacer::new() else { return };
    loop {
        let next_start_ns = stretches.peek().map(|active| active.start_ns);
        let next_cut_ns = cuts.first_key_value().map(|((cut_ns, _), _)| *cut_ns);
        let Some(next_ns) = next_start_ns.into_iter().chain(next_cut_ns).min() else { break };
        let now_ns = tokio::select! {
            biased;
            reached = pacer.wait_until(next_ns) => match reached {
                Ok(now_ns) => now_ns,
                Err(_) => break,
            },
            // Whoever has ended needs no cut.
            Some(_) = users.join_next(), if next_start_ns.is_none() => {
                cuts.retain(|_, handle| !handle.is_finished());
                continue;
            }
        };
        while let Some(active) = stretches.next_if(|active| active.start_ns <= now_ns) {
            let left = match quota {
                Quota::Unlimited => Rc::new(Cell::new(u64::MAX)),
                Quota::PerUser(iterations) => Rc::new(Cell::new(*iterations)),
                Quota::Shared(_) => Rc::clone(&shared_left),
            };
            let (user, cut_ns) = (active.user, active.end_ns + scenario.graceful_stop_ns);
            let ramped_down = active.end_ns < end_ns;
            let handle = users.spawn_local(repeat(Rc::clone(worker), scenario.index, active, left));
            if ramped_down {
                cuts.insert((cut_ns, user), handle);
            }
        }
        while let Some(entry) = cuts.first_entry().filter(|entry| entry.key().0 <= now_ns) {
            entry.remove().abort();
        }
        while users.try_join_next().is_some() {}
    }
    // With a quota, users may be done long before the profile ends.
    while users.join_next().await.is_some() {}
}

fn own_stretches(schedule: &muster_proto::schedule::UserSchedule, share: &Share, start_ns: u64) -> Vec<Active> {
    let own = (0..schedule.users_max()).filter(|user| share.owns(u64::from(*user)));
    let stretch = |user| {
        let active = move |span: muster_proto::schedule::Span| Active {
            user,
            start_ns: start_ns + span.start_ns,
            end_ns: start_ns + span.end_ns,
        };
        schedule.spans(user).map(active)
    };
    let mut stretches: Vec<Active> = own.flat_map(stretch).collect();
    stretches.sort_by_key(|active| active.start_ns);
    stretches
}

/// How many of the shared iterations fall to the worker: each iteration to a user in turn, each user to its shard.
fn own_part(quota: Quota, users: u32, share: &Share) -> u64 {
    let Quota::Shared(iterations) = quota else { return 0 };
    let users = u64::from(users);
    if users == 0 {
        return 0;
    }
    let (each, further) = (iterations / users, iterations % users);
    each * share.count_below(users) + share.count_below(further)
}

/// A user's life: iterate while active and while there is something left to do.
async fn repeat(worker: Rc<Worker>, scenario: usize, active: Active, left: Rc<Cell<u64>>) {
    let mut user = User::default();
    let compiled = &worker.plan.scenarios[scenario];
    let mut now_ns = clock::now_ns();
    let mut nth = 0;
    while now_ns < active.end_ns && left.get() > 0 && !worker.stopping.get() {
        left.set(left.get() - 1);
        let id = (u64::from(active.user) << 32) | nth;
        let begin = Begin { id, due_ns: now_ns, free_ns: now_ns, now_ns, arrival: false };
        now_ns = user.iterate(&worker, compiled, begin).await;
        nth += 1;
        // Iterations that never wait, such as those that the guard refuses, must not keep the worker from the others.
        tokio::task::coop::consume_budget().await;
    }
}
