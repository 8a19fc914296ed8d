//! Events as records of one size, each of which shows by itself whether it is whole.

use muster_proto::measurement::{Note, SkipReason};
use muster_proto::outcome::{ErrorKind, Outcome};

use super::event::{Answer, Event, Wait};

/// The bytes of a record: one line of a processor's cache.
pub const RECORD_BYTES: usize = 64;

/// The words of a record. The first holds its seal and its window, the second what it is, the others its numbers.
type Words = [u64; RECORD_BYTES / 8];

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Something that happened in this window, counted from the run's start.
    Event(u32, Event),
    /// From here on something may be missing, because there was no room for it.
    Gap,
}

/// The numbers of the kinds of records. None is 0, so that what was never written is no record.
mod kind {
    pub(super) const DUE: u8 = 1;
    pub(super) const SKIPPED: u8 = 2;
    pub(super) const VERY_LATE: u8 = 3;
    pub(super) const BEGAN: u8 = 4;
    pub(super) const THOUGHT: u8 = 5;
    pub(super) const ENDED: u8 = 6;
    pub(super) const CUT_OFF: u8 = 7;
    pub(super) const SENT: u8 = 8;
    pub(super) const OPENED: u8 = 9;
    pub(super) const DONE: u8 = 10;
    pub(super) const GAP: u8 = 11;
    pub(super) const NOTED: u8 = 12;
}

/// The bits of a [`kind::DONE`] record that tell of its response, and of its repetitions.
const HAS_ANSWER: u8 = 1 << 5;
const RECONNECTS_SHIFT: u8 = 6;

impl Recorded {
    /// The record's bytes, for this position in the order of all records.
    #[inline]
    #[must_use]
    pub fn to_bytes(self, position: u64) -> [u8; RECORD_BYTES] {
        let (window, [what, numbers @ ..]) = match self {
            Self::Event(window, event) => (window, event_words(event)),
            Self::Gap => (0, words(kind::GAP, 0, 0, 0, [0; 6])),
        };
        let mut all: Words = [u64::from(window), what, 0, 0, 0, 0, 0, 0];
        all[2..].copy_from_slice(&numbers);
        all[0] |= seal(position, &all) << 32;
        let mut bytes = [0; RECORD_BYTES];
        for (to, word) in bytes.chunks_exact_mut(8).zip(all) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The record at this position, if there is one: neither one that was being written, nor one of another position.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; RECORD_BYTES], position: u64) -> Option<Self> {
        let mut all: Words = [0; RECORD_BYTES / 8];
        for (word, from) in all.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(from.try_into().ok()?);
        }
        let found = all[0] >> 32;
        all[0] &= u64::from(u32::MAX);
        if found != seal(position, &all) {
            return None;
        }
        let window = all[0] as u32;
        let [_, what, numbers @ ..] = all;
        match (what >> 8) as u8 {
            kind::GAP => Some(Self::Gap),
            kind => event_of(kind, what, numbers).map(|event| Self::Event(window, event)),
        }
    }
}

/// Proves 32 bits' worth that a record is whole and of this position.
#[inline]
fn seal(position: u64, words: &Words) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let sum = words.iter().fold(position.wrapping_add(1).wrapping_mul(MIX), |sum, word| sum.rotate_left(9) ^ word);
    (sum ^ (sum >> 32)).wrapping_mul(MIX) >> 32
}

#[inline]
fn words(kind: u8, detail: u8, number: u16, small: u32, numbers: [u64; 6]) -> [u64; 7] {
    let what = u64::from(detail) | u64::from(kind) << 8 | u64::from(number) << 16 | u64::from(small) << 32;
    let [a, b, c, d, e, f] = numbers;
    [what, a, b, c, d, e, f]
}

