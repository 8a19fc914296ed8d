mod patience;

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use muster_proto::plan::{Body, Request, Url};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::super::super::io::is_pending;
use super::super::{Manner, Rendered};
use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// Patience that no test exhausts.
const LONG_NS: u64 = 60_000_000_000;
/// Patience that tests do exhaust.
const SHORT_NS: u64 = 20_000_000;
const LIMITS: Limits = Limits { head_bytes_max: 4_096, body_bytes_max: 16 << 20, silence_max_ns: LONG_NS };

fn request(body: Vec<u8>) -> Rendered {
    rendered(body, Manner { keep_alive: true, ..Manner::default() })
}

fn rendered(body: Vec<u8>, manner: Manner) -> Rendered {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = Request {
        body: Body(body.into()),
        timeout: Duration::from_secs(60),
        ..Request::new("step", method, Url { tls: false, host: "shop.test".into(), port: 80, path: "/".into() })
    };
    Rendered::new(&request, manner).unwrap()
}

fn numbered(rendered: &Rendered) -> Numbered<'_> {
    Numbered { rendered, id: 0 }
}

macro_rules! quiet {
    ($($stand_in:ty),*) => { $(impl Quiet for $stand_in {
        fn is_quiet(&mut self) -> bool {
            is_pending(self)
        }
    })* };
}

quiet!(DuplexStream, BufWriter<DuplexStream>, TcpStream, Counted<TcpStream>);

async fn send<IO: AsyncRead + AsyncWrite + Unpin>(
    http: &mut Http1<IO>,
    request: &Rendered,
    limits: &Limits,
    total_ns: u64,
) -> Result<Reply, Box<Broken>> {
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + total_ns);
    http.exchange(numbered(request), limits, &Scratch::default(), &mut deadline).await
}

/// A GET over a pipe whose other end follows a script.
async fn get<F: Future>(script: impl FnOnce(DuplexStream) -> F) -> (Result<Reply, Box<Broken>>, Http1<DuplexStream>) {
    let (near, far) = duplex(1 << 16);
    let mut http = Http1::new(near);
    let get = request(Vec::new());
    let (result, _) = tokio::join!(send(&mut http, &get, &LIMITS, LONG_NS), script(far));
    (result, http)
}

/// Reads a request without a body.
async fn hear<IO: AsyncRead + Unpin>(io: &mut IO) {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        heard.push(io.read_u8().await.unwrap());
    }
}

async fn loopback() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

