//! The thresholds of a plan: their grammar, and that what they name exists.

use muster_proto::plan::Threshold;

use super::Parsed;
use crate::plan_file::reader::{Field, Reader};
use crate::plan_file::suggest::{closest, did_you_mean};
use crate::plan_file::tree::{Node, Span, Value, quoted};

/// Scenarios with the names of their requests, where all of those are known.
type Names = [(String, Option<Vec<String>>)];

/// Reads the list of thresholds.
pub(in crate::plan_file) fn read(reader: &mut Reader, field: &Field<'_>, names: &Names) -> Vec<Threshold> {
    let items = reader.items(field);
    items.iter().filter_map(|item| one(reader, item, names)).collect()
}

fn one(reader: &mut Reader, field: &Field<'_>, names: &Names) -> Option<Threshold> {
    let (text, span) = expression(reader, field)?;
    match super::parse(&text) {
        Ok(parsed) => check_names(reader, field, &span, parsed, names),
        Err(mistake) => {
            let note = reader.note(&field.path, within(&span, &mistake.at), mistake.message);
            note.help = mistake.help;
            None
        }
    }
}

/// The text of a threshold and where it begins. Without quotes YAML takes `metric: bound` for a map of one entry,
/// which means the same.
fn expression(reader: &mut Reader, field: &Field<'_>) -> Option<(String, Span)> {
    match &field.node.value {
        Value::Text(text) => Some((text.clone(), text_span(field.node, text))),
        Value::Map(entries) if entries.len() == 1 && entries[0].node.scalar().is_some() => {
            let entry = &entries[0];
            let text = format!("{}: {}", entry.key, entry.node.scalar().unwrap_or_default());
            let span = entry.key_span.clone().zip(entry.node.span.clone()).map(|(key, value)| key.start..value.end);
            let same = span.filter(|span| span.len() == text.len());
            Some((text, same.or_else(|| field.node.span.clone())))
        }
        _ => {
            let mistake = reader.wanted(field, "a threshold");
            mistake.help("write a text such as \"http_req_duration: p(99) < 250ms\"");
            None
        }
    }
}

/// Where the text itself stands: without quotes, if it has some and no escapes.
fn text_span(node: &Node, text: &str) -> Span {
    let span = node.span.clone()?;
    match span.len().checked_sub(text.len()) {
        Some(0) => Some(span),
        Some(2) => Some(span.start + 1..span.end - 1),
        _ => Some(span),
    }
}

fn within(span: &Span, at: &std::ops::Range<usize>) -> Span {
    let span = span.clone()?;
    let start = (span.start + at.start).min(span.end);
    Some(start..(span.start + at.end).clamp(start, span.end))
}

fn check_names(
    reader: &mut Reader,
    field: &Field<'_>,
    span: &Span,
    parsed: Parsed,
    names: &Names,
) -> Option<Threshold> {
    let selector = &parsed.threshold.selector;
    let mut wrong = None;
    let scenario = selector.scenario.as_ref().and_then(|wanted| names.iter().find(|(name, _)| name == wanted));
    if let Some(wanted) = selector.scenario.as_ref().filter(|_| scenario.is_none() && !names.is_empty()) {
        let known: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        wrong = Some(("scenario", wanted, known, &parsed.scenario_at));
    } else if let Some(wanted) = &selector.request {
        let in_question: Vec<_> = scenario.map_or_else(|| names.iter().collect(), |scenario| vec![scenario]);
        let known: Option<Vec<&Vec<String>>> = in_question.iter().map(|(_, requests)| requests.as_ref()).collect();
        let known: Option<Vec<&str>> = known.map(|lists| lists.into_iter().flatten().map(String::as_str).collect());
        if let Some(known) = known.filter(|known| !known.is_empty() && !known.contains(&wanted.as_str())) {
            wrong = Some(("request", wanted, known, &parsed.request_at));
        }
    }
    let Some((what, wanted, known, at)) = wrong else { return Some(parsed.threshold) };
    let message = format!("there is no {what} {}", quoted(wanted));
    reader.note(&field.path, within(span, at), message).help(help(wanted, &known));
    None
}

/// Offers the likely name, and at most some of the others.
fn help(wanted: &str, known: &[&str]) -> String {
    const SHOWN_MAX: usize = 10;
    let mut distinct = known.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    match distinct.get(..SHOWN_MAX) {
        Some(some) if closest(wanted, known.iter().copied()).is_none() => {
            format!("{} and others", did_you_mean(wanted, some))
        }
        _ => did_you_mean(wanted, &distinct),
    }
}
