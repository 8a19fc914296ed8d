//! Splitting a scenario: over agents, and then, the same way, over each agent's workers.

use crate::plan::Executor;
use crate::share::Share;

/// Deals a share of a scenario to parties with these weights.
///
/// In an open model, a party needs at least one of the scenario's users to start anything. Whoever would get none takes no
/// part, where the share has users at all.
#[must_use]
pub fn deal(executor: &Executor, share: &Share, weights: &[u32]) -> Vec<Share> {
    let Executor::ArrivalRate { max_users, .. } = executor else { return share.deal(weights) };
    let has_user = |share: &Share| share.count_below(u64::from(*max_users)) > 0;
    let mut weights = weights.to_vec();
    loop {
        let shares = share.deal(&weights);
        let idle = |share: &Share| !share.is_empty() && !has_user(share);
        if !has_user(share) || !shares.iter().any(idle) {
            return shares;
        }
        for (weight, _) in weights.iter_mut().zip(&shares).filter(|(_, share)| idle(share)) {
            *weight = 0;
        }
    }
}

/// What each party has to give away so that all hold what their weights entitle them to, and nothing moves without need.
/// A party of weight zero gives everything away.
///
/// Parties that hold too little get what the others give, dealt by [`missing`]. Together the shares must be disjoint.
#[must_use]
pub fn surplus(executor: &Executor, held: &[Share], weights: &[u32]) -> Vec<Share> {
    let entitled = entitled(held.iter().map(Share::len).sum(), weights);
    let surplus = held.iter().zip(entitled).map(|(share, entitled)| {
        let over = share.len().saturating_sub(entitled);
        if over == 0 {
            return Share::empty();
        }
        deal(executor, share, &[entitled as u32, over as u32]).pop().unwrap_or_else(Share::empty)
    });
    surplus.collect()
}

/// How many shards each party lacks of what its weight entitles it to, of so many in all.
#[must_use]
pub fn missing(held: &[Share], all: usize, weights: &[u32]) -> Vec<u32> {
    let lacks = |(share, entitled): (&Share, usize)| entitled.saturating_sub(share.len()) as u32;
    held.iter().zip(entitled(all, weights)).map(lacks).collect()
}

/// How many of so many shards weights entitle to, in whole numbers that add up to all of them.
fn entitled(all: usize, weights: &[u32]) -> Vec<usize> {
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut before = 0_u64;
    let of = |weight: &u32| {
        let from = before * all as u64 / sum.max(1);
        before += u64::from(*weight);
        (before * all as u64 / sum.max(1) - from) as usize
    };
    weights.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::{Arrivals, Rate, RateStage, Shape, UserStage};
    use crate::share::SHARDS;
    fn open(max_users: u32) -> Executor {
        let second = std::time::Duration::from_secs(1);
        let stages = vec![RateStage { duration: second, from: Rate::per_second(1), to: Rate::per_second(1) }];
        Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users, shape: Shape::Constant }
    }

    #[test]
    fn whoever_starts_arrivals_has_a_user_and_nothing_is_left_over() {
        for (max_users, weights) in
            [1, 2, 3, 4, 7, 100].into_iter().flat_map(|n| [(n, [1, 2, 3]), (n, [1, 900, 1_000])])
        {
            let executor = open(max_users);
            let mut shards = 0;
            let mut users = 0;
            for agent in deal(&executor, &Share::full(), &weights) {
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

    fn closed() -> Executor {
        let stages = vec![UserStage { duration: std::time::Duration::from_secs(1), from: 9, to: 9 }];
        Executor::Users { stages, shape: Shape::Constant }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn parties_that_come_and_go_hold_what_they_are_entitled_to(
            before in prop::collection::vec(0..5_u32, 1..6),
            after in prop::collection::vec(0..5_u32, 6),
            max_users in prop_oneof![Just(None), (1..9_u32).prop_map(Some)],
        ) {
            prop_assume!(before.iter().any(|w| *w > 0) && after.iter().any(|w| *w > 0));
            let executor = max_users.map_or_else(closed, open);
            let mut held = deal(&executor, &Share::full(), &before);
            held.resize(after.len(), Share::empty());
            let given = surplus(&executor, &held, &after);
            let mut pool = Share::empty();
            for (share, given) in held.iter_mut().zip(&given) {
                prop_assert!(given.without(share).is_empty());
                *share = share.without(given);
                pool.union(given);
            }
            let taken = deal(&executor, &pool, &missing(&held, SHARDS, &after));
            held.iter_mut().zip(&taken).for_each(|(share, taken)| share.union(taken));
            prop_assert_eq!(held.iter().map(Share::len).sum::<usize>(), SHARDS);
            if max_users.is_none() {
                prop_assert_eq!(held.iter().map(Share::len).collect::<Vec<_>>(), entitled(SHARDS, &after));
                prop_assert!(given.iter().zip(&taken).all(|(given, taken)| given.is_empty() || taken.is_empty()));
            }
            let has_user = |share: &Share| max_users.is_none_or(|users| share.count_below(users.into()) > 0);
            prop_assert!(held.iter().all(|share| share.is_empty() || has_user(share)));
        }
    }

    #[test]
    fn entitlements_add_up() {
        assert_eq!(entitled(10, &[1, 1, 1]), [3, 3, 4]);
        assert_eq!(entitled(10, &[0, 2, 0]), [0, 10, 0]);
        assert_eq!(entitled(10, &[0, 0]), [0, 0]);
        assert_eq!(entitled(SHARDS, &[u32::MAX; 3]).iter().sum::<usize>(), SHARDS);
    }
}
