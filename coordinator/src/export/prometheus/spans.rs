//! Buckets of equal ratio as Prometheus writes them: where runs of buckets begin, and how each count differs from the last.

use super::super::exponential::Exponential;

/// So many empty buckets between two others are written like those: cheaper than a new run.
const GAP_MAX: i32 = 2;

/// A run of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Buckets between the last run and this one; for the first, the number of its first bucket.
    pub(super) offset: i32,
    /// How many buckets.
    pub(super) length: u32,
}

/// The runs, and the difference of each bucket from the one before.
pub(super) fn of(all: &Exponential) -> (Vec<Span>, Vec<i64>) {
    let (mut spans, mut deltas): (Vec<Span>, Vec<i64>) = (Vec::new(), Vec::new());
    let (mut next, mut before) = (0, 0);
    for (index, n) in all.buckets() {
        // A bucket is called by the power of its upper bound here, and by that of its lower one in OpenTelemetry.
        let index = index + 1;
        let gap = index - next;
        match spans.last_mut() {
            Some(span) if gap <= GAP_MAX => {
                for _ in 0..gap {
                    deltas.push(-before);
                    before = 0;
                }
                span.length += gap as u32 + 1;
            }
            _ => spans.push(Span { offset: gap, length: 1 }),
        }
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        deltas.push(n - before);
        (next, before) = (index + 1, n);
    }
    (spans, deltas)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Prometheus reads: the number and count of each bucket that is not empty.
    fn read(spans: &[Span], deltas: &[i64]) -> Vec<(i32, i64)> {
        let (mut index, mut count, mut deltas) = (0, 0, deltas.iter());
        let mut read = Vec::new();
        for span in spans {
            index += span.offset;
            for _ in 0..span.length {
                count += deltas.next().expect("one for each bucket");
                read.push((index, count));
                index += 1;
            }
        }
        assert_eq!(deltas.next(), None);
        read.into_iter().filter(|(_, n)| *n != 0).collect()
    }

    proptest! {
        #[test]
        fn spans_tell_each_bucket(values in prop::collection::vec((1e-6_f64..1e-3, 1_u64..1_000), 0..40)) {
            let mut all = Exponential::default();
            values.iter().for_each(|(value, n)| all.record_n(*value, *n));
            let (spans, deltas) = of(&all);
            let told: Vec<(i32, i64)> = all.buckets().map(|(index, n)| (index + 1, n as i64)).collect();
            prop_assert_eq!(read(&spans, &deltas), told);
            prop_assert!(spans.iter().skip(1).all(|span| span.offset > GAP_MAX));
        }
    }
}
