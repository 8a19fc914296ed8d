use std::collections::BTreeSet;
use std::time::Duration;

use muster_proto::plan::{ContentHash, Feeder, OnEnd, Order, RowsId, Sharing};
use proptest::prelude::*;

use super::*;
use crate::run::synthetic::closed_plan;

const MS: u64 = 1_000_000;

fn pool(users: u32, iterations: u64) -> Pool {
    let mut plan = closed_plan(1);
    plan.scenarios[0].executor =
        Executor::SharedIterations { users, iterations, max_duration: Duration::from_secs(60) };
    Pool::all_of(&plan).remove(0)
}

fn asks(allotted: u64) -> Wanting {
    Wanting { allotted, more: true, ..Wanting::default() }
}

/// What a peer says that returned these numbers.
fn with(wanting: Wanting, returned: &[u64]) -> Wanting {
    Wanting { returned: returned.iter().map(|&first| Block { first, count: 1 }).collect(), ..wanting }
}

fn claim(users: u64, weights: u64) -> Claim {
    Claim { users, weight: 1, weights }
}

/// What agents did that need no more than this.
#[derive(Clone, Debug, Default)]
struct Peer {
    heard: u64,
    /// The numbers that it has not used, and those that it gave back.
    mine: Vec<u64>,
    returned: Vec<u64>,
    begun: u64,
    /// Whether it was lost, and will say nothing any more, or has closed its books.
    is_lost: bool,
    is_closed: bool,
    is_over: bool,
}

impl Peer {
    fn hear(&mut self, said: &Allotted) {
        let new = said.block.split(said.block.count - (said.allotted - self.heard)).1;
        self.mine.extend(new.first..new.end());
        self.heard = said.allotted;
    }

