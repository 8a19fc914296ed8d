//! One request and its response over an established connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use muster_proto::outcome::ErrorKind;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::super::clock;
use super::super::super::deadline::Deadline;
use super::super::io::Quiet;
use super::super::{Broken, Failure, Reply};
use super::{Decoder, Fed, Limits, Numbered, Scratch};

/// A connection that speaks HTTP/1.1.
pub struct Http1<IO> {
    io: IO,
    /// Whether the last response, if any, ended where the next may begin.
    clean: bool,
}

impl<IO: Quiet> Http1<IO> {
    /// Whether an idle connection must not be used again: its last exchange left it broken or was abandoned, the peer
    /// has closed it, or has sent what nobody asked for.
    ///
    /// It costs no system call while the runtime has seen nothing to read. The peer may still close the connection in
    /// the very next moment: see [`Broken::closed_early`].
    pub fn is_stale(&mut self) -> bool {
        !self.clean || !self.io.is_quiet()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Http1<IO> {
    /// Speaks over a connection that is established, TLS included.
    pub fn new(io: IO) -> Self {
        Self { io, clean: true }
    }

    /// Sends `request` and reads the response to its end, or gives up at the deadline, or when the limits are exceeded.
    /// The deadline is the caller's to lend, so that its timer outlives the exchange.
    ///
    /// # Errors
    /// [`Broken`] when no complete response came; the connection must then be dropped.
    pub async fn exchange(
        &mut self,
        request: Numbered<'_>,
        limits: &Limits,
        scratch: &Scratch,
        deadline: &mut Deadline,
    ) -> Result<Reply, Box<Broken>> {
        self.clean = false;
        let mut exchange = Exchange {
            io: &mut self.io,
            request,
            decoder: Decoder::begin(request.rendered.asked(), limits),
            scratch,
            total_at_ns: deadline.at_ns(),
            deadline,
            silence_max_ns: limits.silence_max_ns,
            sent: 0,
            received: 0,
            written_ns: None,
            first_byte_ns: None,
            progress_ns: 0,
            write_error: None,
        };
        let result = poll_fn(|cx| exchange.poll(cx)).await;
        exchange.deadline.set(exchange.total_at_ns);
        self.clean = matches!(&result, Ok(reply) if reply.reusable);
        result
    }
}

struct Exchange<'a, IO> {
    io: &'a mut IO,
    request: Numbered<'a>,
    decoder: Decoder,
    scratch: &'a Scratch,
    deadline: &'a mut Deadline,
    total_at_ns: u64,
    silence_max_ns: u64,
    sent: usize,
    received: u64,
    written_ns: Option<u64>,
    first_byte_ns: Option<u64>,
    /// When the last byte was written or read.
    progress_ns: u64,
    /// Why writing ended early. The response may have come all the same: a server that has heard enough answers and
    /// closes.
    write_error: Option<io::Error>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Exchange<'_, IO> {
    /// Both directions are polled, for a target may answer, or stop reading, before it has the whole request.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Box<Broken>>> {
        let before_ns = self.progress_ns;
        if self.written_ns.is_none() && self.write_error.is_none() {
            self.poll_write(cx);
        }
        if let Poll::Ready(result) = self.poll_read(cx) {
            return Poll::Ready(result);
        }
        let has_moved = self.progress_ns != before_ns;
        self.poll_patience(cx, has_moved).map(Err)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) {
        let before = self.sent;
        match self.poll_write_all(cx) {
            Poll::Ready(Ok(())) => {
                self.progress_ns = clock::now_ns();
                self.written_ns = Some(self.progress_ns);
            }
            Poll::Ready(Err(error)) => {
                self.progress_ns = clock::now_ns();
                self.write_error = Some(error);
            }
            Poll::Pending if self.sent > before || self.progress_ns == 0 => self.progress_ns = clock::now_ns(),
            Poll::Pending => {}
        }
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.request.rendered.bytes().len() {
            let mut scratch = self.scratch.borrow();
            match ready!(Pin::new(&mut *self.io).poll_write(cx, self.request.rest(self.sent, &mut scratch.bytes)))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        // TLS takes bytes before it can pass them on; to a plain socket this is nothing.
        Pin::new(&mut *self.io).poll_flush(cx)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Box<Broken>>> {
        let mut scratch = self.scratch.borrow();
        let scratch = &mut *scratch;
        loop {
            let mut buffer = ReadBuf::new(&mut scratch.bytes);
            let read = ready!(Pin::new(&mut *self.io).poll_read(cx, &mut buffer));
            let length = buffer.filled().len();
            let now_ns = clock::now_ns();
            let ended = match read {
                Ok(()) if length > 0 => {
                    self.received += length as u64;
                    self.first_byte_ns.get_or_insert(now_ns);
                    self.progress_ns = now_ns;
                    match self.decoder.feed(&mut scratch.known, &scratch.bytes[..length]) {
                        Ok(Fed::Partial) => continue,
                        Ok(Fed::Complete { consumed }) => Ok(self.reply(now_ns, consumed == length)),
                        Err(failure) => Err(self.broken(now_ns, failure)),
                    }
                }
                Ok(()) => self.eof(now_ns),
                Err(error) => Err(self.broken(now_ns, failure_of(&error))),
            };
            return Poll::Ready(ended);
        }
    }

    fn eof(&mut self, now_ns: u64) -> Result<Reply, Box<Broken>> {
        let failure = match &self.write_error {
            Some(error) if self.received == 0 => failure_of(error),
            _ if self.received == 0 => Failure::new(ErrorKind::Reset, "the connection was closed without a response"),
            _ => match self.decoder.eof() {
                Ok(()) => return Ok(self.reply(now_ns, true)),
                Err(failure) => failure,
            },
        };
        Err(self.broken(now_ns, failure))
    }

    /// Ready when the exchange has taken too long. Asked only when there is nothing to write or read.
    fn poll_patience(&mut self, cx: &mut Context<'_>, has_moved: bool) -> Poll<Box<Broken>> {
        let silent_at_ns = self.progress_ns.saturating_add(self.silence_max_ns);
        self.deadline.set(silent_at_ns.min(self.total_at_ns));
        // Something has moved just now, so that is what the time is.
        if has_moved && self.deadline.wakes_later(cx, self.progress_ns) {
            return Poll::Pending;
        }
        ready!(self.deadline.poll_expired(cx));
        let failure = if self.total_at_ns <= silent_at_ns {
            Failure::new(ErrorKind::TotalTimeout, "the response was not complete in time")
        } else {
            let silence_ms = self.silence_max_ns / 1_000_000;
            match (self.written_ns, &self.write_error, self.first_byte_ns) {
                (None, None, _) => Failure::new(
                    ErrorKind::WriteTimeout,
                    format!("the target took no byte of the request for {silence_ms} ms"),
                ),
                (_, _, None) => Failure::new(ErrorKind::ReadTimeout, format!("no response within {silence_ms} ms")),
                _ => Failure::new(
                    ErrorKind::ReadTimeout,
                    format!("no further byte of the response within {silence_ms} ms"),
                ),
            }
        };
        Poll::Ready(self.broken(clock::now_ns(), failure))
    }

    fn reply(&mut self, done_ns: u64, is_exact: bool) -> Reply {
        let first_byte_ns = self.first_byte_ns.unwrap_or(done_ns);
        Reply {
            status: self.decoder.status(),
            // A target that answers before it has heard all leaves no time in which it was waited for.
            written_ns: self.written_ns.unwrap_or(first_byte_ns),
            first_byte_ns,
            done_ns,
            bytes_sent: self.sent as u64,
            bytes_received: self.received,
            reusable: is_exact
                && self.written_ns.is_some()
                && !self.request.rendered.closes()
                && self.decoder.is_persistent(),
            location: self.decoder.take_location(),
            kept: self.decoder.take_kept(),
        }
    }

    #[cold]
    fn broken(&self, at_ns: u64, failure: Failure) -> Box<Broken> {
        Box::new(Broken {
            closed_early: failure.kind == ErrorKind::Reset && self.received == 0,
            failure,
            written_ns: self.written_ns,
            first_byte_ns: self.first_byte_ns,
            at_ns,
            bytes_sent: self.sent as u64,
            bytes_received: self.received,
        })
    }
}

/// What an error of the connection is counted as.
#[cold]
fn failure_of(error: &io::Error) -> Failure {
    let is_ours =
        error.kind() == io::ErrorKind::OutOfMemory || error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error());
    // TLS 1.3 refuses a client certificate only after the handshake, in place of the response.
    let is_tls = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
    let kind = match (is_ours, is_tls) {
        (true, _) => ErrorKind::GeneratorOverload,
        (_, true) => ErrorKind::Tls,
        _ => ErrorKind::Reset,
    };
    Failure::new(kind, format!("the connection failed: {error}"))
}

#[cfg(test)]
mod tests;
