//! Connections that can be cut from this side, however little the other side reads.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tonic::transport::server::Connected;

/// A connection that breaks as soon as somebody cuts it.
pub struct Connection<C> {
    stream: C,
    cut: Pin<Box<OwnedNotified>>,
    shears: Shears,
}

/// What cuts a connection.
#[derive(Clone, Debug, Default)]
pub struct Shears(Arc<Notify>);

impl Shears {
    /// Breaks the connection, with all of its streams and whatever is on its way.
    pub(super) fn cut(&self) {
        self.0.notify_one();
    }
}

impl<C> From<C> for Connection<C> {
    fn from(stream: C) -> Self {
        let shears = Shears::default();
        Self { stream, cut: Box::pin(Arc::clone(&shears.0).notified_owned()), shears }
    }
}

impl<C: Unpin> Connection<C> {
    /// The stream, unless it was cut. Whoever is told to wait hears of the cut, too.
    fn whole(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut C>> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
        }
    }
}

impl<C> Connected for Connection<C> {
    type ConnectInfo = Shears;

    fn connect_info(&self) -> Shears {
        self.shears.clone()
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Connection<C> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.whole(cx)?.poll_read(cx, buf)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Connection<C> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.whole(cx)?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.whole(cx)?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