#[inline]
fn event_words(event: Event) -> [u64; 7] {
    match event {
        Event::Due { scenario, count } => words(kind::DUE, 0, scenario, 0, [count, 0, 0, 0, 0, 0]),
        Event::Skipped { scenario, reason } => words(kind::SKIPPED, reason as u8, scenario, 0, [0; 6]),
        Event::VeryLate { scenario } => words(kind::VERY_LATE, 0, scenario, 0, [0; 6]),
        Event::Began { scenario, lag_ns } => {
            words(kind::BEGAN, lag_ns.is_some().into(), scenario, 0, [lag_ns.unwrap_or(0), 0, 0, 0, 0, 0])
        }
        Event::Thought { scenario, late_ns } => words(kind::THOUGHT, 0, scenario, 0, [late_ns, 0, 0, 0, 0, 0]),
        Event::Ended { scenario, all_expected, duration_ns } => {
            words(kind::ENDED, all_expected.into(), scenario, 0, [duration_ns, 0, 0, 0, 0, 0])
        }
        Event::CutOff { scenario, unleased } => words(kind::CUT_OFF, unleased.into(), scenario, 0, [0; 6]),
        Event::Noted { tally, note } => {
            let (what, [a, b]) = match note {
                Note::Hit(hit) => (0, [u64::from(hit), 0]),
                Note::Sum(more) => (1, [more, 0]),
                Note::Value(value) => (2, [value, 0]),
                Note::Gauge { at_ns, value } => (3, [at_ns, value as u64]),
            };
            words(kind::NOTED, what, tally, 0, [a, b, 0, 0, 0, 0])
        }
        Event::Sent { series, wait } => {
            let Wait { queued_ns, lag_ns } = wait.unwrap_or(Wait { queued_ns: 0, lag_ns: 0 });
            words(kind::SENT, wait.is_some().into(), series, 0, [queued_ns, lag_ns, 0, 0, 0, 0])
        }
        Event::Opened { series, blocked_ns, dns_ns, connecting_ns, tls_ns } => {
            let numbers = [blocked_ns, dns_ns, connecting_ns, tls_ns.unwrap_or(0), 0, 0];
            words(kind::OPENED, tls_ns.is_some().into(), series, 0, numbers)
        }
        Event::Done { series, outcome, reconnects, bytes_sent, bytes_received, response_ns, service_ns, answer } => {
            let ended = match outcome {
                Outcome::Expected => 0,
                Outcome::Failed(kind) => kind as u8 + 1,
            };
            let detail = ended | (u8::from(answer.is_some()) * HAS_ANSWER) | (reconnects << RECONNECTS_SHIFT);
            let Answer { sending_ns, waiting_ns, receiving_ns } =
                answer.unwrap_or(Answer { sending_ns: 0, waiting_ns: 0, receiving_ns: 0 });
            let numbers = [bytes_received, response_ns, service_ns, sending_ns, waiting_ns, receiving_ns];
            words(kind::DONE, detail, series, bytes_sent, numbers)
        }
    }
}

