mod pieces;

use muster_proto::outcome::ErrorKind;

use super::*;

const LIMITS: Limits = Limits { head_bytes_max: 2_000, body_bytes_max: 1_000, silence_max_ns: 0 };
const GET: Asked = Asked { verb: Verb::Other, location: true, keep: false, cookies: false };
const HEAD: Asked = Asked { verb: Verb::Head, location: true, keep: false, cookies: false };
const CONNECT: Asked = Asked { verb: Verb::Connect, location: true, keep: false, cookies: false };

/// What a decoder made of a connection's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    persistent: bool,
    location: Option<String>,
    bytes: usize,
}

fn decode<'a>(
    asked: Asked,
    known: &mut KnownHeads,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Seen, ErrorKind> {
    let mut decoder = Decoder::begin(asked, &LIMITS);
    let mut bytes = 0;
    let mut complete = false;
    for piece in pieces {
        match decoder.feed(known, piece).map_err(|failure| failure.kind)? {
            Fed::Partial => bytes += piece.len(),
            Fed::Complete { consumed } => {
                assert!(consumed <= piece.len());
                bytes += consumed;
                complete = true;
                break;
            }
        }
        assert!(decoder.carry.len() <= LIMITS.head_bytes_max);
    }
    if !complete {
        decoder.eof().map_err(|failure| failure.kind)?;
    }
    let (status, persistent) = (decoder.status(), decoder.is_persistent());
    Ok(Seen { status, persistent, location: decoder.take_location().map(String::from), bytes })
}

/// Decodes in one piece, twice, byte by byte, and in any two pieces; all must agree.
fn decode_every_way(asked: Asked, input: &[u8]) -> Result<Seen, ErrorKind> {
    let mut known = KnownHeads::default();
    let whole = decode(asked, &mut known, [input]);
    assert_eq!(decode(asked, &mut known, [input]), whole, "recognised: {}", input.escape_ascii());
    assert_eq!(decode(asked, &mut known, input.chunks(1)), whole, "byte by byte: {}", input.escape_ascii());
    for middle in 0..=input.len() {
        let (left, right) = input.split_at(middle);
        let apart = decode(asked, &mut known, [left, right]);
        assert_eq!(apart, whole, "{} | {}", left.escape_ascii(), right.escape_ascii());
    }
    whole
}

fn seen(status: u16, persistent: bool, bytes: usize) -> Result<Seen, ErrorKind> {
    Ok(Seen { status, persistent, location: None, bytes })
}

/// Expects each input, with some bytes of another message after it, to be one response.
fn complete(asked: Asked, table: &[(&str, u16, bool)]) {
    for &(input, status, persistent) in table {
        let followed = [input.as_bytes(), b"HTTP/1.1 500 next\r\n"].concat();
        assert_eq!(decode_every_way(asked, &followed), seen(status, persistent, input.len()), "{input:?}");
    }
}

fn failing(asked: Asked, kind: ErrorKind, table: &[&str]) {
    for input in table {
        assert_eq!(decode_every_way(asked, input.as_bytes()), Err(kind), "{input:?}");
    }
}

#[test]
fn a_stated_length_ends_the_body() {
    complete(
        GET,
        &[
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, true),
            ("HTTP/1.1 200 OK\r\nContent-Length:0\r\n\r\n", 200, true),
            ("HTTP/1.1 404\r\nCONTENT-LENGTH: \t 0005 \r\n\r\nhello", 404, true),
            ("HTTP/1.1 999 Odd\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", 999, true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", 200, true),
            ("HTTP/1.1 200 \u{e9}t\u{e9}\ncontent-length: 1\n\nx", 200, true),
        ],
    );
    failing(
        GET,
        ErrorKind::Protocol,
        &[
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
            "HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\nhello!",
            "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5,\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 30000000000000000000\r\n\r\n",
        ],
    );
}

#[test]
fn chunks_end_with_an_empty_one() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in [
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "00a\r\n0123456789\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n000\r\n\r\n",
        "1;name=\"va;lue\"\r\nx\r\n0 ;last\r\n\r\n",
        "1\r\nx\r\n0\r\nx-sum: 1\r\nx-more:\ty\r\n\r\n",
    ] {
        complete(GET, &[(&format!("{head}{body}"), 200, true)]);
    }
    complete(GET, &[(&format!("{head}{}0\r\n\r\n", "1\r\nx\r\n".repeat(40)), 200, true)]);
    for body in [
        "\r\n",
        ";x\r\n",
        "g\r\n",
        "-1\r\n",
        "5\nhello",
        "1\r\nx\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5 \0\r\nhello\r\n",
        "5;a\nb\r\nhello",
        "5\rhello",
        "0\r\n folded: x\r\n\r\n",
        "0\r\n: x\r\n\r\n",
        "0\r\nx: y\n\r\n",
        "0\r\n\rx",
    ] {
        failing(GET, ErrorKind::Protocol, &[&format!("{head}{body}")]);
    }
}

