//! The bytes that a connection has received and not yet understood.

use std::io;
use std::time::Duration;

use memchr::memmem;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest head of a request, in bytes, and so the largest buffer of a connection.
pub const HEAD_MAX: usize = 1 << 16;

/// The buffer that a connection begins with: most never need more.
const BUFFER_START: usize = 1 << 12;

pub(crate) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    scanned: usize,
    /// How long one wait for more may last.
    pub(crate) idle_timeout: Option<Duration>,
}

impl Input {
    pub(crate) fn new(idle_timeout: Option<Duration>) -> Self {
        Self { buffer: vec![0; BUFFER_START], start: 0, end: 0, scanned: 0, idle_timeout }
    }

    /// What has been received and not been consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
        self.scanned = 0;
    }

    /// Whether no further byte has room.
    pub(crate) fn is_full(&self) -> bool {
        self.filled().len() >= HEAD_MAX
    }

    /// Whether parsing can tell something new. A head that arrives byte by byte would otherwise be parsed for each of
    /// them, at a cost that grows with the square of its length.
    pub(crate) fn is_worth_parsing(&mut self) -> bool {
        let first_time = self.scanned == 0;
        let from = self.start + self.scanned.saturating_sub(2);
        self.scanned = self.end - self.start;
        let news = &self.buffer[from..self.end];
        !news.is_empty()
            && (first_time || memmem::find(news, b"\n\r\n").is_some() || memmem::find(news, b"\n\n").is_some())
    }

    /// Receives more, at most up to [`HEAD_MAX`] in all; 0 is the connection's end, a full buffer, or a client that was
    /// idle for too long.
    pub(crate) async fn fill(&mut self, stream: &mut TcpStream) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.buffer.len() {
            self.make_room();
        }
        // A read that leaves room in the buffer has emptied the socket: the runtime then waits for readiness without
        // asking the socket once more.
        let reading = stream.read(&mut self.buffer[self.end..]);
        let received = match self.idle_timeout {
            None => reading.await?,
            Some(idle) => timeout(idle, reading).await.unwrap_or(Ok(0))?,
        };
        self.end += received;
        Ok(received)
    }

    /// Receives and drops `bytes` bytes; false when the connection ends before them.
    pub(crate) async fn skip(&mut self, stream: &mut TcpStream, mut bytes: u64) -> io::Result<bool> {
        loop {
            let here = (self.filled().len() as u64).min(bytes);
            self.consume(here as usize);
            bytes -= here;
            if bytes == 0 {
                return Ok(true);
            }
            if self.fill(stream).await? == 0 {
                return Ok(false);
            }
        }
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        } else if self.buffer.len() < HEAD_MAX {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_waits_for_the_end_of_a_head() {
        let mut input = Input::new(None);
        assert!(!input.is_worth_parsing());
        let mut worth = Vec::new();
        for (at, byte) in b"GET / HTTP/1.1\r\na: b\r\n\r\n".iter().enumerate() {
            input.buffer[at] = *byte;
            input.end += 1;
            if input.is_worth_parsing() {
                worth.push(at);
            }
        }
        assert_eq!(worth, [0, 23]);
    }

    #[test]
    fn room_is_made_by_moving_before_growing_and_never_beyond_the_bound() {
        let mut input = Input::new(None);
        input.end = BUFFER_START;
        input.buffer[BUFFER_START - 1] = b'x';
        input.consume(BUFFER_START - 1);
        input.make_room();
        assert_eq!((input.filled(), input.buffer.len()), (&b"x"[..], BUFFER_START));
        for _ in 0..20 {
            input.end = input.buffer.len();
            input.make_room();
        }
        assert!(input.is_full() && input.buffer.len() == HEAD_MAX);
    }
}
