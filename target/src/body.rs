//! Takes a request's body off the connection. Nothing of it is kept but its length.

use std::io;

use httparse::{InvalidChunkSize, Status, parse_chunk_size};
use tokio::net::TcpStream;

use crate::input::{HEAD_MAX, Input};
use crate::request::{Body, Refusal, refuse};

/// The longest line with a chunk's size, extensions included.
const CHUNK_LINE_MAX: usize = 1 << 12;

const TOO_LARGE: Refusal = refuse(413, "the request's body is larger than this target takes");
const NOT_CHUNKED: Refusal = refuse(400, "the request's body is not properly chunked");

/// Why a body could not be taken.
pub(crate) enum BodyError {
    Refused(Refusal),
    /// The connection ended first.
    Gone,
}

impl From<io::Error> for BodyError {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Whether a body is larger than `most` bytes by its own word.
pub(crate) fn check(body: Body, most: u64) -> Result<(), Refusal> {
    match body {
        Body::Length(length) if length > most => Err(TOO_LARGE),
        _ => Ok(()),
    }
}

/// Takes a body of at most `most` bytes; gives its length.
pub(crate) async fn take(body: Body, most: u64, input: &mut Input, stream: &mut TcpStream) -> Result<u64, BodyError> {
    match body {
        Body::None => Ok(0),
        Body::Length(length) => {
            skip(input, stream, length).await?;
            Ok(length)
        }
        Body::Chunked => take_chunks(most, input, stream).await,
    }
}

async fn take_chunks(most: u64, input: &mut Input, stream: &mut TcpStream) -> Result<u64, BodyError> {
    let mut total = 0_u64;
    loop {
        let size = take_chunk_size(input, stream).await?;
        if size == 0 {
            take_trailers(input, stream).await?;
            return Ok(total);
        }
        total = total.saturating_add(size);
        if total > most {
            return Err(BodyError::Refused(TOO_LARGE));
        }
        skip(input, stream, size).await?;
        if !take_line(input, stream).await?.is_empty() {
            return Err(BodyError::Refused(NOT_CHUNKED));
        }
    }
}

async fn take_chunk_size(input: &mut Input, stream: &mut TcpStream) -> Result<u64, BodyError> {
    loop {
        match parse_chunk_size(input.filled()) {
            Ok(Status::Complete((used, size))) => {
                input.consume(used);
                return Ok(size);
            }
            Ok(Status::Partial) if input.filled().len() < CHUNK_LINE_MAX => more(input, stream).await?,
            Ok(Status::Partial) | Err(InvalidChunkSize) => return Err(BodyError::Refused(NOT_CHUNKED)),
        }
    }
}

async fn take_trailers(input: &mut Input, stream: &mut TcpStream) -> Result<(), BodyError> {
    let mut bytes = 0;
    loop {
        let line = take_line(input, stream).await?;
        bytes += line.len();
        if line.is_empty() {
            return Ok(());
        }
        if bytes > HEAD_MAX {
            return Err(BodyError::Refused(NOT_CHUNKED));
        }
    }
}

/// Takes one line and gives it without its end.
async fn take_line(input: &mut Input, stream: &mut TcpStream) -> Result<Vec<u8>, BodyError> {
    loop {
        if let Some(end) = memchr::memchr(b'\n', input.filled()) {
            let line = input.filled()[..end].trim_ascii_end().to_vec();
            input.consume(end + 1);
            return Ok(line);
        }
        if input.filled().len() >= CHUNK_LINE_MAX {
            return Err(BodyError::Refused(NOT_CHUNKED));
        }
        more(input, stream).await?;
    }
}

async fn skip(input: &mut Input, stream: &mut TcpStream, bytes: u64) -> Result<(), BodyError> {
    if input.skip(stream, bytes).await? { Ok(()) } else { Err(BodyError::Gone) }
}

async fn more(input: &mut Input, stream: &mut TcpStream) -> Result<(), BodyError> {
    if input.fill(stream).await? > 0 { Ok(()) } else { Err(BodyError::Gone) }
}
