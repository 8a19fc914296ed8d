//! Asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::Url;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Failure;

/// The largest response head of a proxy, in bytes.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// The most headers in it.
const HEADERS_MAX: usize = 64;
/// The longest reason of a refusal that is repeated, in characters.
const REASON_CHARS_MAX: usize = 80;

/// Makes a connection to a proxy into one to `target`.
///
/// # Errors
/// A failure of kind "connect, other" when the proxy refuses, closes, or answers something else than HTTP.
pub(super) async fn open_tunnel<S>(stream: &mut S, target: &Url) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let lost = |error: std::io::Error| fail(format!("the connection to the proxy broke: {error}"));
    let request = request(target)?;
    stream.write_all(&request).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut head = Vec::with_capacity(512);
    loop {
        let room = HEAD_BYTES_MAX - head.len();
        if room == 0 {
            return Err(fail(format!("the proxy's response head is larger than {HEAD_BYTES_MAX} bytes")));
        }
        if (&mut *stream).take(room as u64).read_buf(&mut head).await.map_err(lost)? == 0 {
            return Err(fail("the proxy closed the connection without an answer to CONNECT".to_owned()));
        }
        if let Some(verdict) = judge(&head) {
            return verdict;
        }
    }
}

/// The name comes from a plan or a redirect; what could break out of its line is not sent.
fn request(target: &Url) -> Result<Vec<u8>, Failure> {
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    if !host.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fail(format!("`{}` is not a host name", host.escape_debug())));
    }
    let authority = format!("{host}:{}", target.port);
    Ok(format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n").into_bytes())
}

/// What the bytes so far say; `None` while the head is incomplete.
fn judge(bytes: &[u8]) -> Option<Result<(), Failure>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return None,
        Err(error) => return Some(Err(fail(format!("the proxy answered CONNECT with something else: {error}")))),
    };
    let reason: String = response.reason.unwrap_or_default().chars().take(REASON_CHARS_MAX).collect();
    Some(match response.code.unwrap_or_default() {
        // In a tunnel it is our turn to speak: more bytes would be read as the target's.
        200..=299 if length < bytes.len() => Err(fail("the proxy sent more than its answer to CONNECT".to_owned())),
        200..=299 => Ok(()),
        407 => Err(fail("the proxy wants a user and password, which are not supported".to_owned())),
        code => Err(fail(format!("the proxy refused to connect: {code} {}", reason.escape_debug()))),
    })
}

fn fail(text: String) -> Failure {
    Failure::new(ErrorKind::ConnectOther, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(host: &str) -> Url {
        Url { tls: true, host: host.to_owned(), port: 443, path: "/".to_owned() }
    }

    fn text(verdict: Option<Result<(), Failure>>) -> String {
        verdict.unwrap().unwrap_err().text
    }

    #[test]
    fn the_request_names_the_target_with_its_port() {
        let head = |host| String::from_utf8(request(&target(host)).unwrap()).unwrap();
        assert_eq!(head("shop.test"), "CONNECT shop.test:443 HTTP/1.1\r\nhost: shop.test:443\r\n\r\n");
        assert!(head("::1").starts_with("CONNECT [::1]:443 HTTP/1.1\r\n"));
        assert!(request(&target("shop.test\r\nx: y")).is_err());
        assert!(request(&target("shop test")).is_err());
    }

    #[test]
    fn only_a_clean_success_opens_the_tunnel() {
        assert_eq!(judge(b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n"), Some(Ok(())));
        assert_eq!(judge(b"HTTP/1.0 200\r\n\r\n"), Some(Ok(())));
        assert_eq!(judge(b"HTTP/1.1 200 OK\r\nvia"), None);
        assert!(text(judge(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK")).contains("more than its answer"));
        assert!(text(judge(b"HTTP/1.1 403 Forbidden\r\n\r\nno")).contains("403 Forbidden"));
        assert!(text(judge(b"HTTP/1.1 407 Auth\r\n\r\n")).contains("password"));
        assert!(text(judge(b"SSH-2.0-OpenSSH_9.6\r\n")).contains("something else"));
    }

    proptest! {
        #[test]
        fn judging_never_panics_and_a_cut_head_stays_open(bytes: Vec<u8>, cut in 0_usize..41) {
            let _ = judge(&bytes);
            let head = b"HTTP/1.1 200 Connection established\r\nv: x\r\n\r\n";
            prop_assert_eq!(judge(&head[..cut]), None);
        }
    }
}
