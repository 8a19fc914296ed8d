use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::quota::{Allowance, Quota};
use super::*;

fn supply(workers: usize) -> Supply {
    Supply::new(workers, true, &Arc::new(Notify::new()))
}

fn word(allotted: u64, returned: &[Block], more: bool) -> Option<Wanting> {
    Some(Wanting { scenario: 0, allotted, returned: returned.to_vec(), more })
}

/// Allots the numbers up to this one.
fn allot(supply: &Supply, allotted: u64, last: bool) {
    supply.allot(allotted, Block { first: 0, count: allotted }, last).unwrap();
}

fn count(blocks: &[Block]) -> u64 {
    blocks.iter().map(|block| block.count).sum()
}

proptest! {
    /// Whatever is heard, taken and given back in whatever order: what was begun, given back and is left is what was
    /// allotted.
    #[test]
    fn nothing_is_begun_twice_and_nothing_is_lost(
        acts in prop::collection::vec((0..7_u8, 0..3_usize, 0..400_u64), 1..200),
    ) {
        let supply = Arc::new(supply(3));
        let quota = Quota::Shared(Arc::clone(&supply));
        let workers = [(); 3].map(|()| Allowance::of(&quota));
        let (mut begun, mut allotted, mut returned) = (BTreeSet::new(), 0, vec![]);
        for (act, worker, iterations) in acts {
            let worker = &workers[worker];
            match act {
                0..3 => {
                    worker.engage(true);
                    let one = || worker.another(&quota).next_number().inspect(|_| worker.take());
                    let numbers: Vec<u64> = (0..iterations).map_while(|_| one()).collect();
                    prop_assert!(numbers.into_iter().all(|number| begun.insert(number)), "a number is used twice");
                    let is_noticed = supply.asking.load(Ordering::Relaxed) != NOTHING;
                    prop_assert!(is_noticed || supply.bag.left() > 0, "it would wait for ever");
                }
                3 => worker.engage(false),
                4 => worker.engage(true),
                5 => {
                    allotted += iterations;
                    allot(&supply, allotted, false);
                    // The same, heard again, is nothing new.
                    allot(&supply, allotted - iterations / 2, false);
                }
                _ => {
                    let word = supply.word(0, true);
                    prop_assert!(word.iter().all(|word| word.allotted == allotted && word.returned.starts_with(&returned)));
                    returned = word.map_or(returned, |word| word.returned);
                }
            }
            prop_assert!(begun.len() as u64 + count(&returned) <= allotted);
        }
        workers.iter().for_each(|worker| worker.engage(false));
        let returned = supply.word(0, true).map_or(returned, |word| word.returned);
        let given_back: Vec<u64> = returned.into_iter().flat_map(|block| block.first..block.end()).collect();
        prop_assert!(given_back.into_iter().all(|number| begun.insert(number)), "a number is given back that was used");
        prop_assert!(begun.into_iter().eq(0..allotted));
    }
}

#[test]
fn what_is_left_out_is_refused_and_what_has_no_room_is_given_back() {
    let supply = supply(1);
    assert_eq!(supply.allot(9, Block { first: 0, count: 8 }, false), None, "one is missing");
    let apart = |place: u64| Block { first: 10 * place, count: 1 };
    let room = supply.bag.room() as u64;
    (0..=room).for_each(|place| supply.allot(place + 1, apart(place), false).unwrap());
    assert_eq!(supply.word(0, false), word(room + 1, &[apart(room)], false));
}

#[test]
fn more_is_wanted_once_when_half_of_a_block_is_left() {
    let supply = supply(1);
    assert_eq!(supply.word(0, true), word(0, &[], true), "there are users from the start");
    assert_eq!(supply.word(0, true), None, "once is enough");
    allot(&supply, 100, false);
    while supply.bag.left() > 51 {
        assert!(supply.take_block().count > 0);
        assert_eq!(supply.word(0, true), None);
    }
    while supply.take_block().count > 0 {}
    assert_eq!(supply.word(0, true), word(100, &[], true));
    assert!(!supply.is_spent(), "more may come");
    allot(&supply, 100, true);
    assert!(supply.is_spent());
    assert_eq!(supply.word(0, true), None);
}

#[test]
fn what_was_not_answered_is_said_again_on_another_stream() {
    let supply = supply(1);
    assert_eq!(supply.word(0, true), word(0, &[], true));
    supply.say_again();
    assert_eq!(supply.word(0, true), word(0, &[], true));
    allot(&supply, 10, false);
    supply.say_again();
    assert_eq!(supply.word(0, true), word(10, &[], false), "how it stands, without asking");
    assert_eq!(supply.word(0, true), None);
}

#[test]
fn what_nobody_is_left_to_begin_is_given_back() {
    let supply = supply(2);
    assert_eq!(supply.word(0, true), word(0, &[], true));
    allot(&supply, 10, false);
    supply.disengage(Block::default());
    assert_eq!(supply.word(0, true), None, "the other worker may begin it");
    let block = supply.take_block();
    supply.disengage(block);
    let all = [Block { first: 0, count: 10 }];
    assert_eq!(supply.word(0, true), word(10, &all, false));
    assert_eq!(supply.take_block().count, 0);
    assert_eq!(supply.word(0, true), None, "nobody asks for nobody");
    supply.engage();
    assert_eq!(supply.word(0, true), word(10, &all, true), "there are users again");
}

#[tokio::test]
async fn users_who_wait_are_woken_and_a_change_is_noticed_from_when_it_was_waited_for() {
    let supply = supply(1);
    let changed = supply.changed();
    assert!(supply.is_dry());
    allot(&supply, 5, false);
    changed.await;
    assert!(!supply.is_dry() && !supply.is_over());
}

#[tokio::test]
async fn only_so_many_scenarios_ask_at_a_time() {
    let wanted = Arc::new(Notify::new());
    let scenarios = ASKING_MAX + 1;
    let by_scenario = (0..scenarios).map(|_| Some(Arc::new(Supply::new(1, true, &wanted)))).collect();
    let supplies = Supplies { by_scenario, wanted };
    for scenario in 0..ASKING_MAX {
        assert_eq!(supplies.wanting().await.scenario, scenario);
    }
    tokio::select! {
        biased;
        word = supplies.wanting() => panic!("{word:?}"),
        () = std::future::ready(()) => {},
    }
    let block = Block { first: 0, count: 10 };
    supplies.allot(&Allotted { scenario: 7, allotted: 10, block, last: false }).unwrap();
    assert_eq!(supplies.wanting().await.scenario, ASKING_MAX);
}
