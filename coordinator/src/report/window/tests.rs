//! What is told of a stretch is what was measured in it, and nothing else.

use muster_proto::histogram::Histogram;
use muster_proto::outcome::{ErrorKind, Outcome};
use proptest::prelude::*;

use super::*;
use crate::run::record::{Annotation, Ending};
use crate::run::synthetic::{Made, healthy, open_plan};
use crate::verdict::percentile_ns;

/// A request that took so many nanoseconds, or failed after them.
type Done = (u64, bool);

/// A run of so many seconds, in each of which these requests ended.
fn run(seconds: &[Vec<Done>]) -> RunRecord {
    let made = Made::new(open_plan(seconds.len() as u64), 1).seconds(seconds.len() as u32, |_, window, delta| {
        let (second, part) = ((window / 5) as usize, (window % 5) as usize);
        for (response_ns, failed) in seconds[second].iter().skip(part).step_by(5) {
            let stats = &mut delta.measurement.series[part % 2];
            stats.sent += 1;
            stats.count_outcome(if *failed { Outcome::Failed(ErrorKind::Http5xx) } else { Outcome::Expected });
            let times = if *failed { &mut stats.response_failed } else { &mut stats.response_expected };
            times.record(*response_ns);
        }
    });
    made.end(Ending::Completed)
}

fn of(record: &RunRecord, from: u64, until: u64) -> Result<Window, WindowError> {
    Window::of(record, Duration::from_secs(from), Some(Duration::from_secs(until)))
}

proptest! {
    #[test]
    fn a_window_is_the_histogram_of_just_its_samples(
        seconds in prop::collection::vec(prop::collection::vec((1_000_u64..9_000_000_000, any::<bool>()), 0..12), 1..12),
        ends in (0_u64..12, 1_u64..13),
    ) {
        let (from, until) = (ends.0, ends.0 + ends.1);
        let length = seconds.len() as u64;
        let told = of(&run(&seconds), from, until);
        prop_assume!(from < length);
        let window = told.unwrap();
        let inside: Vec<Done> = seconds[from as usize..until.min(length) as usize].concat();
        let mut histogram = Histogram::default();
        inside.iter().for_each(|(ns, _)| histogram.record(*ns));
        let all = window.requests.last().unwrap();
        prop_assert_eq!((all.count, all.failed), (inside.len() as u64, inside.iter().filter(|(_, failed)| *failed).count() as u64));
        for (name, percent) in PERCENTILES {
            prop_assert_eq!(all.percentiles_ms.get(name).copied(), percentile_ns(&histogram, percent).map(ms), "p{}", name);
        }
        prop_assert_eq!(all.max_ms, histogram.max_ns().map(ms));
        prop_assert_eq!(all.rate_per_s, per_second(all.count, (until.min(length) - from) * INTERVAL_NS));
        prop_assert_eq!(window.requests.iter().map(|request| request.count).sum::<u64>(), 2 * all.count);
    }
}

#[test]
fn whole_seconds_are_told_and_which_they_are() {
    let mut record = run(&vec![vec![(5_000_000, false)]; 10]);
    record.annotations =
        [2_999, 3_000, 6_999].map(|ms| Annotation { at_ns: ms * 1_000_000, text: ms.to_string() }).to_vec();
    let window = Window::of(&record, Duration::from_millis(3_400), Some(Duration::from_millis(6_100))).unwrap();
    let Stretch { asked_from_s, asked_until_s, from_s, until_s, resolution_s, .. } = window.stretch;
    assert_eq!((asked_from_s, asked_until_s, from_s, until_s, resolution_s), (3.4, 6.1, 3.0, 7.0, 1));
    assert_eq!(window.requests.last().unwrap().count, 4);
    assert_eq!(window.annotations.iter().map(|note| note.at_s).collect::<Vec<_>>(), [3.0, 6.999]);
    let rest = Window::of(&record, Duration::from_secs(8), None).unwrap();
    assert_eq!((rest.stretch.until_s, rest.requests.last().unwrap().count), (10.0, 2));
    assert_eq!(of(&record, 10, 12), Err(WindowError::Behind(10.0)));
    assert_eq!(of(&record, 5, 5), Err(WindowError::Empty));
}

#[test]
fn where_the_timeline_is_coarser_the_window_says_how_far_it_reaches() {
    let seconds = 3_601;
    let record = Made::new(open_plan(seconds.into()), 1)
        .seconds(seconds, |_, window, delta| {
            if window % 5 == 0 {
                healthy(delta);
            }
        })
        .end(Ending::Completed);
    let window = of(&record, 61, 63).unwrap();
    assert_eq!((window.stretch.resolution_s, window.stretch.from_s, window.stretch.until_s), (2, 60.0, 64.0));
    assert_eq!(window.requests.last().unwrap().count, 4 * 40);
    assert_eq!(window.iterations.started, 4 * 20);
    let last = of(&record, 3_600, 3_700).unwrap();
    assert_eq!((last.stretch.from_s, last.stretch.until_s, last.stretch.asked_until_s), (3_600.0, 3_601.0, 3_700.0));
}