/// Counts what is asked of a connection.
struct Counted<IO> {
    io: IO,
    writes: Rc<Cell<u32>>,
    reads: Rc<Cell<u32>>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Counted<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.reads.set(self.reads.get() + 1);
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Counted<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.set(self.writes.get() + 1);
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn one_connection_carries_many_exchanges_at_one_write_and_one_read_each() {
    let (near, mut far) = loopback().await;
    let (writes, reads) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut http = Http1::new(Counted { io: near, writes: writes.clone(), reads: reads.clone() });
    let get = request(Vec::new());
    let (scratch, mut deadline) = (Scratch::default(), Deadline::default());
    for _ in 0..10 {
        let (writes_before, reads_before) = (writes.get(), reads.get());
        let started_ns = clock::now_ns();
        deadline.set(started_ns + LONG_NS);
        let exchange = http.exchange(numbered(&get), &LIMITS, &scratch, &mut deadline);
        let (reply, ()) = tokio::join!(exchange, async {
            hear(&mut far).await;
            far.write_all(OK).await.unwrap();
        });
        let reply = reply.unwrap();
        assert_eq!((reply.status, reply.reusable), (200, true));
        assert_eq!((reply.bytes_sent, reply.bytes_received), (get.bytes().len() as u64, OK.len() as u64));
        assert!(started_ns <= reply.written_ns && reply.written_ns <= reply.first_byte_ns);
        assert_eq!(reply.first_byte_ns, reply.done_ns, "one read had all of it");
        assert_eq!(writes.get() - writes_before, 1);
        // The first poll finds nothing and costs no system call; the deadline's timer may cause a spare one.
        assert!(reads.get() - reads_before <= 3, "{} polls", reads.get() - reads_before);
        assert!(!http.is_stale());
    }
}

#[tokio::test]
async fn connections_of_a_worker_share_one_buffer() {
    let (scratch, get) = (Scratch::default(), request(Vec::new()));
    let one = async |name: u8, length: usize| {
        let (near, mut far) = duplex(100);
        let (mut http, mut deadline) = (Http1::new(near), Deadline::default());
        deadline.set(clock::now_ns() + LONG_NS);
        let (reply, ()) = tokio::join!(http.exchange(numbered(&get), &LIMITS, &scratch, &mut deadline), async {
            hear(&mut far).await;
            let body = vec![name; length];
            far.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await.unwrap();
            for piece in body.chunks(7) {
                far.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let reply = reply.unwrap();
        assert!(reply.reusable && reply.bytes_received > length as u64);
    };
    tokio::join!(one(b'a', 500), one(b'b', 900), one(b'c', 300));
}

#[tokio::test]
async fn a_response_larger_than_the_buffer_takes_several_reads() {
    for head in ["content-length: 1048576\r\n\r\n", "transfer-encoding: chunked\r\n\r\n100000\r\n"] {
        let (near, mut far) = loopback().await;
        let mut http = Http1::new(near);
        let get = request(Vec::new());
        let (reply, ()) = tokio::join!(send(&mut http, &get, &LIMITS, LONG_NS), async {
            hear(&mut far).await;
            far.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).await.unwrap();
            far.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
            if head.starts_with("transfer") {
                far.write_all(b"\r\n0\r\n\r\n").await.unwrap();
            }
        });
        let reply = reply.unwrap();
        assert!(reply.reusable && reply.bytes_received > 1 << 20 && reply.first_byte_ns < reply.done_ns);
    }
}

#[tokio::test]
async fn a_request_that_the_peer_takes_bit_by_bit_is_written_whole() {
    let (near, mut far) = duplex(16);
    let mut http = Http1::new(near);
    let post = request(vec![b'x'; 10_000]);
    let (reply, heard) = tokio::join!(send(&mut http, &post, &LIMITS, LONG_NS), async {
        let mut heard = vec![0; post.bytes().len()];
        far.read_exact(&mut heard).await.unwrap();
        far.write_all(OK).await.unwrap();
        heard
    });
    assert_eq!(heard, post.bytes());
    assert!(reply.unwrap().reusable);
}

#[tokio::test]
async fn what_the_connection_holds_back_is_flushed() {
    let (near, mut far) = duplex(1 << 16);
    let mut http = Http1::new(BufWriter::new(near));
    let get = request(Vec::new());
    let (reply, ()) = tokio::join!(send(&mut http, &get, &LIMITS, LONG_NS), async {
        hear(&mut far).await;
        far.write_all(OK).await.unwrap();
    });
    assert!(reply.unwrap().reusable);
}

#[tokio::test]
async fn a_connection_for_one_request_is_not_reused_whatever_the_target_says() {
    let (near, mut far) = duplex(1 << 16);
    let mut http = Http1::new(near);
    let once = rendered(Vec::new(), Manner::default());
    far.write_all(b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert!(!send(&mut http, &once, &LIMITS, LONG_NS).await.unwrap().reusable);
    assert!(http.is_stale());
}

#[tokio::test]
async fn an_answer_before_the_request_is_written_ends_the_exchange() {
    let (near, mut far) = duplex(64);
    let mut http = Http1::new(near);
    let post = request(vec![b'x'; 10_000]);
    let (reply, _far) = tokio::join!(send(&mut http, &post, &LIMITS, LONG_NS), async {
        far.read_u8().await.unwrap();
        far.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nhello").await.unwrap();
        far
    });
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.reusable), (413, false));
    assert!(reply.bytes_sent < post.bytes().len() as u64);
    assert_eq!(reply.written_ns, reply.first_byte_ns);
    assert!(http.is_stale());
}

#[tokio::test]
async fn an_answer_counts_although_the_peer_closed_before_it_had_the_request() {
    let (near, mut far) = loopback().await;
    let mut http = Http1::new(near);
    let post = request(vec![b'x'; 8 << 20]);
    let (reply, ()) = tokio::join!(send(&mut http, &post, &LIMITS, LONG_NS), async {
        far.read_u8().await.unwrap();
        far.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nhello").await.unwrap();
        drop(far);
    });
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.reusable), (413, false));
}

/// A connection that takes no byte, as if the peer had reset it, but still gives what had come before.
struct Refusing(DuplexStream);

impl AsyncRead for Refusing {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Refusing {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_answer_that_is_seen_only_after_writing_failed_still_counts() {
    let get = request(Vec::new());
    let (near, mut far) = duplex(1 << 16);
    let mut http = Http1::new(Refusing(near));
    let (reply, ()) = tokio::join!(send(&mut http, &get, &LIMITS, LONG_NS), async {
        far.write_all(OK).await.unwrap();
    });
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.reusable, reply.bytes_sent), (200, false, 0));

    let (near, far) = duplex(1 << 16);
    let mut http = Http1::new(Refusing(near));
    let (result, ()) = tokio::join!(send(&mut http, &get, &LIMITS, LONG_NS), async { drop(far) });
    let broken = result.unwrap_err();
    assert_eq!((broken.failure.kind, broken.closed_early, broken.written_ns), (ErrorKind::Reset, true, None));
}

