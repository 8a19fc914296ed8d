//! What a body says that came in a content coding (RFC 9110, 8.4.1).
//!
//! Nothing is asked for in one unless the plan does (`accept-encoding`), and nothing is decoded unless it is searched.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::found::shortened;
use crate::engine::transport::Kept;

/// The most bytes that a body may make when it is decoded.
const DECODED_BYTES_MAX: u64 = 8 << 20;
/// How far back zstd may look, as a power of two: what RFC 9659 has for this coding.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// The most codings that are one around the other.
const CODINGS_MAX: usize = 4;

/// The body without its codings.
///
/// # Errors
/// Why it cannot be read, in words: a coding that is not known, bytes that are none of it, or too many of them.
pub(super) fn decoded(kept: &Kept) -> Result<Cow<'_, [u8]>, String> {
    let codings: Vec<&str> =
        kept.header("content-encoding").flat_map(|value| value.split(',')).map(str::trim).collect();
    if codings.len() > CODINGS_MAX {
        return Err(format!("the body has {} codings, and {CODINGS_MAX} are read at most", codings.len()));
    }
    // The last one was applied last.
    codings.iter().rev().try_fold(Cow::Borrowed(&kept.body[..]), |body, coding| without(coding, body))
}

fn without<'b>(coding: &str, body: Cow<'b, [u8]>) -> Result<Cow<'b, [u8]>, String> {
    let input = &body[..];
    let content = match coding.to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok(body),
        // A response without content has none in any coding.
        _ if input.is_empty() => return Ok(body),
        "gzip" | "x-gzip" => all(MultiGzDecoder::new(input)),
        "deflate" => all(ZlibDecoder::new(input)).or_else(|error| match is_zlib(input) {
            true => Err(error),
            // Many have taken the name for what it says.
            false => all(DeflateDecoder::new(input)),
        }),
        "br" => all(brotli_decompressor::Decompressor::new(input, 4_096)),
        "zstd" => unzstd(input),
        _ => return Err(format!("the body is coded as `{}`, which is not read", shortened(coding))),
    };
    match content {
        Ok(Some(content)) => Ok(Cow::Owned(content)),
        Ok(None) => Err(format!("the body is more than {DECODED_BYTES_MAX} bytes when it is decoded")),
        Err(error) => Err(format!("the body is not coded as `{coding}`, which it says it is: {error}")),
    }
}

fn unzstd(input: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut decoder = zstd::Decoder::with_buffer(input)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    all(decoder)
}

/// Whether it begins as RFC 1950 has it.
fn is_zlib(input: &[u8]) -> bool {
    matches!(input, [method, check, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *check]) % 31 == 0)
}

/// Everything, unless it is too much.
fn all(decoder: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    decoder.take(DECODED_BYTES_MAX + 1).read_to_end(&mut content)?;
    Ok((content.len() as u64 <= DECODED_BYTES_MAX).then_some(content))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    /// `{"a":1}` as `brotli` writes it: without compression, in one block.
    const BROTLI: [u8; 11] = [0x0b, 0x03, 0x80, b'{', b'"', b'a', b'"', b':', b'1', b'}', 0x03];

    fn kept(codings: &str, body: Vec<u8>) -> Kept {
        Kept { head: format!("HTTP/1.1 200 OK\r\nContent-Encoding: {codings}\r\n\r\n").into_bytes(), body }
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(content: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(content: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(content: &[u8]) -> Vec<u8> {
        zstd::encode_all(content, 1).unwrap()
    }

    #[test]
    fn what_was_coded_is_read() {
        let content = br#"{"a":1}"#;
        let both = zstd(&gzip(content));
        let cases = [
            ("identity", content.to_vec()),
            ("gzip", gzip(content)),
            ("X-GZIP", gzip(content)),
            ("deflate", zlib(content)),
            ("deflate", deflate(content)),
            ("zstd", zstd(content)),
            ("br", BROTLI.to_vec()),
            ("gzip, zstd", both),
            ("gzip", vec![]),
        ];
        for (codings, body) in cases {
            let wanted = if body.is_empty() { vec![] } else { content.to_vec() };
            assert_eq!(decoded(&kept(codings, body)).as_deref(), Ok(&wanted[..]), "{codings}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let why = |codings: &str, body: Vec<u8>| decoded(&kept(codings, body)).unwrap_err();
        assert_eq!(why("compress", vec![1]), "the body is coded as `compress`, which is not read");
        assert!(why("gzip", b"{}".to_vec()).starts_with("the body is not coded as `gzip`, which it says it is: "));
        assert!(why("deflate", vec![0xff; 4]).starts_with("the body is not coded as `deflate`"));
        assert_eq!(why("gzip,gzip,gzip,gzip,gzip", vec![1]), "the body has 5 codings, and 4 are read at most");
    }

    #[test]
    fn a_small_body_that_becomes_very_large_is_refused_without_being_kept() {
        let much = vec![0; 64 << 20];
        for (coding, body) in [("gzip", gzip(&much)), ("deflate", zlib(&much)), ("zstd", zstd(&much))] {
            assert!(body.len() < 1 << 20);
            let why = decoded(&kept(coding, body)).unwrap_err();
            assert_eq!(why, "the body is more than 8388608 bytes when it is decoded", "{coding}");
        }
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_coding_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
            for coding in ["gzip", "deflate", "br", "zstd"] {
                let _ = decoded(&kept(coding, body.clone()));
            }
        }
    }
}
