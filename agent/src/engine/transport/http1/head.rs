//! The head of a response: parsed whole, strictly, and reduced to what decides about the rest.

use std::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Response, Status};
use memchr::memchr_iter;

use super::super::Failure;
use super::found::{malformed, too_large};

/// The most header fields of a response.
const HEADERS_MAX: usize = 128;

/// What a response's head means. It follows from the head's bytes alone, whatever was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) length: Length,
    /// Whether the connection may be used again after this response.
    pub(super) persistent: bool,
    /// Where in the head the value of `location` stands: from, to.
    pub(super) location: Option<(usize, usize)>,
    /// Whether it sets cookies.
    pub(super) sets_cookies: bool,
}

/// What the head says about the length of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Unstated,
    Fixed(u64),
    Chunked,
}

/// Parses the head at the beginning of `input`: its length in bytes and what it means, or none while it is incomplete.
pub(super) fn parse(input: &[u8], bytes_max: usize) -> Result<Option<(usize, Head)>, Failure> {
    // httparse would skip empty lines here, which no response begins with.
    if input.first().is_some_and(|&byte| byte != b'H') {
        return Err(malformed("no HTTP response", input));
    }
    let allowed = &input[..input.len().min(bytes_max)];
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = Response::new(&mut []);
    match ParserConfig::default().parse_response_with_uninit_headers(&mut response, allowed, &mut headers) {
        Ok(Status::Complete(bytes)) => Ok(Some((bytes, interpret(&response, allowed)?))),
        Ok(Status::Partial) if allowed.len() < input.len() => {
            Err(too_large("the response head in bytes", bytes_max as u64))
        }
        Ok(Status::Partial) => Ok(None),
        Err(Error::TooManyHeaders) => Err(too_large("the number of response headers", HEADERS_MAX as u64)),
        Err(error) => Err(malformed(&error.to_string(), broken_line(allowed))),
    }
}

fn interpret(response: &Response<'_, '_>, input: &[u8]) -> Result<Head, Failure> {
    let status = response.code.unwrap_or_default();
    if status < 100 {
        return Err(malformed("a status is from 100 to 999", input));
    }
    let mut fields = Fields::default();
    for header in response.headers.iter() {
        fields.add(header, input)?;
    }
    let is_http_1_1 = response.version == Some(1);
    let length = match (fields.chunked, fields.content_length) {
        (true, _) => Length::Chunked,
        (false, Some(bytes)) => Length::Fixed(bytes),
        (false, None) => Length::Unstated,
    };
    // A message with both lengths, or with chunks in HTTP/1.0, may be an attempt at smuggling: RFC 9112, 6.1 and 6.3.
    let suspicious = fields.chunked && (fields.content_length.is_some() || !is_http_1_1);
    let persistent = !fields.close && !suspicious && (is_http_1_1 || fields.keep_alive);
    Ok(Head { status, length, persistent, location: fields.location, sets_cookies: fields.sets_cookies })
}

/// The fields that matter.
#[derive(Default)]
struct Fields {
    content_length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    location: Option<(usize, usize)>,
    sets_cookies: bool,
}

impl Fields {
    fn add(&mut self, header: &Header<'_>, input: &[u8]) -> Result<(), Failure> {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        match header.name.len() {
            8 if is("location") && self.location.is_none() => {
                let from = header.value.as_ptr().addr() - input.as_ptr().addr();
                self.location = Some((from, from + header.value.len()));
            }
            10 if is("set-cookie") => self.sets_cookies = true,
            10 if is("connection") => elements(header.value).for_each(|option| {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }),
            14 if is("content-length") => elements(header.value).try_for_each(|text| self.add_length(text))?,
            17 if is("transfer-encoding") => elements(header.value).try_for_each(|coding| self.add_coding(coding))?,
            _ => {}
        }
        Ok(())
    }

    fn add_length(&mut self, text: &[u8]) -> Result<(), Failure> {
        let length = number(text).ok_or_else(|| malformed("content-length is no number of bytes", text))?;
        if self.content_length.is_some_and(|other| other != length) {
            return Err(malformed("a second content-length differs from the first", text));
        }
        self.content_length = Some(length);
        Ok(())
    }

    fn add_coding(&mut self, coding: &[u8]) -> Result<(), Failure> {
        if self.chunked || !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(malformed("the transfer coding is not chunked alone", coding));
        }
        self.chunked = true;
        Ok(())
    }
}

/// The elements of a comma-separated field value.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The first line that the parser does not take, to the end of the input.
fn broken_line(input: &[u8]) -> &[u8] {
    let is_sound = |end: usize| {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        let mut response = Response::new(&mut []);
        let parsed =
            ParserConfig::default().parse_response_with_uninit_headers(&mut response, &input[..end], &mut headers);
        parsed.is_ok()
    };
    let ends: Vec<usize> = memchr_iter(b'\n', input).take(HEADERS_MAX + 1).map(|at| at + 1).collect();
    let sound = ends.partition_point(|&end| is_sound(end));
    let start = if sound == 0 { 0 } else { ends[sound - 1] };
    &input[start..]
}
