use proptest::prelude::*;

use super::super::quota::{Allowance, Quota};
use super::*;

fn supply(workers: usize) -> Supply {
    Supply::new(workers, true, &Arc::new(Notify::new()))
}

fn word(allotted: u64, returned: u64, more: bool) -> Option<Wanting> {
    Some(Wanting { scenario: 0, allotted, returned, more })
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
        let (mut begun, mut allotted, mut returned) = (0, 0, 0);
        for (act, worker, iterations) in acts {
            let worker = &workers[worker];
            match act {
                0..3 => {
                    worker.engage(true);
                    begun += (0..iterations).filter(|_| worker.next(&quota).take()).count() as u64;
                    let is_noticed = supply.asking.load(Ordering::Relaxed) != NOTHING;
                    prop_assert!(is_noticed || supply.left.load(Ordering::Relaxed) > 0, "it would wait for ever");
                }
                3 => worker.engage(false),
                4 => worker.engage(true),
                5 => {
                    allotted += iterations;
                    supply.allot(allotted, false);
                    // The same, heard again, is nothing new.
                    supply.allot(allotted - iterations / 2, false);
                }
                _ => {
                    let word = supply.word(0, true);
                    prop_assert!(word.is_none_or(|word| word.allotted == allotted && word.returned >= returned));
                    returned = word.map_or(returned, |word| word.returned);
                }
            }
            prop_assert!(begun + returned <= allotted);
        }
        workers.iter().for_each(|worker| worker.engage(false));
        let returned = supply.word(0, true).map_or(returned, |word| word.returned);
        prop_assert_eq!(begun + returned, allotted);
    }

    #[test]
    fn blocks_are_small_and_end_with_single_iterations(iterations in 1..1_000_000_000_u64) {
        let supply = supply(1);
        supply.allot(iterations, true);
        let blocks: Vec<u64> = std::iter::from_fn(|| Some(supply.take_block()).filter(|block| *block > 0)).collect();
        prop_assert_eq!(blocks.iter().sum::<u64>(), iterations);
        prop_assert!(blocks.is_sorted_by(|a, b| a >= b));
        prop_assert!(blocks[0] <= iterations.div_ceil(64) && blocks.len() < 2_000);
        prop_assert_eq!(blocks.last(), Some(&1));
    }
}

#[test]
fn threads_take_every_iteration_once() {
    let supply = Arc::new(supply(4));
    supply.allot(100_000, true);
    let taker = |_| {
        let supply = Arc::clone(&supply);
        std::thread::spawn(move || std::iter::repeat_with(|| supply.take_block()).take_while(|n| *n > 0).sum::<u64>())
    };
    let takers: Vec<_> = (0..4).map(taker).collect();
    assert_eq!(takers.into_iter().map(|taker| taker.join().unwrap()).sum::<u64>(), 100_000);
}

#[test]
fn more_is_wanted_once_when_half_of_a_block_is_left() {
    let supply = supply(1);
    assert_eq!(supply.word(0, true), word(0, 0, true), "there are users from the start");
    assert_eq!(supply.word(0, true), None, "once is enough");
    supply.allot(100, false);
    while supply.left.load(Ordering::Relaxed) > 51 {
        assert!(supply.take_block() > 0);
        assert_eq!(supply.word(0, true), None);
    }
    while supply.take_block() > 0 {}
    assert_eq!(supply.word(0, true), word(100, 0, true));
    assert!(!supply.is_spent(), "more may come");
    supply.allot(100, true);
    assert!(supply.is_spent());
    assert_eq!(supply.word(0, true), None);
}

#[test]
fn what_was_not_answered_is_said_again_on_another_stream() {
    let supply = supply(1);
    assert_eq!(supply.word(0, true), word(0, 0, true));
    supply.say_again();
    assert_eq!(supply.word(0, true), word(0, 0, true));
    supply.allot(10, false);
    supply.say_again();
    assert_eq!(supply.word(0, true), word(10, 0, false), "how it stands, without asking");
    assert_eq!(supply.word(0, true), None);
}

#[test]
fn what_nobody_is_left_to_begin_is_given_back() {
    let supply = supply(2);
    assert_eq!(supply.word(0, true), word(0, 0, true));
    supply.allot(10, false);
    supply.disengage(0);
    assert_eq!(supply.word(0, true), None, "the other worker may begin it");
    let block = supply.take_block();
    supply.disengage(block);
    assert_eq!(supply.word(0, true), word(10, 10, false));
    assert_eq!(supply.take_block(), 0);
    assert_eq!(supply.word(0, true), None, "nobody asks for nobody");
    supply.engage();
    assert_eq!(supply.word(0, true), word(10, 10, true), "there are users again");
}

#[tokio::test]
async fn users_who_wait_are_woken_and_a_change_is_noticed_from_when_it_was_waited_for() {
    let supply = supply(1);
    let changed = supply.changed();
    assert!(supply.is_dry());
    supply.allot(5, false);
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
    supplies.allot(&Allotted { scenario: 7, iterations: 10, last: false }).unwrap();
    assert_eq!(supplies.wanting().await.scenario, ASKING_MAX);
}
