//! The thresholds of a plan: their grammar, and that what they name exists.

use muster_proto::plan::{Capture, MetricKind, Scenario, Threshold};

use super::Parsed;
use crate::plan_file::reader::{Field, Reader};
use crate::plan_file::suggest::{closest, did_you_mean};
use crate::plan_file::tree::{Node, Span, Value, quoted};

/// What thresholds can name.
pub(in crate::plan_file) struct Named<'p> {
    /// Scenarios with the names of their requests, where all of those are known.
    pub(in crate::plan_file) requests: &'p [(String, Option<Vec<String>>)],
    /// The scenarios that could be read.
    pub(in crate::plan_file) scenarios: &'p [Scenario],
    /// Metrics of the plan's own.
    pub(in crate::plan_file) metrics: &'p [(String, MetricKind)],
}

/// Reads the list of thresholds.
pub(in crate::plan_file) fn read(reader: &mut Reader, field: &Field<'_>, named: &Named<'_>) -> Vec<Threshold> {
    let items = reader.items(field);
    items.iter().filter_map(|item| one(reader, item, named)).collect()
}

fn one(reader: &mut Reader, field: &Field<'_>, named: &Named<'_>) -> Option<Threshold> {
    let (text, span) = expression(reader, field)?;
    match super::parse(&text, named.metrics) {
        Ok(parsed) => check_names(reader, field, &span, parsed, named),
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
    named: &Named<'_>,
) -> Option<Threshold> {
    let Some(Wrong { what, wanted, known, at }) = wrong_name(&parsed, named) else { return Some(parsed.threshold) };
    let message = format!("there is no {what} {}", quoted(&wanted));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    reader.note(&field.path, within(span, &at), message).help(help(&wanted, &known));
    None
}

/// Something that a threshold names and that the plan does not have.
struct Wrong {
    what: &'static str,
    wanted: String,
    known: Vec<String>,
    at: std::ops::Range<usize>,
}

fn wrong_name(parsed: &Parsed, named: &Named<'_>) -> Option<Wrong> {
    let selector = &parsed.threshold.selector;
    let wrong = |what, wanted: &str, known: Vec<String>, at: &std::ops::Range<usize>| {
        let is_wrong = !known.is_empty() && !known.iter().any(|known| known == wanted);
        is_wrong.then(|| Wrong { what, wanted: wanted.to_owned(), known, at: at.clone() })
    };
    let scenario = selector.scenario.as_ref().and_then(|wanted| named.requests.iter().find(|(name, _)| name == wanted));
    if let Some(wanted) = selector.scenario.as_ref().filter(|_| scenario.is_none()) {
        let known = named.requests.iter().map(|(name, _)| name.clone()).collect();
        return wrong("scenario", wanted, known, &parsed.scenario_at);
    }
    let in_question: Vec<_> = scenario.map_or_else(|| named.requests.iter().collect(), |scenario| vec![scenario]);
    if let Some(wanted) = &selector.request {
        let known: Option<Vec<&Vec<String>>> = in_question.iter().map(|(_, requests)| requests.as_ref()).collect();
        let known = known.unwrap_or_default().into_iter().flatten().cloned().collect();
        return wrong("request", wanted, known, &parsed.request_at);
    }
    // What follows is only known of what could be read completely.
    if named.scenarios.len() < named.requests.len() {
        return None;
    }
    let requests = || named.scenarios.iter().flat_map(Scenario::requests);
    if let Some(wanted) = &selector.check {
        let checks = requests().flat_map(|request| {
            let captures = request.captures.iter().filter(|capture| capture.is_checked());
            let checks = request.checks.iter().map(|check| check.name.clone());
            checks.chain(captures.map(Capture::check_name)).collect::<Vec<_>>()
        });
        let known: Vec<String> = checks.collect();
        let known = if known.is_empty() { vec!["(the plan has no checks)".to_owned()] } else { known };
        return wrong("check", wanted, known, &parsed.check_at);
    }
    if let Some(wanted) = &selector.group {
        let known: Vec<String> = named.scenarios.iter().flat_map(Scenario::groups).collect();
        let known = if known.is_empty() { vec!["(the plan has no groups)".to_owned()] } else { known };
        return wrong("group", wanted, known, &parsed.group_at);
    }
    selector.tags.iter().zip(&parsed.tags_at).find_map(|((tag, _), at)| {
        let tags = requests().flat_map(|request| request.tags.iter().map(|(name, _)| name.clone()));
        let known = tags.chain(parsed.selectors.iter().map(|name| (*name).to_owned())).collect();
        wrong("selector or tag", tag, known, at)
    })
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
