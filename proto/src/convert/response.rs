//! Captures, checks and observations.

use super::{ConvertError, at_most, invalid, missing};
use crate::plan::{
    Capture, Check, Condition, FINDINGS_MAX, METRICS_MAX, MetricKind, Missing, NAME_BYTES_MAX, Observation,
    PATTERN_BYTES_MAX, Pick, Source,
};
use crate::wire;
use crate::wire::capture::Missing as WireMissing;
use crate::wire::source::Source as WireSource;

pub(super) fn metrics_to_wire(metrics: &[(String, MetricKind)]) -> Vec<wire::Metric> {
    metrics.iter().map(|(name, kind)| wire::Metric { name: name.clone(), kind: *kind as u32 }).collect()
}

pub(super) fn metrics_from_wire(messages: Vec<wire::Metric>) -> Result<Vec<(String, MetricKind)>, ConvertError> {
    at_most("metrics", messages.len(), METRICS_MAX)?;
    let each = |message: wire::Metric| {
        let kind = MetricKind::ALL.get(message.kind as usize);
        let kind = kind.ok_or_else(|| invalid("metric.kind", "a known kind", message.kind))?;
        Ok((name("metric.name", message.name)?, *kind))
    };
    messages.into_iter().map(each).collect()
}

pub(super) fn check_to_wire(check: &Check) -> wire::Check {
    wire::Check {
        name: check.name.clone(),
        source: Some(source_to_wire(&check.source)),
        condition: check.condition as u32,
        operand: check.operand.clone(),
        template: check.template,
    }
}

pub(super) fn checks_from_wire(messages: Vec<wire::Check>) -> Result<Vec<Check>, ConvertError> {
    at_most("request.checks", messages.len(), FINDINGS_MAX)?;
    let each = |message: wire::Check| {
        let condition = Condition::ALL.get(message.condition as usize);
        Ok(Check {
            name: name("check.name", message.name)?,
            source: source_from_wire(message.source)?,
            condition: *condition.ok_or_else(|| invalid("check.condition", "a known condition", message.condition))?,
            operand: message.operand,
            template: message.template,
        })
    };
    messages.into_iter().map(each).collect()
}

pub(super) fn capture_to_wire(capture: &Capture) -> wire::Capture {
    let pick = match capture.pick {
        Pick::First => wire::Pick::First,
        Pick::Last => wire::Pick::Last,
        Pick::Random => wire::Pick::Random,
        Pick::All => wire::Pick::All,
    };
    wire::Capture {
        name: capture.name.clone(),
        source: Some(source_to_wire(&capture.source)),
        pick: pick as i32,
        missing: Some(match &capture.missing {
            Missing::Fail => WireMissing::Fail(wire::Nothing {}),
            Missing::Skip => WireMissing::Skip(wire::Nothing {}),
            Missing::GoOn => WireMissing::GoOn(wire::Nothing {}),
            Missing::Default(json) => WireMissing::Default(json.clone()),
        }),
    }
}

pub(super) fn captures_from_wire(messages: Vec<wire::Capture>) -> Result<Vec<Capture>, ConvertError> {
    at_most("request.captures", messages.len(), FINDINGS_MAX)?;
    let each = |message: wire::Capture| {
        let pick = match message.pick() {
            wire::Pick::First => Pick::First,
            wire::Pick::Last => Pick::Last,
            wire::Pick::Random => Pick::Random,
            wire::Pick::All => Pick::All,
            wire::Pick::Unspecified => {
                return Err(invalid("capture.pick", "first, last, random or all", message.pick));
            }
        };
        let missing = match message.missing.ok_or_else(|| missing("capture.missing"))? {
            WireMissing::Fail(_) => Missing::Fail,
            WireMissing::Skip(_) => Missing::Skip,
            WireMissing::GoOn(_) => Missing::GoOn,
            WireMissing::Default(json) => Missing::Default(json),
        };
        let source = source_from_wire(message.source)?;
        Ok(Capture { name: name("capture.name", message.name)?, source, pick, missing })
    };
    messages.into_iter().map(each).collect()
}

pub(super) fn observation_to_wire(observation: &Observation) -> wire::Observation {
    wire::Observation { metric: observation.metric.into(), value: observation.value.clone() }
}

pub(super) fn observations_from_wire(
    messages: Vec<wire::Observation>,
    metrics: usize,
) -> Result<Vec<Observation>, ConvertError> {
    at_most("request.metrics", messages.len(), FINDINGS_MAX)?;
    let each = |message: wire::Observation| {
        let metric = u16::try_from(message.metric).ok().filter(|metric| usize::from(*metric) < metrics);
        let metric =
            metric.ok_or_else(|| invalid("observation.metric", format!("less than {metrics}"), message.metric))?;
        Ok(Observation { metric, value: message.value })
    };
    messages.into_iter().map(each).collect()
}

fn source_to_wire(source: &Source) -> wire::Source {
    let source = match source {
        Source::Status => WireSource::Status(wire::Nothing {}),
        Source::Header(name) => WireSource::Header(name.clone()),
        Source::Cookie(name) => WireSource::Cookie(name.clone()),
        Source::Body => WireSource::Body(wire::Nothing {}),
        Source::Json(path) => WireSource::Json(path.clone()),
        Source::Regex(pattern) => WireSource::Regex(pattern.clone()),
        Source::Css(selector, attribute) => {
            WireSource::Css(wire::Css { selector: selector.clone(), attribute: attribute.clone() })
        }
        Source::Size => WireSource::Size(wire::Nothing {}),
        Source::Time => WireSource::Time(wire::Nothing {}),
    };
    wire::Source { source: Some(source) }
}

fn source_from_wire(message: Option<wire::Source>) -> Result<Source, ConvertError> {
    let pattern = |text: String| at_most("source", text.len(), PATTERN_BYTES_MAX).map(|()| text);
    Ok(match message.and_then(|message| message.source).ok_or_else(|| missing("source"))? {
        WireSource::Status(_) => Source::Status,
        WireSource::Header(name) => Source::Header(pattern(name)?),
        WireSource::Cookie(name) => Source::Cookie(pattern(name)?),
        WireSource::Body(_) => Source::Body,
        WireSource::Json(path) => Source::Json(pattern(path)?),
        WireSource::Regex(text) => Source::Regex(pattern(text)?),
        WireSource::Css(css) => Source::Css(pattern(css.selector)?, css.attribute.map(pattern).transpose()?),
        WireSource::Size(_) => Source::Size,
        WireSource::Time(_) => Source::Time,
    })
}

fn name(field: &'static str, name: String) -> Result<String, ConvertError> {
    if name.is_empty() {
        return Err(missing(field));
    }
    at_most(field, name.len(), NAME_BYTES_MAX).map(|()| name)
}
