//! Requests.

use std::ops::Range;

use super::plan::{LIST_MAX, duration, name, ns, url_from_wire, url_to_wire};
use super::{ConvertError, at_most, auth, invalid, missing, response};
use crate::plan::{Body, Redirects, Request, Retry, StatusSet, Templates, VERBATIM_MAX};
use crate::wire;

pub(super) fn request_to_wire(request: &Request) -> wire::Request {
    let header = |(name, value): &(String, String)| wire::Header { name: name.clone(), value: value.clone() };
    let range = |&(low, high): &(u16, u16)| wire::StatusRange { low: low.into(), high: high.into() };
    wire::Request {
        name: request.name.clone(),
        method: request.method.clone(),
        url: Some(url_to_wire(&request.url)),
        headers: request.headers.iter().map(header).collect(),
        body: request.body.0.clone(),
        expect_status: request.expect_status.0.iter().map(range).collect(),
        redirects: request.redirects.0.into(),
        timeout_ns: ns(request.timeout),
        retries: request.retry.times.into(),
        retry_pause_ns: ns(request.retry.pause),
        head_templates: request.templates.head,
        body_template: request.templates.body,
        checks: request.checks.iter().map(response::check_to_wire).collect(),
        fails_on_check: request.fails_on_check,
        captures: request.captures.iter().map(response::capture_to_wire).collect(),
        metrics: request.metrics.iter().map(response::observation_to_wire).collect(),
        tags: request.tags.iter().map(|(name, value)| wire::Tag { name: name.clone(), value: value.clone() }).collect(),
        verbatim: request.verbatim.iter().map(stretch).collect(),
        auth: request.auth.as_ref().map(auth::to_wire),
    }
}

/// A body is never so long that this could cut anything off.
fn stretch(range: &Range<usize>) -> wire::Stretch {
    wire::Stretch { from: range.start as u32, to: range.end as u32 }
}

/// Stretches within so many bytes.
fn verbatim_from_wire(stretches: &[wire::Stretch], bytes: usize) -> Result<Vec<Range<usize>>, ConvertError> {
    at_most("verbatim", stretches.len(), VERBATIM_MAX)?;
    let mut end = 0;
    let each = stretches.iter().map(|stretch| {
        let range = stretch.from as usize..stretch.to as usize;
        if range.start < end || range.end < range.start || range.end > bytes {
            let got = format!("{} to {} of {bytes} bytes", stretch.from, stretch.to);
            return Err(invalid("verbatim", format!("a stretch of the body from {end} on"), got));
        }
        end = range.end;
        Ok(range)
    });
    each.collect()
}

pub(super) fn request_from_wire(message: wire::Request, metrics: usize) -> Result<Request, ConvertError> {
    name("request.name", &message.name)?;
    at_most("request.headers", message.headers.len(), LIST_MAX)?;
    at_most("request.tags", message.tags.len(), LIST_MAX)?;
    let status = |value: u32| u16::try_from(value).map_err(|_| invalid("expect_status", "at most 65535", value));
    let ranges = message.expect_status.iter().map(|range| Ok((status(range.low)?, status(range.high)?)));
    let redirects = u8::try_from(message.redirects);
    Ok(Request {
        expect_status: StatusSet(ranges.collect::<Result<_, ConvertError>>()?),
        redirects: Redirects(redirects.map_err(|_| invalid("redirects", "at most 255", message.redirects))?),
        name: message.name,
        method: message.method,
        url: url_from_wire(message.url.ok_or_else(|| missing("request.url"))?)?,
        headers: message.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        verbatim: verbatim_from_wire(&message.verbatim, message.body.len())?,
        body: Body(message.body),
        auth: message.auth.map(auth::from_wire).transpose()?,
        templates: Templates { head: message.head_templates, body: message.body_template },
        timeout: duration("timeout_ns", message.timeout_ns)?,
        retry: Retry {
            times: u8::try_from(message.retries).map_err(|_| invalid("retries", "at most 255", message.retries))?,
            pause: duration("retry_pause_ns", message.retry_pause_ns)?,
        },
        checks: response::checks_from_wire(message.checks)?,
        fails_on_check: message.fails_on_check,
        captures: response::captures_from_wire(message.captures)?,
        metrics: response::observations_from_wire(message.metrics, metrics)?,
        tags: message.tags.into_iter().map(|tag| (tag.name, tag.value)).collect(),
    })
}
