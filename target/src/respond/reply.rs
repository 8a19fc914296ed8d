//! Writes responses, keeps the books while doing so, and lets nothing out while the target is frozen.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::counts::Exchange;
use crate::lane::Lane;

pub(crate) struct Reply<'a> {
    pub(super) lane: &'a Lane,
    stream: &'a mut TcpStream,
    exchange: Exchange<'a>,
    written: u64,
    status: Option<u16>,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(lane: &'a Lane, stream: &'a mut TcpStream, exchange: Exchange<'a>) -> Self {
        Self { lane, stream, exchange, written: 0, status: None }
    }

    /// Writes bytes after which more will follow.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.lane.thawed().await;
        self.stream.write_all(bytes).await?;
        self.exchange.wrote(bytes.len());
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Writes the last bytes of a response with this status.
    pub(crate) async fn finish(&mut self, bytes: &[u8], status: u16) -> io::Result<()> {
        self.lane.thawed().await;
        self.exchange.promise(status, bytes.len());
        self.stream.write_all(bytes).await?;
        self.exchange.keep();
        self.written += bytes.len() as u64;
        self.status = Some(status);
        Ok(())
    }

    /// Books that no proper response will come of this. Waits out a freeze first, so that the client cannot see the
    /// fault while the target is frozen.
    pub(crate) async fn spoil(&mut self) {
        self.lane.thawed().await;
        self.exchange.spoil();
    }

    /// The status of the response that was written, if one was, and all bytes that were.
    pub(crate) fn outcome(&self) -> (Option<u16>, u64) {
        (self.status, self.written)
    }
}
