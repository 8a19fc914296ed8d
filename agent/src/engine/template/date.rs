//! Dates and times as texts, in UTC: what requests carry when they are made.

use std::fmt::Write;

use minijinja::Error;

use super::functions::{TEXT_CHARS_MAX, timestamp, wrong};

/// How a moment is written unless it is said (RFC 3339).
const USUAL: &str = "%Y-%m-%dT%H:%M:%S.%3fZ";
/// The last second of the year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;
const DAY_SECONDS: i64 = 86_400;
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The moment by the agent's wall clock, or so many seconds later, written as `strftime` has it.
pub(super) fn now(format: Option<&str>, seconds: Option<i64>) -> Result<String, Error> {
    let milliseconds = timestamp() as i64;
    let at = (milliseconds / 1_000).checked_add(seconds.unwrap_or(0)).filter(|at| (0..=SECONDS_MAX).contains(at));
    let at = at.ok_or_else(|| wrong("now: wanted a moment from 1970 to 9999"))?;
    written(format.unwrap_or(USUAL), at, milliseconds % 1_000)
}

/// A moment, in seconds since 1970 and milliseconds.
fn written(format: &str, at: i64, milliseconds: i64) -> Result<String, Error> {
    if format.len() > TEXT_CHARS_MAX {
        return Err(wrong(format!("now: wanted a format of at most {TEXT_CHARS_MAX} bytes")));
    }
    let (days, second) = (at / DAY_SECONDS, at % DAY_SECONDS);
    let (year, month, day) = date_of(days);
    let (weekday, month_name) = (DAYS[(days % 7) as usize], MONTHS[month as usize - 1]);
    let mut text = String::with_capacity(format.len() * 2);
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let directive = if after.starts_with("3f") { "3f" } else { after.get(..1).unwrap_or_default() };
        rest = &after[directive.len()..];
        let done = match directive {
            "Y" => write!(text, "{year:04}"),
            "m" => write!(text, "{month:02}"),
            "d" => write!(text, "{day:02}"),
            "H" => write!(text, "{:02}", second / 3_600),
            "M" => write!(text, "{:02}", second / 60 % 60),
            "S" => write!(text, "{:02}", second % 60),
            "3f" => write!(text, "{milliseconds:03}"),
            "j" => write!(text, "{:03}", days - days_before(year) + 1),
            "s" => write!(text, "{at}"),
            "a" => write!(text, "{}", &weekday[..3]),
            "A" => write!(text, "{weekday}"),
            "b" => write!(text, "{}", &month_name[..3]),
            "B" => write!(text, "{month_name}"),
            "%" => write!(text, "%"),
            _ => {
                let known = "%Y %m %d %H %M %S %3f %j %s %a %A %b %B %%";
                return Err(wrong(format!("now: found `%{directive}`, wanted one of {known}")));
            }
        };
        done.unwrap_or_default();
    }
    text.push_str(rest);
    Ok(text)
}

/// How many days lie between 1970 and a year's beginning.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400 - 719_162
}

/// The date of a day that is counted from 1970, not before that: year, month and day.
fn date_of(days: i64) -> (i64, i64, i64) {
    // A year has at least 365 days, so this is the year or a later one.
    let mut year = 1970 + days / 365;
    while days_before(year) > days {
        year -= 1;
    }
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, 28 + i64::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut month, mut day) = (1, days - days_before(year) + 1);
    for length in lengths {
        if day <= length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, format: &str) -> String {
        written(format, seconds, 7).unwrap()
    }

    /// Of RFC 9110, 5.6.7, and others that `date -u` knows.
    #[test]
    fn moments_are_written_as_calendars_have_them() {
        assert_eq!(at(784_111_777, "%a, %d %b %Y %H:%M:%S GMT"), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(0, USUAL), "1970-01-01T00:00:00.007Z");
        assert_eq!(at(951_782_400, "%Y-%m-%d %j %A"), "2000-02-29 060 Tuesday");
        assert_eq!(at(4_107_542_399, "%d %B %Y %j %s %%"), "28 February 2100 059 4107542399 %");
        assert_eq!(at(4_107_542_400, "%Y%m%dT%H%M%SZ"), "21000301T000000Z");
        assert_eq!(at(SECONDS_MAX, USUAL), "9999-12-31T23:59:59.007Z");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut before = date_of(0);
        for days in 1..=SECONDS_MAX / DAY_SECONDS {
            let (year, month, day) = date_of(days);
            let next_day = (before.0, before.1, before.2 + 1);
            let follows = [next_day, (before.0, before.1 + 1, 1), (before.0 + 1, 1, 1)];
            assert!(follows.contains(&(year, month, day)), "{before:?}, and then {year}-{month}-{day}");
            before = (year, month, day);
        }
        assert_eq!(before, (9999, 12, 31));
    }

    #[test]
    fn what_is_no_format_is_told() {
        for wrong in ["%Q", "%", "a%", "%é", "%3"] {
            assert!(written(wrong, 0, 0).unwrap_err().to_string().contains("wanted one of"), "{wrong}");
        }
        assert!(now(None, Some(i64::MAX)).is_err() && now(None, Some(-i64::MAX)).is_err());
        assert_eq!(now(None, None).unwrap().len(), 24);
    }
}
