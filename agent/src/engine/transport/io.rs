//! A connection's bytes, in the clear or encrypted.

use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection to a target or a proxy.
///
/// Plain reads and writes go straight to the socket, so that the runtime sees a short read for what it is (nothing
/// more to come now) and spares the next one's attempt.
#[derive(Debug)]
pub enum Io {
    /// In the clear.
    Plain(TcpStream),
    /// Encrypted; boxed, because its state is a kilobyte.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Io {
    /// The TCP connection underneath.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// What the TLS handshake agreed on as the protocol to speak (ALPN), if anything.
    #[must_use]
    pub fn agreed_protocol(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.get_ref().1.alpn_protocol(),
        }
    }
}

/// A connection of which an idle user wants to know whether it still is as it was left.
pub trait Quiet {
    /// Whether the peer has neither spoken nor closed the connection since, as far as the runtime has seen. What it
    /// said is lost.
    fn is_quiet(&mut self) -> bool;
}

impl Quiet for Io {
    fn is_quiet(&mut self) -> bool {
        match self {
            // Without a waker to register and to replace again, this costs a glance at what the runtime has seen.
            Self::Plain(tcp) => matches!(tcp.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock),
            // Session tickets come at any time, and are TLS's own affair.
            Self::Tls(tls) => is_pending(tls),
        }
    }
}

/// Whether there is nothing to read.
pub(super) fn is_pending(io: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut byte = [0];
    Pin::new(io).poll_read(&mut Context::from_waker(Waker::noop()), &mut ReadBuf::new(&mut byte)).is_pending()
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        match self.get_mut() {
            // A socket almost always takes a request at once, so ask for nothing to be prepared for the contrary.
            Self::Plain(tcp) => match tcp.try_write(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => Pin::new(tcp).poll_write(cx, buf),
                written => Poll::Ready(written),
            },
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