    fn first_mine(&self, count: u64) -> usize {
        self.mine.len().min(count as usize)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever agents ask for, miss, begin, give back and take with them: no number is used twice, and what was begun, may
    /// have been begun and is left is the plan's number.
    #[test]
    fn whatever_happens_the_plans_number_is_kept(
        iterations in prop_oneof![0..40_u64, 0..200_000_u64],
        users in 0..50_u64,
        acts in prop::collection::vec((0..7_u8, 0..4_usize, 0..2_000_u64), 0..200),
    ) {
        let mut pool = pool(users as u32, iterations);
        let (mut peers, mut now_ns, mut used) = ([(); 4].map(|()| Peer::default()), 0, BTreeSet::new());
        for (act, agent, number) in acts {
            let peer = &mut peers[agent];
            now_ns += number * MS;
            if peer.is_lost || peer.is_closed {
                continue;
            }
            let some = peer.first_mine(number);
            match act {
                0..3 => {
                    let asks = with(asks(peer.heard), &peer.returned);
                    prop_assert_eq!(pool.hear(agent, &asks, peer.begun), Ok(()));
                    let left = pool.left();
                    let answer = pool.answer(agent, claim(users, 4), now_ns);
                    prop_assert!(answer.is_some() || left == 0, "whoever asks gets something as long as there is something");
                    let given = pool.accounts[agent].allotted;
                    prop_assert!(answer.is_none_or(|answer| answer.allotted == given && !answer.last));
                    // The answer may get lost, and then it is asked for again.
                    if let Some(answer) = answer && number % 3 > 0 {
                        prop_assert!(given > peer.heard);
                        peer.hear(&answer);
                    }
                }
                3 => {
                    peer.begun += some as u64;
                    prop_assert!(peer.mine.drain(..some).all(|number| used.insert(number)), "a number is used twice");
                }
                4 => {
                    let before = peer.returned.len() as u64;
                    peer.returned.extend(peer.mine.drain(..some));
                    let said = with(Wanting { more: false, ..asks(peer.heard) }, &peer.returned);
                    let left = pool.left();
                    prop_assert_eq!(pool.hear(agent, &said, peer.begun), Ok(()));
                    prop_assert_eq!(pool.hear(agent, &said, peer.begun), Ok(()), "again");
                    prop_assert_eq!(pool.left(), left + peer.returned.len() as u64 - before);
                }
                5 if number % 4 == 0 => peer.is_lost = true,
                5 if number % 4 == 1 => {
                    pool.close(agent, peer.begun);
                    pool.close(agent, peer.begun);
                    peer.is_closed = true;
                }
                _ => pool.come_back(agent),
            }
            let begun: u64 = peers.iter().map(|peer| peer.begun).sum();
            let unbegun: u64 = peers.iter().enumerate().map(|(agent, peer)| pool.unbegun(agent, peer.begun)).sum();
            prop_assert_eq!(begun + unbegun + pool.left(), iterations);
        }
    }

    /// When nobody is lost everything is made, whoever is faster, and nobody is told of the end before there is one.
    #[test]
    fn everything_is_made_when_nobody_is_lost(
        iterations in 0..20_000_u64,
        paces in prop::collection::vec(1..400_u64, 1..5),
    ) {
        let mut pool = pool(40, iterations);
        let mut peers = vec![Peer::default(); paces.len()];
        let (mut now_ns, mut asked) = (0, 0);
        while peers.iter().any(|peer| !peer.is_over) {
            now_ns += 10 * MS;
            for (agent, pace) in paces.iter().enumerate() {
                let peer = &mut peers[agent];
                if 2 * (peer.heard - peer.begun) <= pool.accounts.get(agent).map_or(0, |account| account.size) {
                    prop_assert_eq!(pool.hear(agent, &asks(peer.heard), peer.begun), Ok(()));
                    if let Some(answer) = pool.answer(agent, claim(10, paces.len() as u64), now_ns) {
                        (peer.heard, asked) = (answer.allotted, asked + 1);
                    }
                }
                peer.begun += (peer.heard - peer.begun).min(*pace);
            }
            let unbegun: u64 = peers.iter().map(|peer| peer.heard - peer.begun).sum();
            if unbegun + pool.left() == 0 {
                peers.iter_mut().enumerate().for_each(|(agent, peer)| peer.is_over = pool.end(agent).is_some());
            }
        }
        prop_assert_eq!(peers.iter().map(|peer| peer.begun).sum::<u64>(), iterations);
        prop_assert!(asked <= 40 * paces.len() as u64 + now_ns / (100 * MS) * paces.len() as u64, "{} blocks", asked);
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let mut pool = pool(10, 100);
    assert!(pool.hear(0, &asks(1), 0).is_err(), "nothing was allotted yet");
    pool.hear(0, &asks(0), 0).unwrap();
    let first = pool.answer(0, claim(10, 1), 0).unwrap();
    assert_eq!(first.block, Block { first: 0, count: 10 }, "one for each of its users");
    let returns =
        |numbers: std::ops::Range<u64>| with(Wanting { more: false, ..asks(10) }, &numbers.collect::<Vec<_>>());
    assert!(pool.clone().hear(0, &returns(2..10), 3).is_err(), "it had begun three");
    assert!(pool.clone().hear(0, &returns(9..11), 3).is_err(), "one of them is nobody's");
    assert!(pool.clone().hear(0, &returns(100..101), 3).is_err(), "there is no such number");
    assert_eq!(pool.hear(0, &returns(3..10), 3), Ok(()));
    assert_eq!((pool.left(), pool.unbegun(0, 3)), (97, 0));
    assert_eq!(pool.unbegun(9, 0), 0, "a stranger has nothing");
}

#[test]
fn every_user_can_begin_one_at_first_if_there_are_enough() {
    let mut pool = pool(100, 100);
    let mut first = |agent: usize, users: u64| {
        pool.hear(agent, &asks(0), 0).unwrap();
        pool.answer(agent, claim(users, 2), 0).unwrap().allotted
    };
    assert_eq!([first(0, 50), first(1, 50)], [50, 50]);
}

#[test]
fn whoever_asks_soon_gets_more_and_whoever_takes_its_time_gets_less() {
    let mut pool = pool(1, 1_000_000);
    let mut heard = 0;
    let mut block = |now_ms: u64| {
        pool.hear(0, &asks(heard), 0).unwrap();
        let before = std::mem::replace(&mut heard, pool.answer(0, claim(1, 10), now_ms * MS).unwrap().allotted);
        heard - before
    };
    assert_eq!([block(0), block(100), block(200), block(600), block(2_000)], [782, 1_564, 3_128, 3_128, 1_564]);
}

#[test]
fn the_last_blocks_are_single_iterations_and_nobody_keeps_much_from_the_others() {
    let mut pool = pool(1_000, 1_000);
    let mut heard = [0; 2];
    let mut blocks = Vec::new();
    while pool.left() > 0 {
        let agent = blocks.len() % 2;
        pool.hear(agent, &asks(heard[agent]), 0).unwrap();
        let before = heard[agent];
        heard[agent] = pool.answer(agent, claim(100, 2), 0).unwrap().allotted;
        blocks.push(heard[agent] - before);
    }
    assert_eq!((blocks[0], blocks.last()), (100, Some(&1)));
    assert!(blocks.is_sorted_by(|a, b| a >= b) && blocks.len() < 60, "{blocks:?}");
    assert_eq!(pool.answer(0, claim(500, 2), 0), None);
    assert!(pool.end(0).is_some_and(|allotted| allotted.last && allotted.allotted == heard[0]));
    assert_eq!(pool.end(0), None, "once is enough");
    pool.come_back(0);
    assert!(pool.end(0).is_some());
}

/// A plan whose users go on without end, with so many rows.
fn rows(count: u64, on_end: OnEnd) -> Option<Pool> {
    let mut plan = closed_plan(1);
    let rows = RowsId { hash: ContentHash([0; 32]), bytes: 1, count };
    let (name, file) = ("row".to_owned(), String::new());
    plan.data = vec![Feeder { name, file, rows, order: Order::Random, share: Sharing::Unique, on_end }];
    plan.scenarios[0].feeders = vec![0];
    Pool::all_of(&plan).pop()
}

#[test]
fn users_who_go_on_without_end_share_the_numbers_of_rows() {
    assert_eq!(rows(100, OnEnd::Recycle), None, "what is drawn anew each time goes by no number");
    let mut pool = rows(1_000, OnEnd::Stop).unwrap();
    assert_eq!((pool.left(), pool.are_iterations()), (1_000, false));
    pool.hear(0, &asks(0), 0).unwrap();
    let first = pool.answer(0, claim(3, 1), 0).unwrap().block;
    assert_eq!(first, Block { first: 0, count: 8 }, "a part of the rows");
    pool.close(0, 3);
    assert_eq!(pool.left(), 992, "which of the others were used nobody knows, and none is used twice");
}
