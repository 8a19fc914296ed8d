//! The fast path: a request that needs no thought is known again by its bytes and gets a response that was rendered
//! before the first client came.

use std::io;

use tokio::net::TcpStream;

use crate::config::Config;
use crate::counts::Exchange;
use crate::input::Input;
use crate::lane::Lane;
use crate::request::{Body, Request};
use crate::respond::{Content, Encoder, Reply, is_special};

/// The largest response that is rendered beforehand, and the most bytes written at once for pipelined requests.
const RENDERED_MAX: usize = 1 << 16;

/// The longest head that a connection remembers.
const KNOWN_MAX: usize = 1 << 12;

/// The one response of the plain path.
pub(crate) struct Plain {
    response: Vec<u8>,
    status: u16,
}

/// The request that a connection has sent before; empty until then.
#[derive(Default)]
pub(crate) struct Known(Vec<u8>);

impl Plain {
    /// Renders the response, if the configuration leaves nothing to decide or write down for each request.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let script = &config.script;
        let silent = !config.track_ids && config.access_log.is_none();
        if !silent || !script.is_plain() || script.size > RENDERED_MAX as u64 / 2 {
            return None;
        }
        let mut encoder = Encoder::new(script.status, script.body, Content::Pattern(script.size), &[], false);
        let mut response = Vec::new();
        while !encoder.next(&mut response) {}
        Some(Self { response, status: script.status })
    }

    /// Whether a request may be answered with this from now on.
    fn fits(request: &Request) -> bool {
        let simple = request.keep_alive && !request.is_http_10 && request.body == Body::None;
        simple && request.method != "HEAD" && request.head.len() <= KNOWN_MAX && !is_special(&request.target)
    }
}

impl Known {
    /// Remembers a request that may be answered plainly; says whether it may.
    pub(crate) fn learn(&mut self, request: &Request) -> bool {
        let fits = Plain::fits(request);
        if fits {
            self.0.clone_from(&request.head);
        }
        fits
    }

    /// Answers all requests at the front of the input that are the known one, with a single write. Says whether there
    /// was one.
    pub(crate) async fn answer(
        &self,
        plain: &Plain,
        lane: &Lane,
        input: &mut Input,
        stream: &mut TcpStream,
    ) -> io::Result<bool> {
        let requests = self.repeats(input.filled(), RENDERED_MAX / plain.response.len());
        if requests == 0 {
            return Ok(false);
        }
        let bytes = requests * self.0.len();
        input.consume(bytes);
        let mut reply = Reply::new(lane, stream, Exchange::begin(lane.counters(), requests as u64, bytes as u64));
        if requests == 1 {
            reply.finish(&plain.response, plain.status).await?;
        } else {
            reply.finish(&plain.response.repeat(requests), plain.status).await?;
        }
        Ok(true)
    }

    fn repeats(&self, mut bytes: &[u8], most: usize) -> usize {
        let mut repeats = 0;
        while repeats < most && !self.0.is_empty() && bytes.starts_with(&self.0) {
            bytes = &bytes[self.0.len()..];
            repeats += 1;
        }
        repeats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;

    fn plain(script: &str) -> Option<Plain> {
        Plain::of(&Config { script: script.parse().unwrap(), ..Config::default() })
    }

    #[test]
    fn only_what_is_always_the_same_is_rendered() {
        let rendered = plain("size=4&status=404").unwrap();
        assert_eq!(
            std::str::from_utf8(&rendered.response),
            Ok("HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nabcd")
        );
        for script in
            ["latency=1ms", "status=500&p=0.5", "fault=reset&p=0", "size=1M", "close=9", "body=close", "pause=1ms"]
        {
            let _: Script = script.parse().unwrap();
            assert!(plain(script).is_none(), "{script}");
        }
        assert!(Plain::of(&Config { track_ids: true, ..Config::default() }).is_none());
    }

    #[test]
    fn requests_are_known_by_all_their_bytes() {
        let known = Known(b"GET / HTTP/1.1\r\n\r\n".to_vec());
        let three = b"GET / HTTP/1.1\r\n\r\n".repeat(3);
        assert_eq!(known.repeats(&three, 9), 3);
        assert_eq!(known.repeats(&three, 2), 2);
        assert_eq!(known.repeats(&three[..three.len() - 1], 9), 2);
        assert_eq!(known.repeats(b"GET / HTTP/1.1\r\nx: y\r\n\r\n", 9), 0);
        assert_eq!(Known::default().repeats(&three, 9), 0);
    }
}