fn event_of(kind: u8, what: u64, [a, b, c, d, e, f]: [u64; 6]) -> Option<Event> {
    let (detail, number, small) = (what as u8, (what >> 16) as u16, (what >> 32) as u32);
    let yes = detail != 0;
    Some(match kind {
        kind::DUE => Event::Due { scenario: number, count: a },
        kind::SKIPPED => Event::Skipped { scenario: number, reason: *SkipReason::ALL.get(usize::from(detail))? },
        kind::VERY_LATE => Event::VeryLate { scenario: number },
        kind::BEGAN => Event::Began { scenario: number, lag_ns: yes.then_some(a) },
        kind::THOUGHT => Event::Thought { scenario: number, late_ns: a },
        kind::ENDED => Event::Ended { scenario: number, all_expected: yes, duration_ns: a },
        kind::CUT_OFF => Event::CutOff { scenario: number, unleased: yes },
        kind::NOTED => Event::Noted {
            tally: number,
            note: match detail {
                0 => Note::Hit(a != 0),
                1 => Note::Sum(a),
                2 => Note::Value(a),
                3 => Note::Gauge { at_ns: a, value: b as i64 },
                _ => return None,
            },
        },
        kind::SENT => Event::Sent { series: number, wait: yes.then_some(Wait { queued_ns: a, lag_ns: b }) },
        kind::OPENED => {
            let tls_ns = yes.then_some(d);
            Event::Opened { series: number, blocked_ns: a, dns_ns: b, connecting_ns: c, tls_ns }
        }
        kind::DONE => Event::Done {
            series: number,
            outcome: match detail & (HAS_ANSWER - 1) {
                0 => Outcome::Expected,
                failed => Outcome::Failed(ErrorKind::from_index(usize::from(failed - 1))?),
            },
            reconnects: detail >> RECONNECTS_SHIFT,
            bytes_sent: small,
            bytes_received: a,
            response_ns: b,
            service_ns: c,
            answer: (detail & HAS_ANSWER != 0).then_some(Answer { sending_ns: d, waiting_ns: e, receiving_ns: f }),
        },
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Anything that may happen in a plan with so many scenarios, series and tallies.
    pub(crate) fn any_event(scenarios: u16, series: u16, tallies: u16) -> impl Strategy<Value = Event> {
        let ns = || 0..100_000_000_000_u64;
        let of_scenario = (0..scenarios, ns(), any::<bool>(), 0..6_u8, 0..SkipReason::ALL.len());
        let of_scenario = of_scenario.prop_map(|(scenario, ns, yes, kind, reason)| match kind {
            0 => Event::Due { scenario, count: ns % 1_000 },
            1 => Event::Skipped { scenario, reason: SkipReason::ALL[reason] },
            2 => Event::Began { scenario, lag_ns: yes.then_some(ns) },
            3 => Event::Thought { scenario, late_ns: ns },
            4 => Event::Ended { scenario, all_expected: yes, duration_ns: ns },
            _ if yes => Event::VeryLate { scenario },
            _ => Event::CutOff { scenario, unleased: ns % 2 == 0 },
        });
        let times = [(); 6].map(|()| ns());
        let of_series = (0..series, times, any::<(bool, u32)>(), 0..3_u8, 0..=ErrorKind::ALL.len(), 0..4_u8);
        let of_series = of_series.prop_map(
            |(series, [a, b, c, d, e, f], (yes, bytes_sent), kind, outcome, reconnects)| match kind {
                0 => Event::Sent { series, wait: yes.then_some(Wait { queued_ns: a, lag_ns: b }) },
                1 => {
                    let tls_ns = yes.then_some(d);
                    Event::Opened { series, blocked_ns: a, dns_ns: b, connecting_ns: c, tls_ns }
                }
                _ => Event::Done {
                    series,
                    outcome: ErrorKind::from_index(outcome).map_or(Outcome::Expected, Outcome::Failed),
                    reconnects,
                    bytes_sent,
                    bytes_received: a,
                    response_ns: b,
                    service_ns: c,
                    answer: yes.then_some(Answer { sending_ns: d, waiting_ns: e, receiving_ns: f }),
                },
            },
        );
        let of_tally = (0..tallies, 0..4_u8, ns(), any::<i64>()).prop_map(|(tally, kind, ns, value)| {
            let notes = [Note::Hit(value > 0), Note::Sum(ns), Note::Value(ns), Note::Gauge { at_ns: ns, value }];
            Event::Noted { tally, note: notes[usize::from(kind)] }
        });
        prop_oneof![of_scenario, of_series, of_tally]
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(event in any_event(1_000, 10_000, 10_000), position: u32, window: u32) {
            let (recorded, position) = (Recorded::Event(window, event), u64::from(position));
            let bytes = recorded.to_bytes(position);
            prop_assert_eq!(Recorded::from_bytes(&bytes, position), Some(recorded));
            prop_assert_eq!(Recorded::from_bytes(&bytes, position + 1), None);
        }

        /// A process may be killed after any of the stores that make a record, in whatever order they were made.
        #[test]
        fn a_record_that_was_being_written_is_none(
            (before, event) in (any_event(9, 9, 9), any_event(9, 9, 9)),
            lap in 1..1_000_u64,
            stored in prop::collection::vec(any::<bool>(), RECORD_BYTES / 8),
        ) {
            let old = Recorded::Event(7, before).to_bytes(lap * 64);
            let new = Recorded::Event(8, event).to_bytes((lap + 1) * 64);
            let mut torn = old;
            for (word, _) in stored.iter().enumerate().filter(|(_, stored)| **stored) {
                torn[word * 8..][..8].copy_from_slice(&new[word * 8..][..8]);
            }
            let read = Recorded::from_bytes(&torn, (lap + 1) * 64);
            prop_assert_eq!(read.is_some(), torn == new);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes: [u8; RECORD_BYTES], position: u64) {
            let _ = Recorded::from_bytes(&bytes, position >> 1);
        }
    }

    #[test]
    fn what_was_never_written_is_no_record() {
        assert!((0..100_000).all(|position| Recorded::from_bytes(&[0; RECORD_BYTES], position).is_none()));
    }
}
