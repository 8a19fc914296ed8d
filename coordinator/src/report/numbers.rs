//! The one place where numbers are rounded.

/// Nanoseconds as milliseconds, to the microsecond.
pub(super) fn ms(ns: u64) -> f64 {
    (u128::from(ns) + 500).div_euclid(1_000) as f64 / 1e3
}

/// Nanoseconds that are no whole number, as milliseconds to the microsecond.
pub(super) fn ms_of(ns: f64) -> f64 {
    decimals(ns / 1e6, 3)
}

/// Nanoseconds as microseconds, to the nanosecond.
pub(super) fn us(ns: i64) -> f64 {
    ns as f64 / 1e3
}

/// Nanoseconds as seconds, to the millisecond.
pub(super) fn seconds(ns: u64) -> f64 {
    decimals(ns as f64 / 1e9, 3)
}

/// Rounded to so many decimals.
pub(super) fn decimals(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    let rounded = (value * scale).round() / scale;
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// `count` per second over some nanoseconds; zero over none.
pub(super) fn per_second(count: u64, stretch_ns: u64) -> f64 {
    if stretch_ns == 0 { 0.0 } else { decimals(count as f64 * 1e9 / stretch_ns as f64, 3) }
}

/// A fraction, to a millionth; zero of nothing.
pub(super) fn fraction(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { decimals(part as f64 / whole as f64, 6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_rounded_to_the_microsecond() {
        assert_eq!(ms(1_234_499), 1.234);
        assert_eq!(ms(1_234_500), 1.235);
        assert_eq!(ms(u64::MAX), 18_446_744_073_709.55);
        assert_eq!(decimals(-0.000_1, 3).to_string(), "0");
    }
}
