//! Which statuses are as expected: 200, `2xx`, `200-299`, or a list of them.

use muster_proto::plan::StatusSet;

use super::reader::{Field, Reader};

/// Reads a set of statuses.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<StatusSet> {
    let before = reader.mistakes.len();
    let ranges: Vec<_> = reader.one_or_more(field).iter().filter_map(|item| range(reader, item)).collect();
    (reader.mistakes.len() == before).then_some(StatusSet(ranges))
}

fn range(reader: &mut Reader, field: &Field<'_>) -> Option<(u16, u16)> {
    let range = field.node.scalar().and_then(parse);
    if range.is_none() {
        reader.wanted(field, "a status such as 200, `2xx` or `200-299`");
    }
    range
}

fn parse(text: &str) -> Option<(u16, u16)> {
    if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let class = class.parse::<u16>().ok().filter(|class| class_exists(*class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (one(low.trim())?, one(high.trim())?);
    (low <= high).then_some((low, high))
}

fn one(text: &str) -> Option<u16> {
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let status = digits.then(|| text.parse::<u16>().ok())??;
    class_exists(status / 100).then_some(status)
}

const fn class_exists(class: u16) -> bool {
    matches!(class, 1..=5)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn statuses_are_single_classes_or_ranges() {
        assert_eq!(parse("200"), Some((200, 200)));
        assert_eq!(parse("4xx"), Some((400, 499)));
        assert_eq!(parse("200-399"), Some((200, 399)));
        for wrong in ["", "20", "600", "099", "6xx", "xx", "300-200", "200-", "+20", "2x", "200-299-300"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
