//! How numbers and foreign text look to a person.

/// A whole number, its digits in groups of three.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A rate: whole from a hundred on, with decimals below.
pub(crate) fn rate(per_s: f64) -> String {
    match per_s {
        r if r >= 100.0 => count(r.round() as u64),
        r if r >= 10.0 => format!("{r:.1}"),
        r => format!("{r:.2}"),
    }
}

/// Milliseconds, as precise as a person can use.
pub(crate) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms >= 10_000.0 => count(ms.round() as u64),
        ms if ms >= 10.0 => {
            let tenths = (ms * 10.0).round() as u64;
            format!("{}.{}", count(tenths / 10), tenths % 10)
        }
        ms => format!("{ms:.2}"),
    }
}

/// A number with as many decimals as it has, three at most.
pub(crate) fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A fraction in per cent.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2} %", fraction * 100.0)
}

/// Microseconds, or milliseconds where those are many.
pub(crate) fn microseconds(us: f64) -> String {
    if us.abs() >= 10_000.0 { format!("{:.1} ms", us / 1e3) } else { format!("{us:.0} µs") }
}

/// Seconds as `5m30s`; with a decimal below a minute.
pub(crate) fn duration(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (whole, rest) = (tenths / 10, tenths % 10);
    let (hours, minutes, secs) = (whole / 3_600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) if rest > 0 => format!("{secs}.{rest}s"),
        (0, 0) => format!("{secs}s"),
        (0, _) => format!("{minutes}m{secs:02}s"),
        _ => format!("{hours}h{minutes:02}m{secs:02}s"),
    }
}

/// Foreign text without what could command a terminal, hide text or turn it around; at most so many characters.
pub(crate) fn foreign(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    for character in text.chars() {
        let piece: String = match character {
            c if c.is_control() || is_invisible(c) => c.escape_default().collect(),
            c => c.into(),
        };
        length += piece.chars().count();
        if length > longest {
            shown.push('…');
            break;
        }
        shown.push_str(&piece);
    }
    shown
}

/// Characters that show as nothing but change how others show.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown: Vec<String> = [0, 999, 1_000, 813_311, 1_000_000].into_iter().map(count).collect();
        assert_eq!(shown, ["0", "999", "1 000", "813 311", "1 000 000"]);
    }

    #[test]
    fn times_are_as_precise_as_useful() {
        let shown: Vec<String> =
            [0.04, 9.994, 12.1, 187.24, 1_234.56, 12_345.6].into_iter().map(milliseconds).collect();
        assert_eq!(shown, ["0.04", "9.99", "12.1", "187.2", "1 234.6", "12 346"]);
        let shown: Vec<String> = [0.0, 2.5, 10.0, 59.96, 330.0, 3_661.0].into_iter().map(duration).collect();
        assert_eq!(shown, ["0s", "2.5s", "10s", "1m00s", "5m30s", "1h01m01s"]);
    }

    #[test]
    fn foreign_text_commands_no_terminal() {
        assert_eq!(foreign("\x1b[31mred\r\n\u{9b}2J\u{202e}txt", 99), "\\u{1b}[31mred\\r\\n\\u{9b}2J\\u{202e}txt");
        assert_eq!(foreign("grüße", 99), "grüße");
        assert_eq!(foreign("abcdef", 3), "abc…");
    }
}