#[test]
fn only_chunked_alone_is_a_transfer_coding() {
    complete(
        GET,
        &[
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200, true),
            // Both lengths, or chunks in HTTP/1.0: the chunks count, and the connection is done with.
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200, false),
            ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200, false),
        ],
    );
    for coding in ["gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "", "chunkedx"] {
        let input = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
        failing(GET, ErrorKind::Protocol, &[&input]);
    }
}

#[test]
fn without_a_length_the_close_ends_the_body() {
    for input in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nx: y\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello"] {
        assert_eq!(decode_every_way(GET, input.as_bytes()), seen(200, false, input.len()));
    }
}

#[test]
fn some_responses_have_no_body_whatever_they_say() {
    complete(
        GET,
        &[
            ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 204, true),
            ("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, true),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, true),
        ],
    );
    complete(
        HEAD,
        &[
            ("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n", 200, true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 200, true),
            ("HTTP/1.1 404 Not Found\r\n\r\n", 404, true),
        ],
    );
    complete(
        CONNECT,
        &[
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 200, false),
            ("HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno", 403, true),
        ],
    );
}

#[test]
fn the_version_and_the_connection_field_decide_about_reuse() {
    complete(
        GET,
        &[
            ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", 200, false),
            ("HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\ncontent-length: 0\r\n\r\n", 200, false),
            ("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n", 200, true),
            ("HTTP/1.1 200 OK\r\nconnection: closed\r\ncontent-length: 0\r\n\r\n", 200, true),
            ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", 200, false),
            ("HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n", 200, true),
            ("HTTP/1.0 200 OK\r\nconnection: keep-alive, close\r\ncontent-length: 0\r\n\r\n", 200, false),
        ],
    );
}

#[test]
fn interim_responses_are_skipped_up_to_a_bound() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let hint = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    complete(GET, &[(&format!("HTTP/1.1 100 Continue\r\n\r\n{hint}{ok}"), 200, true)]);
    complete(GET, &[(&format!("{}{ok}", hint.repeat(16)), 200, true)]);
    failing(GET, ErrorKind::Protocol, &[&format!("{}{ok}", hint.repeat(17))]);
    failing(GET, ErrorKind::Protocol, &["HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"]);
    failing(GET, ErrorKind::Reset, &[hint]);
}

#[test]
fn what_is_no_http_1_is_refused() {
    failing(
        GET,
        ErrorKind::Protocol,
        &[
            "SSH-2.0-OpenSSH_9.6\r\n",
            "\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "\x15\x03\x01\0\x02\x02\x46",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.2 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nspace : x\r\n\r\n",
            "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nfolded: x\r\n y\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n",
            "HTTP/1.1 200 OK\rcontent-length: 0\r\n\r\n",
        ],
    );
}

#[test]
fn a_close_within_a_response_is_a_reset() {
    failing(
        GET,
        ErrorKind::Reset,
        &[
            "H",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r",
        ],
    );
}

#[test]
fn heads_and_bodies_are_bounded() {
    let fields = |count: usize| format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "a:\r\n".repeat(count));
    complete(GET, &[(&fields(127), 200, true)]);
    failing(GET, ErrorKind::TooLarge, &[&fields(128)]);

    let head = |bytes: usize| {
        let rest = "HTTP/1.1 200 OK\r\nx: \r\ncontent-length: 0\r\n\r\n";
        rest.replace("x: ", &format!("x: {}", "y".repeat(bytes - rest.len())))
    };
    assert_eq!(head(2_000).len(), LIMITS.head_bytes_max);
    complete(GET, &[(&head(2_000), 200, true)]);
    failing(GET, ErrorKind::TooLarge, &[&head(2_001), &head(3_000), &"HTTP/1.1 200 OKOKOK".repeat(200)]);

    let fixed = |bytes: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", "x".repeat(bytes));
    complete(GET, &[(&fixed(1_000), 200, true)]);
    failing(GET, ErrorKind::TooLarge, &[&fixed(1_001)]);

    let chunks = |last: &str| {
        let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}{last}")
    };
    complete(GET, &[(&chunks("0\r\n\r\n"), 200, true)]);
    failing(GET, ErrorKind::TooLarge, &[&chunks("1\r\nx"), &chunks("ffffffffffffffff\r\n"), &chunks(&"0".repeat(17))]);

    let until_close = |bytes: usize| format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(bytes));
    assert_eq!(decode_every_way(GET, until_close(1_000).as_bytes()), seen(200, false, 1_019));
    failing(GET, ErrorKind::TooLarge, &[&until_close(1_001)]);
}

