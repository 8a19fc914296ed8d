//! Performs the scripted faults.

use std::io;
use std::time::Duration;

use crate::clock::{after, now_ns};
use crate::script::Fault;

use super::encode::Encoder;
use super::reply::Reply;

/// How much an endless head or header sends before it ends after all.
const ENDLESS_BYTES: usize = 16 << 20;

/// How many interim responses make a flood, and how many go out at once.
const INTERIM: (usize, usize) = (10_000, 100);

/// What becomes of the connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Stay,
    Close,
    Reset,
    /// Say nothing more, and wait for the client to leave.
    Hold,
}

/// What a fault acts upon.
pub(super) struct Scene<'r, 'a> {
    pub(super) reply: &'r mut Reply<'a>,
    pub(super) encoder: Encoder,
    pub(super) status: u16,
    pub(super) interval: Duration,
    /// What becomes of the connection if the fault lets it live.
    pub(super) then: After,
}

impl Scene<'_, '_> {
    pub(super) async fn perform(mut self, fault: Fault) -> io::Result<After> {
        match fault {
            Fault::CloseAfter => self.whole(b"").await.map(|()| After::Close),
            Fault::Surplus => self.whole(b"HTTP/1.1 200 OK\r\nx-surplus: unasked\r\n").await.map(|()| self.then),
            Fault::Trickle => self.trickle().await.map(|()| self.then),
            Fault::InterimFlood => self.flood().await.map(|()| self.then),
            _ => {
                self.reply.spoil().await;
                self.spoilt(fault).await
            }
        }
    }

    /// The faults that leave no proper response.
    async fn spoilt(mut self, fault: Fault) -> io::Result<After> {
        let in_head = self.encoder.head_len() as u64 / 2;
        let in_body = self.encoder.head_len() as u64 + (self.encoder.content_len() / 2).max(1);
        match fault {
            Fault::CloseBefore => Ok(After::Close),
            Fault::Reset => Ok(After::Reset),
            Fault::Never => Ok(After::Hold),
            Fault::CloseMidHead => self.part(in_head, After::Close).await,
            Fault::SilentMidHead => self.part(in_head, After::Hold).await,
            Fault::CloseMidBody | Fault::TruncatedChunk => self.part(in_body, After::Close).await,
            Fault::ResetMidBody => self.part(in_body, After::Reset).await,
            Fault::SilentMidBody => self.part(in_body, After::Hold).await,
            Fault::EndlessHead => self.endless(b"x-more: and more\r\n").await,
            Fault::EndlessHeader => self.endless(b"and more ").await,
            _ => self.reply.send(nonsense(fault)).await.map(|()| After::Close),
        }
    }

    /// The whole response, and then some.
    async fn whole(&mut self, surplus: &[u8]) -> io::Result<()> {
        let mut piece = Vec::new();
        while !self.encoder.next(&mut piece) {
            self.reply.send(&piece).await?;
            piece.clear();
        }
        piece.extend_from_slice(surplus);
        self.reply.finish(&piece, self.status).await
    }

    /// The first `bytes` bytes of the response.
    async fn part(&mut self, mut bytes: u64, then: After) -> io::Result<After> {
        let (mut piece, mut is_last) = (Vec::new(), false);
        while bytes > 0 && !is_last {
            is_last = self.encoder.next(&mut piece);
            piece.truncate(bytes.min(piece.len() as u64) as usize);
            self.reply.send(&piece).await?;
            bytes -= piece.len() as u64;
            piece.clear();
        }
        Ok(then)
    }

    async fn trickle(&mut self) -> io::Result<()> {
        let (mut piece, mut is_last) = (Vec::new(), false);
        while !is_last {
            is_last = self.encoder.next(&mut piece);
            let ends_here = if is_last { piece.pop() } else { None };
            for byte in &piece {
                self.wait_interval().await;
                self.reply.send(&[*byte]).await?;
            }
            if let Some(end) = ends_here {
                self.wait_interval().await;
                self.reply.finish(&[end], self.status).await?;
            }
            piece.clear();
        }
        Ok(())
    }

    async fn wait_interval(&self) {
        self.reply.lane.timer.wait_until(after(now_ns(), self.interval)).await;
    }

    async fn flood(&mut self) -> io::Result<()> {
        let (all, at_once) = INTERIM;
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(at_once);
        for _ in 0..all / at_once {
            self.reply.send(&interim).await?;
        }
        self.whole(b"").await
    }

    async fn endless(&mut self, what: &[u8]) -> io::Result<After> {
        self.reply.send(b"HTTP/1.1 200 OK\r\nx-endless: ").await?;
        let block = what.repeat(1 + (1 << 14) / what.len());
        for _ in 0..ENDLESS_BYTES / block.len() {
            self.reply.send(&block).await?;
        }
        Ok(After::Close)
    }
}

/// What is not a response at all.
fn nonsense(fault: Fault) -> &'static [u8] {
    match fault {
        Fault::WrongVersion => b"HTTP/7.3 200 OK\r\ncontent-length: 2\r\n\r\nok",
        Fault::BadStatus => b"HTTP/1.1 2OO OK\r\ncontent-length: 2\r\n\r\nok",
        Fault::BadLength => b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok",
        Fault::TwoLengths => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        Fault::HugeChunk => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nok",
        Fault::BadChunk => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        _ => b"\x00\xff\x80this is not HTTP\r\n\x07\r\n\r\n",
    }
}
