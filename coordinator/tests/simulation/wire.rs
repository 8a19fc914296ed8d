//! Connections that break and stand still when the simulation wants it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Sleep;
use turmoil::net::TcpStream;

use super::clock::true_ns;

/// An agent's way to its coordinator, as the simulation holds it in its hands. Copies are of the same way.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    cut: Arc<Notify>,
    deaf_until_ns: Arc<AtomicU64>,
}

impl Wire {
    /// Breaks every connection that is open.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// What comes from the coordinator arrives only at this true moment, though what is sent still leaves.
    pub(crate) fn deafen(&self, until_ns: u64) {
        self.deaf_until_ns.store(until_ns, Ordering::Relaxed);
    }

    /// A connection along this way.
    pub(crate) fn along(&self, stream: TcpStream) -> Connection {
        let cut = Box::pin(Arc::clone(&self.cut).notified_owned());
        Connection { stream, cut, deaf_until_ns: Arc::clone(&self.deaf_until_ns), waiting: None }
    }
}

/// A simulated connection that the simulation can break.
pub(crate) struct Connection {
    stream: TcpStream,
    cut: Pin<Box<OwnedNotified>>,
    deaf_until_ns: Arc<AtomicU64>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    fn whole(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let deaf_ns = self.deaf_until_ns.load(Ordering::Relaxed).saturating_sub(true_ns());
            if deaf_ns == 0 {
                self.waiting = None;
                return self.whole(cx)?.poll_read(cx, buf);
            }
            self.whole(cx)?;
            let fresh = || Box::pin(tokio::time::sleep(Duration::from_nanos(deaf_ns)));
            if self.waiting.get_or_insert_with(fresh).as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.whole(cx)?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