#[tokio::test]
async fn interim_responses_are_passed_over() {
    let (reply, mut http) = get(async |mut far| {
        hear(&mut far).await;
        far.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n").await.unwrap();
        tokio::task::yield_now().await;
        far.write_all(OK).await.unwrap();
        far
    })
    .await;
    assert_eq!(reply.unwrap().status, 200);
    assert!(http.is_stale(), "the peer is gone by now");
}

#[tokio::test]
async fn a_close_ends_a_body_of_unstated_length() {
    let (reply, mut http) = get(async |mut far| {
        hear(&mut far).await;
        far.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
    })
    .await;
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.reusable, reply.bytes_received), (200, false, 24));
    assert!(http.is_stale());
}

#[tokio::test]
async fn a_close_before_any_byte_is_told_apart_from_a_later_one() {
    let (result, _) = get(async |mut far| hear(&mut far).await).await;
    let broken = result.unwrap_err();
    assert_eq!((broken.failure.kind, broken.closed_early), (ErrorKind::Reset, true));
    assert!(broken.written_ns.is_some() && broken.first_byte_ns.is_none());

    let (result, _) = get(async |far| drop(far)).await;
    let broken = result.unwrap_err();
    assert_eq!((broken.failure.kind, broken.closed_early), (ErrorKind::Reset, true));

    let (result, mut http) = get(async |mut far| {
        hear(&mut far).await;
        far.write_all(&OK[..OK.len() - 1]).await.unwrap();
    })
    .await;
    let broken = result.unwrap_err();
    assert_eq!((broken.failure.kind, broken.closed_early), (ErrorKind::Reset, false));
    assert_eq!(broken.bytes_received, OK.len() as u64 - 1);
    assert!(broken.first_byte_ns.is_some() && http.is_stale());
}

#[tokio::test]
async fn a_reset_connection_is_told_as_such() {
    let (near, mut far) = loopback().await;
    let mut http = Http1::new(near);
    let get = request(Vec::new());
    let (result, ()) = tokio::join!(send(&mut http, &get, &LIMITS, LONG_NS), async {
        hear(&mut far).await;
        SockRef::from(&far).set_linger(Some(Duration::ZERO)).unwrap();
        drop(far);
    });
    let broken = result.unwrap_err();
    assert_eq!((broken.failure.kind, broken.closed_early), (ErrorKind::Reset, true));
}

#[tokio::test]
async fn what_is_no_http_breaks_the_connection() {
    let (result, mut http) = get(async |mut far| {
        hear(&mut far).await;
        far.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await.unwrap();
        far
    })
    .await;
    let broken = result.unwrap_err();
    assert_eq!((broken.failure.kind, broken.closed_early), (ErrorKind::Protocol, false));
    assert!(broken.failure.text.contains("SSH-2.0-OpenSSH_9.6"), "{}", broken.failure.text);
    assert!(http.is_stale());
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_poison_the_connection() {
    let (reply, mut http) = get(async |mut far| {
        hear(&mut far).await;
        far.write_all(&[OK, b"H"].concat()).await.unwrap();
        far
    })
    .await;
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.reusable), (200, false));
    assert!(http.is_stale());
}

#[tokio::test]
async fn an_idle_connection_is_stale_once_the_peer_speaks_or_closes() {
    for spoken in [b"".as_slice(), b"HTTP/1.1 408 Request Timeout\r\n"] {
        let (near, mut far) = loopback().await;
        let mut http = Http1::new(near);
        assert!(!http.is_stale());
        far.write_all(spoken).await.unwrap();
        drop(far);
        while !http.is_stale() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn an_abandoned_exchange_leaves_a_stale_connection() {
    let (near, _far) = duplex(1 << 16);
    let mut http = Http1::new(near);
    let get = request(Vec::new());
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + SHORT_NS);
    assert!(deadline.limit(send(&mut http, &get, &LIMITS, LONG_NS)).await.is_err());
    assert!(http.is_stale());
}

#[test]
fn errors_of_the_connection_are_told_apart() {
    let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
    let refused = failure_of(&io::Error::new(io::ErrorKind::InvalidData, alert));
    assert_eq!(refused.kind, ErrorKind::Tls);
    assert!(refused.text.contains("CertificateRequired"), "{}", refused.text);
    for (errno, kind) in [
        (Errno::NOBUFS, ErrorKind::GeneratorOverload),
        (Errno::NOMEM, ErrorKind::GeneratorOverload),
        (Errno::CONNRESET, ErrorKind::Reset),
        (Errno::PIPE, ErrorKind::Reset),
        (Errno::TIMEDOUT, ErrorKind::Reset),
    ] {
        assert_eq!(failure_of(&io::Error::from_raw_os_error(errno.raw_os_error())).kind, kind, "{errno}");
    }
}
