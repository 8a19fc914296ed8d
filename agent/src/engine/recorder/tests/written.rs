//! Whenever the process ends, what was handed over and what is written down together are what was counted.

use muster_proto::measurement::{Totals, WINDOW_NS};
use proptest::prelude::*;

use super::super::super::record::Recorded;
use super::super::super::record::tests::any_event;
use super::super::super::ring;
use super::*;

#[derive(Clone, Debug)]
enum Act {
    Note(Event),
    Skip(u64),
    VeryLate(u64),
    /// Time goes by, perhaps with nobody to take what is handed over.
    Wait(u64),
    Take,
    Lease(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let ago_ns = || 0..3 * INTERVAL_NS;
    prop_oneof![
        8 => any_event(1, 1, 1).prop_filter("time alone makes arrivals due", |event| {
            !matches!(event, Event::Due { .. } | Event::Done { .. })
        }).prop_map(Act::Note),
        2 => ago_ns().prop_map(Act::Skip),
        1 => ago_ns().prop_map(Act::VeryLate),
        4 => (0..3 * WINDOW_NS).prop_map(Act::Wait),
        1 => (0..40 * WINDOW_NS).prop_map(Act::Wait),
        2 => Just(Act::Take),
        1 => (0..5 * INTERVAL_NS).prop_map(Act::Lease),
    ]
}

proptest! {
    #[test]
    fn what_is_written_since_the_last_part_is_what_is_open(acts in prop::collection::vec(act(), 0..150)) {
        let file = RingFile::with_records(tempfile::tempfile().unwrap(), 4_096).unwrap();
        let lease = Lease::until(START_NS + INTERVAL_NS);
        let (mut recorder, mut receiver) = counted(100, 100);
        recorder.lease = lease.clone();
        recorder.ring = Some(Ring::map(&file).unwrap());
        let (mut now_ns, mut mark) = (START_NS, Mark::default());
        for act in acts {
            match act {
                Act::Note(event) => recorder.note(event, now_ns),
                Act::Skip(ago_ns) => recorder.skip(0, now_ns.saturating_sub(ago_ns).max(START_NS), SkipReason::Users),
                Act::VeryLate(ago_ns) => recorder.very_late(0, now_ns.saturating_sub(ago_ns).max(START_NS)),
                Act::Wait(ns) => now_ns += ns,
                Act::Take => {
                    let parts = taken(&mut receiver);
                    mark = parts.iter().filter_map(|part| part.mark).next_back().unwrap_or(mark);
                    // What is handed over and was not taken is in neither: the next look comes before any other part.
                    let (mut found, mut totals) = (Measurement::new(recorder.open.shape()), mark.totals);
                    for recorded in ring::read(&file.bytes(), mark.position) {
                        let Recorded::Event(window, event) = recorded else { panic!("there was room") };
                        prop_assert!(window <= recorder.window);
                        event.count(&mut found, &mut totals).unwrap();
                    }
                    let mut open = recorder.open.clone();
                    recorder.late.values().for_each(|late| open.merge(late));
                    prop_assert_eq!(&found, &*open);
                    prop_assert_eq!(Totals { last_seq: 0, ..totals }, recorder.gauges.totals);
                }
                Act::Lease(ns) => lease.extend(now_ns + ns),
            }
            recorder.roll(now_ns);
        }
    }
}
