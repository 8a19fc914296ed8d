//! What decoding a response costs, in nanoseconds: recognised, parsed, and in two pieces.

use std::hint::black_box;
use std::time::Instant;

use muster_agent::engine::transport::http1::{Asked, Decoder, Fed, KnownHeads, Limits, Verb};
use muster_proto::plan::Http;

const SMALL: &str = "HTTP/1.1 200 OK\r\nserver: muster\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\
    date: Mon, 02 Nov 2026 10:00:00 GMT\r\n\r\nhello, world!";
const NGINX: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.26.0\r\nDate: Mon, 02 Nov 2026 10:00:00 GMT\r\n\
    Content-Type: text/html\r\nContent-Length: 12\r\nLast-Modified: Mon, 02 Nov 2026 09:00:00 GMT\r\n\
    Connection: keep-alive\r\nETag: \"6543a1b0-c\"\r\nAccept-Ranges: bytes\r\n\r\nhello world\n";
const ROUNDS: u32 = 1_000_000;
const TRIES: u32 = 5;

fn main() {
    for (name, response) in [("small", SMALL), ("nginx", NGINX)] {
        let bytes = response.as_bytes();
        println!("{name}, {} bytes", bytes.len());
        // Responses that differ in every head leave nothing to recognise.
        let distinct: Vec<Vec<u8>> =
            (0..8).map(|day| response.replace("02 Nov", &format!("1{day} Nov")).into_bytes()).collect();
        let (left, right) = bytes.split_at(bytes.len() / 2);
        report("recognised", |known, _| decode(known, &[bytes]));
        report("parsed", |known, round| decode(known, &[&distinct[round as usize % distinct.len()]]));
        report("in two pieces", |known, _| decode(known, &[left, right]));
    }
}

/// Prints the best of a few tries: what disturbs a measurement only ever adds to it.
fn report(name: &str, mut work: impl FnMut(&mut KnownHeads, u32)) {
    let mut known = KnownHeads::default();
    let tries = (0..TRIES).map(|_| {
        let start = Instant::now();
        (0..ROUNDS).for_each(|round| work(&mut known, round));
        start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
    });
    let best_ns = tries.fold(f64::INFINITY, f64::min);
    println!("  {name:14} {best_ns:7.1} ns");
}

fn decode(known: &mut KnownHeads, pieces: &[&[u8]]) {
    let asked = Asked { verb: Verb::Other, location: false, keep: false, cookies: false };
    let mut decoder = Decoder::begin(black_box(asked), &Limits::of(&Http::default()));
    let last = pieces.iter().map(|piece| decoder.feed(known, black_box(piece)).expect("a sound response")).last();
    assert!(matches!(last, Some(Fed::Complete { .. })) && decoder.status() == 200);
}
