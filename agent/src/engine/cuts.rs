//! Users who must end before the others do.

use std::collections::BTreeMap;
use std::future;

use tokio::task::AbortHandle;

use super::clock;

/// Users who ramp down before their profile ends, by the moment at which their grace is over.
///
/// Whoever ends in time stays noted until that moment, when there is nothing left to cut off.
#[derive(Default)]
pub(super) struct Cuts(BTreeMap<(u64, u32), Vec<AbortHandle>>);

impl Cuts {
    /// Cuts this task of a user off at this moment, if it has not ended by then.
    pub(super) fn add(&mut self, at_ns: u64, user: u32, task: AbortHandle) {
        self.0.entry((at_ns, user)).or_default().push(task);
    }

    /// Cuts this user off no more.
    pub(super) fn spare(&mut self, user: u32) {
        self.0.retain(|(_, noted), _| *noted != user);
    }

    /// Waits for the next moment and cuts; without one, waits for ever. May be given up and called again.
    pub(super) async fn next(&mut self) {
        let Some(first) = self.0.first_entry() else { return future::pending().await };
        clock::sleep_until(first.key().0).await;
        first.remove().iter().for_each(AbortHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn users_are_cut_off_in_the_order_of_their_moments_and_not_before() {
        let mut tasks = JoinSet::new();
        let mut cuts = Cuts::default();
        let start_ns = clock::now_ns();
        cuts.add(start_ns + 1_000_000, 9, tasks.spawn(future::pending::<()>()));
        cuts.spare(9);
        let mut ids = [(1, 30_000_000), (2, 10_000_000), (3, 20_000_000)].map(|(user, after_ns)| {
            let task = tasks.spawn(future::pending::<()>());
            let id = task.id();
            cuts.add(start_ns + after_ns, user, task);
            (after_ns, id)
        });
        ids.sort_by_key(|(after_ns, _)| *after_ns);
        for (after_ns, id) in ids {
            cuts.next().await;
            assert!(clock::now_ns() >= start_ns + after_ns);
            assert_eq!(tasks.join_next_with_id().await.unwrap().unwrap_err().id(), id);
        }
    }
}
