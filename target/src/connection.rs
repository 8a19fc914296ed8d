//! One connection, from its first byte to its end.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::body::{self, BodyError};
use crate::input::Input;
use crate::lane::Lane;
use crate::plain::Known;
use crate::request::{Refusal, Request, refuse};
use crate::respond::{self, After, Received};

/// How long a connection without an answer is held for a client that does not leave.
const HOLD_MAX: Duration = Duration::from_secs(600);

/// How long, and for how many bytes, a refused client is listened to, so that it can read why.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 1 << 20);

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

struct Connection<'a> {
    lane: &'a Lane,
    stream: TcpStream,
    input: Input,
    known: Known,
    responses: u32,
}

/// What a connection does next.
enum Next {
    Go,
    End(After),
    Refuse(Refusal),
}

/// Serves a connection until it ends. How it ends is the client's business, or was scripted.
pub(crate) async fn serve(lane: &Lane, stream: TcpStream) {
    let input = Input::new(lane.shared.config.idle_timeout);
    let connection = Connection { lane, stream, input, known: Known::default(), responses: 0 };
    let _ = connection.run().await;
}

impl Connection<'_> {
    async fn run(mut self) -> io::Result<()> {
        loop {
            match self.turn().await? {
                Next::Go => {}
                Next::End(After::Reset) => return self.stream.set_zero_linger(),
                Next::End(After::Hold) => return self.listen_to_nothing(HOLD_MAX, u64::MAX).await,
                Next::End(After::Stay | After::Close) => return Ok(()),
                Next::Refuse(refusal) => return self.refuse(refusal).await,
            }
        }
    }

    /// Answers what has come, or waits for more.
    async fn turn(&mut self) -> io::Result<Next> {
        if let Some(plain) = &self.lane.shared.plain
            && self.known.answer(plain, self.lane, &mut self.input, &mut self.stream).await?
        {
            return Ok(Next::Go);
        }
        if self.input.is_worth_parsing() {
            match Request::parse(self.input.filled()) {
                Ok(Some(request)) if self.lane.shared.plain.is_some() && self.known.learn(&request) => {
                    return Ok(Next::Go);
                }
                Ok(Some(request)) => return self.answer(&request).await,
                Ok(None) => {}
                Err(refusal) => return Ok(Next::Refuse(refusal)),
            }
        }
        if self.input.is_full() {
            return Ok(Next::Refuse(refuse(431, "the request's head is larger than 64 KiB")));
        }
        Ok(if self.input.fill(&mut self.stream).await? > 0 { Next::Go } else { Next::End(After::Close) })
    }

    async fn answer(&mut self, request: &Request) -> io::Result<Next> {
        self.input.consume(request.head.len());
        let body_bytes = match self.take_body(request).await {
            Ok(bytes) => bytes,
            Err(BodyError::Refused(refusal)) => return Ok(Next::Refuse(refusal)),
            Err(BodyError::Gone) => return Ok(Next::End(After::Close)),
        };
        let received = Received { request, body_bytes, responses: self.responses };
        let after = respond::respond(self.lane, &mut self.stream, &received).await?;
        self.responses = self.responses.saturating_add(1);
        Ok(if after == After::Stay { Next::Go } else { Next::End(after) })
    }

    async fn take_body(&mut self, request: &Request) -> Result<u64, BodyError> {
        let most = self.lane.shared.config.request_body_max;
        body::check(request.body, most).map_err(BodyError::Refused)?;
        if request.expects_continue && self.input.filled().is_empty() {
            self.lane.thawed().await;
            self.stream.write_all(CONTINUE).await?;
            self.lane.counters().bytes_written.fetch_add(CONTINUE.len() as u64, Relaxed);
        }
        body::take(request.body, most, &mut self.input, &mut self.stream).await
    }

    /// Says why, and closes only when the client has had time to read it: closing with unread bytes would reset the
    /// connection and could take the answer along.
    async fn refuse(mut self, refusal: Refusal) -> io::Result<()> {
        respond::refuse(self.lane, &mut self.stream, refusal).await?;
        self.stream.shutdown().await?;
        self.listen_to_nothing(LINGER.0, LINGER.1).await
    }

    async fn listen_to_nothing(&mut self, longest: Duration, bytes: u64) -> io::Result<()> {
        self.input.consume(usize::MAX);
        self.input.idle_timeout = None;
        let _ = timeout(longest, self.input.skip(&mut self.stream, bytes)).await;
        Ok(())
    }
}
