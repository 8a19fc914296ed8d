//! Splitting a scenario: over agents, and then, the same way, over each agent's workers.

use crate::plan::Executor;
use crate::share::Share;

/// Deals a share of a scenario to parties with these weights.
///
/// In an open model, a party needs at least one of the scenario's users to start anything. So where the share has
/// fewer users than there are parties, only the first parties take part, one for each user.
#[must_use]
pub fn deal(executor: &Executor, share: &Share, weights: &[u32]) -> Vec<Share> {
    let mut weights = weights.to_vec();
    if let Executor::ArrivalRate { max_users, .. } = executor {
        let users = usize::try_from(share.count_below(u64::from(*max_users))).unwrap_or(usize::MAX);
        let mut left = users.max(1);
        for weight in weights.iter_mut().filter(|weight| **weight > 0) {
            if left == 0 {
                *weight = 0;
            } else {
                left -= 1;
            }
        }
    }
    share.deal(&weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Arrivals, Rate, RateStage};
    use crate::share::SHARDS;

    fn open(max_users: u32) -> Executor {
        let second = std::time::Duration::from_secs(1);
        let stages = vec![RateStage { duration: second, from: Rate::per_second(1), to: Rate::per_second(1) }];
        Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users, constant: true }
    }

    #[test]
    fn whoever_starts_arrivals_has_a_user_and_nothing_is_left_over() {
        for max_users in [1, 2, 3, 4, 7, 100] {
            let executor = open(max_users);
            let mut shards = 0;
            let mut users = 0;
            for agent in deal(&executor, &Share::full(), &[1, 2, 3]) {
                for worker in deal(&executor, &agent, &[1, 1]) {
                    let own = worker.count_below(u64::from(max_users));
                    assert_eq!(own == 0, worker.is_empty(), "{max_users} users");
                    shards += worker.len();
                    users += own;
                }
            }
            assert_eq!((shards, users), (SHARDS, u64::from(max_users)));
        }
    }
}
