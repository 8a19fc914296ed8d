//! Durations, rates and sizes as people write them: a number never goes without its unit.

use std::time::Duration;

use muster_proto::plan::Rate;

use super::suggest::closest;
use super::tree::{beginning, quoted};

/// What is wrong with a number and its unit, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())]
pub struct UnitMistake {
    /// What was wanted and what was found.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

const NANOSECONDS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const PER: [(&str, u64); 4] =
    [("s", Rate::PER_SECOND), ("min", Rate::PER_MINUTE), ("m", Rate::PER_MINUTE), ("h", Rate::PER_HOUR)];

const BYTES: [(&str, u128); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

const DURATION: Quantity = Quantity { noun: "a duration", example: "`10s`, `250ms` or `5m30s`" };
const RATE: Quantity = Quantity { noun: "a rate", example: "`500/s`, `100/min` or `10/h`" };
const PART: Quantity = Quantity { noun: "a part", example: "`1%` or `0.01`" };
const SIZE: Quantity = Quantity { noun: "a size", example: "`64KiB` or `10MB`" };

/// Reads a duration such as `250ms`, `10s`, `5m30s`, `1.5h` or `2d`, exactly to the nanosecond.
///
/// # Errors
/// What was found instead, with what to write.
pub fn parse_duration(text: &str) -> Result<Duration, UnitMistake> {
    let mut rest = text.trim();
    let mut nanoseconds: u128 = 0;
    let mut larger = usize::MAX;
    while !rest.is_empty() || larger == usize::MAX {
        let (number, after) = split_number(rest).ok_or_else(|| DURATION.wrong(text))?;
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let unit = unit.trim();
        if unit.is_empty() {
            let alone = larger == usize::MAX;
            let help = if alone {
                format!("write `{}s` for seconds", beginning(number))
            } else {
                "every number needs a unit".into()
            };
            return Err(DURATION.wrong(text).or(&help));
        }
        let place = NANOSECONDS.iter().position(|(name, _)| *name == if unit == "µs" { "us" } else { unit });
        let place = place.ok_or_else(|| DURATION.unknown_unit(text, unit, NANOSECONDS.map(|(name, _)| name)))?;
        if larger != usize::MAX && place <= larger {
            return Err(DURATION.wrong(text).or("each unit stands once, the larger first, as in `1h5m30s`"));
        }
        let part = scaled(number, NANOSECONDS[place].1)
            .ok_or_else(|| DURATION.wrong(text).or("this is too long or too fine"))?;
        nanoseconds = nanoseconds.checked_add(part).ok_or_else(|| DURATION.wrong(text).or("this is too long"))?;
        (rest, larger) = (next, place);
    }
    let nanoseconds = u64::try_from(nanoseconds).map_err(|_| DURATION.wrong(text).or("this is too long"))?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// Reads a rate such as `500/s`, `0.5/s`, `100/min` or `10/h`, exactly.
///
/// # Errors
/// What was found instead, with what to write.
pub fn parse_rate(text: &str) -> Result<Rate, UnitMistake> {
    let (number, after) = split_number(text.trim()).ok_or_else(|| RATE.wrong(text))?;
    let after = after.trim();
    if after.is_empty() {
        return Err(RATE.wrong(text).or(&format!("write `{0}/s` for {0} per second", beginning(number))));
    }
    let unit = after.strip_prefix('/').ok_or_else(|| RATE.wrong(text))?.trim();
    let per = PER.iter().find(|(name, _)| *name == unit);
    let (_, per) = per.ok_or_else(|| RATE.unknown_unit(text, unit, ["s", "min", "h"]))?;
    let thousandths = scaled(number, u128::from(*per));
    let thousandths =
        thousandths.ok_or_else(|| RATE.wrong(text).or("a rate is a whole number of thousandths per hour"))?;
    let rate = u64::try_from(thousandths).ok().map(Rate).filter(|rate| *rate <= Rate::MAX);
    rate.ok_or_else(|| RATE.wrong(text).or(&format!("the highest rate is {}", format_rate(Rate::MAX))))
}

/// Reads a size such as `64KiB` or `10MB`, in bytes.
///
/// # Errors
/// What was found instead, with what to write.
pub fn parse_size(text: &str) -> Result<u64, UnitMistake> {
    let (number, after) = split_number(text.trim()).ok_or_else(|| SIZE.wrong(text))?;
    let unit = after.trim();
    if unit.is_empty() {
        return Err(SIZE.wrong(text).or(&format!("write `{0}B` for bytes, or `{0}KiB`", beginning(number))));
    }
    let bytes = BYTES.iter().find(|(name, _)| *name == unit);
    let (_, bytes) = bytes.ok_or_else(|| SIZE.unknown_unit(text, unit, BYTES.map(|(name, _)| name)))?;
    let size = scaled(number, *bytes).and_then(|size| u64::try_from(size).ok());
    size.ok_or_else(|| SIZE.wrong(text).or("this is not a whole number of bytes, or too many"))
}

/// Reads a part of a whole such as `1%` or `0.01`, in millionths.
///
/// # Errors
/// What was found instead, with what to write.
pub fn parse_part(text: &str) -> Result<u32, UnitMistake> {
    let (number, after) = split_number(text.trim()).ok_or_else(|| PART.wrong(text))?;
    let unit = match after.trim() {
        "" => 1_000_000,
        "%" => 10_000,
        _ => return Err(PART.wrong(text)),
    };
    let millionths = scaled(number, unit).and_then(|part| u32::try_from(part).ok());
    let millionths = millionths.filter(|part| *part <= 1_000_000);
    millionths.ok_or_else(|| PART.wrong(text).or("a part is from 0% to 100%, and a whole number of millionths"))
}

/// Writes a duration as [`parse_duration`] reads it.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut out = String::new();
    for (unit, nanoseconds) in NANOSECONDS {
        let count = rest / nanoseconds;
        rest %= nanoseconds;
        if count > 0 {
            out.push_str(&format!("{count}{unit}"));
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Writes a rate as [`parse_rate`] reads it.
#[must_use]
pub fn format_rate(rate: Rate) -> String {
    match rate.0 {
        rate if rate % Rate::PER_SECOND == 0 => format!("{}/s", rate / Rate::PER_SECOND),
        rate if rate % (Rate::PER_SECOND / 1_000) == 0 => format!("{}/s", decimal(rate / (Rate::PER_SECOND / 1_000))),
        rate if rate % Rate::PER_MINUTE == 0 => format!("{}/min", rate / Rate::PER_MINUTE),
        rate => format!("{}/h", decimal(rate)),
    }
}

/// So many thousandths as a decimal number.
fn decimal(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The decimal number at the beginning of a text, without sign, and what follows it.
pub(super) fn split_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, after) = text.split_at(end);
    let sound =
        number.starts_with(|c: char| c.is_ascii_digit()) && number.matches('.').count() <= 1 && !number.ends_with('.');
    sound.then_some((number, after))
}

/// A decimal number times a unit, if that is a whole number in range.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let divisor = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let units = whole.parse::<u128>().ok()?.checked_mul(unit)?;
    let part = fraction.checked_mul(unit)?;
    (part % divisor == 0).then(|| units.checked_add(part / divisor))?
}

/// What a message calls a kind of number with a unit.
struct Quantity {
    noun: &'static str,
    example: &'static str,
}

impl Quantity {
    fn wrong(&self, found: &str) -> UnitMistake {
        let message = format!("wanted {} such as {}, found {}", self.noun, self.example, quoted(found));
        UnitMistake { message, help: None }
    }

    fn unknown_unit<const N: usize>(&self, found: &str, unit: &str, units: [&str; N]) -> UnitMistake {
        let spelled = match unit.to_ascii_lowercase().as_str() {
            "sec" | "secs" | "second" | "seconds" => Some("s"),
            "mins" | "minute" | "minutes" | "min" => Some(if units.contains(&"min") { "min" } else { "m" }),
            "hr" | "hour" | "hours" => Some("h"),
            "day" | "days" => Some("d"),
            "msec" | "millis" | "milliseconds" => Some("ms"),
            lower => units.iter().copied().find(|unit| unit.eq_ignore_ascii_case(lower)),
        };
        let offered = spelled.filter(|word| units.contains(word)).or_else(|| closest(unit, units));
        let help = match offered {
            Some(offered) => format!("there is no unit {}; did you mean `{offered}`?", quoted(unit)),
            None => format!("there is no unit {}; units are {}", quoted(unit), units.join(", ")),
        };
        self.wrong(found).or(&help)
    }
}

impl UnitMistake {
    fn or(self, help: &str) -> Self {
        Self { help: Some(help.to_owned()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_exactly() {
        for (text, nanoseconds) in [
            ("250ms", 250_000_000),
            ("5m30s", 330_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("2d", 172_800_000_000_000),
            ("0s", 0),
            ("0.000000001s", 1),
            (" 10s ", 10_000_000_000),
            ("1h5m30s", 3_930_000_000_000),
            ("7µs", 7_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn rates_are_read_exactly() {
        for (text, rate) in [
            ("500/s", Rate::per_second(500)),
            ("0.5/s", Rate(1_800_000)),
            ("100/min", Rate(6_000_000)),
            ("10 / h", Rate(10_000)),
            ("0.001/h", Rate(1)),
            ("1000000000/s", Rate::MAX),
        ] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_exactly() {
        for (text, bytes) in [("64KiB", 65_536), ("10MB", 10_000_000), ("1.5KiB", 1_536), ("0B", 0), ("1 GiB", 1 << 30)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn parts_are_read_exactly() {
        for (text, millionths) in [("1%", 10_000), ("0.5 %", 5_000), ("0.01", 10_000), ("0", 0), ("100%", 1_000_000)] {
            assert_eq!(parse_part(text), Ok(millionths), "{text}");
        }
        let wrong = |text: &str| parse_part(text).unwrap_err().to_string();
        assert_eq!(wrong("1s"), "wanted a part such as `1%` or `0.01`, found `1s`");
        assert!(wrong("101%").ends_with("; a part is from 0% to 100%, and a whole number of millionths"));
        assert!(wrong("-1%").starts_with("wanted a part"));
    }

    #[test]
    fn what_has_no_unit_or_no_sense_is_refused_with_advice() {
        let duration = |text: &str| parse_duration(text).unwrap_err().to_string();
        let wanted = "wanted a duration such as `10s`, `250ms` or `5m30s`";
        assert_eq!(duration("10"), format!("{wanted}, found `10`; write `10s` for seconds"));
        assert_eq!(duration("10sec"), format!("{wanted}, found `10sec`; there is no unit `sec`; did you mean `s`?"));
        assert_eq!(duration(""), format!("{wanted}, found nothing"));
        assert_eq!(duration("-5s"), format!("{wanted}, found `-5s`"));
        assert!(duration("5s30m").ends_with("each unit stands once, the larger first, as in `1h5m30s`"));
        assert!(duration("99999999999d").ends_with("this is too long"));
        assert!(duration(&format!("{}s", "9".repeat(90))).ends_with("this is too long or too fine"));
        assert!(duration("0.1ns").ends_with("this is too long or too fine"));
        let rate = |text: &str| parse_rate(text).unwrap_err().to_string();
        let wanted = "wanted a rate such as `500/s`, `100/min` or `10/h`";
        assert_eq!(rate("500"), format!("{wanted}, found `500`; write `500/s` for 500 per second"));
        assert_eq!(rate("5/sec"), format!("{wanted}, found `5/sec`; there is no unit `sec`; did you mean `s`?"));
        assert!(rate("1000000001/s").ends_with("the highest rate is 1000000000/s"));
        assert!(rate("0.0001/h").ends_with("thousandths per hour"));
        let size = |text: &str| parse_size(text).unwrap_err().to_string();
        assert!(size("64kib").ends_with("there is no unit `kib`; did you mean `KiB`?"));
        assert!(size("64").ends_with("write `64B` for bytes, or `64KiB`"));
        assert!(size("0.5B").ends_with("not a whole number of bytes, or too many"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanoseconds: u64, thousandths in 0..=Rate::MAX.0) {
            let duration = Duration::from_nanos(nanoseconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
            prop_assert_eq!(parse_rate(&format_rate(Rate(thousandths))), Ok(Rate(thousandths)));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "[0-9./a-zµ ]{0,40}") {
            let _ = (parse_duration(&text), parse_rate(&text), parse_size(&text));
        }
    }
}
