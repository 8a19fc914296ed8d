//! Durations and sizes as people write them: `5ms`, `1.5s`, `10k`, `4Ki`.

use std::time::Duration;

/// The longest duration a script may name.
pub(crate) const DURATION_MAX: Duration = Duration::from_secs(3600);

/// The largest response body a script may name, in bytes.
pub(crate) const SIZE_MAX: u64 = 1 << 30;

const DURATIONS: [(&str, f64); 6] = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

const SIZES: [(&str, u64); 5] = [("", 1), ("k", 1_000), ("Ki", 1 << 10), ("M", 1_000_000), ("Mi", 1 << 20)];

/// A number with a unit, at most [`DURATION_MAX`]. A bare `0` needs no unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text);
    let seconds = match DURATIONS.iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => number.parse::<f64>().ok()? * scale,
        None if text == "0" => 0.0,
        None => return None,
    };
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (duration <= DURATION_MAX).then_some(duration)
}

/// A whole number with an optional unit, at most [`SIZE_MAX`].
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let (_, scale) = SIZES.iter().find(|(name, _)| *name == unit)?;
    let size = number.parse::<u64>().ok()?.checked_mul(*scale)?;
    (size <= SIZE_MAX).then_some(size)
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_a_unit_and_have_a_bound() {
        for (text, wanted) in [("0", 0), ("250us", 250_000), ("5ms", 5_000_000), ("1.5s", 1_500_000_000)] {
            assert_eq!(duration(text), Some(Duration::from_nanos(wanted)), "{text}");
        }
        for text in ["", "5", "ms", "-1s", "1e3s", "5 ms", "61m", "1.2.3s", "99999999999999999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_whole_and_have_a_bound() {
        for (text, wanted) in [("0", 0), ("17", 17), ("10k", 10_000), ("4Ki", 4096), ("1M", 1_000_000)] {
            assert_eq!(size(text), Some(wanted), "{text}");
        }
        for text in ["", "k", "1.5k", "-1", "2000M", "99999999999999999999", "18446744073709551615Mi"] {
            assert_eq!(size(text), None, "{text}");
        }
    }
}