#[test]
fn extensions_and_trailers_are_bounded() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice();
    for endless in [b"5;".as_slice(), b"0\r\nx-", b"0\r\n"] {
        let more: &[u8] = if endless.ends_with(b"\n") { b"x: y\r\n" } else { b"yyyyyyyy" };
        let pieces = [head, endless].into_iter().chain(std::iter::repeat_n(more, 1 << 20));
        assert_eq!(decode(GET, &mut KnownHeads::default(), pieces), Err(ErrorKind::TooLarge));
    }
}

#[test]
fn a_location_is_told_of_redirects_when_it_is_wanted() {
    let input = b"HTTP/1.1 302 Found\r\nlocation: /next?a=b \r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(decode_every_way(GET, input).unwrap().location.as_deref(), Some("/next?a=b"));
    let unwanted = Asked { location: false, ..GET };
    assert_eq!(decode_every_way(unwanted, input).unwrap().location, None);
    let created = b"HTTP/1.1 201 Created\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(decode_every_way(GET, created).unwrap().location, None);
    let no_text = b"HTTP/1.1 302 Found\r\nlocation: /\xff\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(decode_every_way(GET, no_text).unwrap().location, None);
}

#[test]
fn a_known_head_is_recognised_only_whole_and_within_the_limits() {
    let mut known = KnownHeads::default();
    let first = b"HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 2\r\n\r\nok".as_slice();
    let longer = b"HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".as_slice();
    let other = b"HTTP/1.1 500 OK\r\nx: 1\r\ncontent-length: 2\r\n\r\nok".as_slice();
    for _ in 0..3 {
        assert_eq!(decode(GET, &mut known, [first]), seen(200, true, first.len()));
        assert_eq!(decode(GET, &mut known, [longer]), seen(200, false, longer.len()));
        assert_eq!(decode(GET, &mut known, [other]), seen(500, true, other.len()));
        assert_eq!(decode(HEAD, &mut known, [first]), seen(200, true, first.len() - 2), "asked differently");
    }
    assert!(known.find(first).is_some());
    for date in 0..9 {
        let moved = format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: 2\r\n\r\nok");
        assert_eq!(decode(GET, &mut known, [moved.as_bytes()]), seen(200, true, moved.len()));
    }
    assert!(known.find(first).is_none(), "old heads make room for new ones");

    assert_eq!(decode(GET, &mut known, [first]), seen(200, true, first.len()));
    let narrow = Limits { head_bytes_max: 20, ..LIMITS };
    let failure = Decoder::begin(GET, &narrow).feed(&mut known, first).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::TooLarge);
}

#[test]
fn failures_show_the_line_that_is_wrong() {
    let text = |input: &[u8]| Decoder::begin(GET, &LIMITS).feed(&mut KnownHeads::default(), input).unwrap_err().text;
    let broken_header = text(b"HTTP/1.1 200 OK\r\nserver: x\r\nbad header: y\r\nz: z\r\n\r\n");
    assert!(broken_header.contains("found \"bad header: y"), "{broken_header}");
    let broken_size = text(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n");
    assert!(broken_size.contains("found \"zz"), "{broken_size}");
    assert!(text(b"SSH-2.0\r\n").contains("found \"SSH-2.0"));
}

#[test]
fn what_is_kept_is_the_head_and_the_content_however_it_comes() {
    let head = "HTTP/1.1 200 OK\r\nx: 1\r\n";
    let (fixed, chunked) =
        ("content-length: 5\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    for rest in [fixed, chunked, "\r\nhello"] {
        let input = format!("HTTP/1.1 100 Continue\r\n\r\n{head}{rest}");
        for middle in 0..=input.len() {
            let (left, right) = input.as_bytes().split_at(middle);
            let mut decoder = Decoder::begin(Asked { keep: true, ..GET }, &LIMITS);
            let mut known = KnownHeads::default();
            let fed = [left, right].map(|piece| decoder.feed(&mut known, piece).unwrap());
            if fed[1] == Fed::Partial {
                decoder.eof().unwrap();
            }
            let kept = decoder.take_kept().unwrap();
            assert_eq!(String::from_utf8(kept.body).unwrap(), "hello", "{rest:?} at {middle}");
            assert!(kept.head.starts_with(head.as_bytes()) && kept.head.ends_with(b"\r\n\r\n"), "{rest:?} at {middle}");
        }
    }
    let mut decoder = Decoder::begin(GET, &LIMITS);
    decoder.feed(&mut KnownHeads::default(), format!("{head}{fixed}").as_bytes()).unwrap();
    assert_eq!(decoder.take_kept(), None, "nobody asked for it");
}
