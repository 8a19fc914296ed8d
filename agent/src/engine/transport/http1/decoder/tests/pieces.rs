use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A response that is one, and what must be seen of it.
fn sound() -> impl Strategy<Value = (Vec<u8>, Seen)> {
    let fields = vec(("[a-z]{1,8}-[a-z]{1,8}", "[ -~]{0,20}"), 0..5);
    let chunks = vec(vec(any::<u8>(), 1..60), 0..5);
    (200_u16..=599, fields, chunks, any::<bool>(), any::<bool>()).prop_map(
        |(status, fields, chunks, chunked, close)| {
            let mut bytes = format!("HTTP/1.1 {status} Any\r\n").into_bytes();
            for (name, value) in fields {
                bytes.extend(format!("x{name}: {value}\r\n").bytes());
            }
            if close {
                bytes.extend(b"connection: close\r\n");
            }
            let has_body = !matches!(status, 204 | 304);
            if chunked {
                bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in chunks.iter().filter(|_| has_body) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                if has_body {
                    bytes.extend(b"0\r\n\r\n");
                }
            } else {
                let body = chunks.concat();
                bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
                bytes.extend(body.iter().filter(|_| has_body));
            }
            let seen = Seen { status, persistent: !close, location: None, bytes: bytes.len() };
            (bytes, seen)
        },
    )
}

/// Bytes put in the place of others: where, how many go, what comes.
fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<u8>)>> {
    let telling = prop::sample::select(b"\r\n\0 \t:;,0159afFH\x80\xff".as_slice());
    let byte = prop_oneof![telling, any::<u8>()];
    vec((any::<prop::sample::Index>(), 0_usize..4, vec(byte, 0..4)), 1..4)
}

proptest! {
    #[test]
    fn sound_responses_are_understood_in_any_pieces((bytes, expected) in sound()) {
        prop_assert_eq!(decode_every_way(GET, &bytes), Ok(expected));
    }

    #[test]
    fn mutated_responses_end_alike_in_any_pieces((mut bytes, _) in sound(), mutations in mutations()) {
        for (at, removed, added) in mutations {
            let from = at.index(bytes.len() + 1);
            let to = (from + removed).min(bytes.len());
            bytes.splice(from..to, added);
        }
        let _ = decode_every_way(GET, &bytes);
        let _ = decode_every_way(HEAD, &bytes);
    }

    #[test]
    fn random_bytes_end_alike_in_any_pieces(bytes in vec(any::<u8>(), 0..200), prefix in 0_usize..60) {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n";
        let input = [&head[..prefix.min(head.len())], &bytes].concat();
        let _ = decode_every_way(GET, &input);
    }
}
