//! Failures that show what was found, made harmless and short enough for a report.

use std::ascii::escape_default;

use muster_proto::outcome::ErrorKind;

use super::super::Failure;

/// How much of the target's bytes a text shows, escaped. With the words around it a text stays within a sample.
const SHOWN_BYTES_MAX: usize = 100;

/// What came back was not HTTP/1.1.
#[cold]
pub(super) fn malformed(what: &str, found: &[u8]) -> Failure {
    Failure::new(ErrorKind::Protocol, format!("{what}: found \"{}\"", shown(found)))
}

/// What came back was more than allowed.
#[cold]
pub(super) fn too_large(what: &str, bytes_max: u64) -> Failure {
    Failure::new(ErrorKind::TooLarge, format!("{what} is larger than the allowed {bytes_max}"))
}

/// The peer ended the connection within the response.
#[cold]
pub(super) fn cut_short(within: &str) -> Failure {
    Failure::new(ErrorKind::Reset, format!("the connection was closed within {within}"))
}

fn shown(found: &[u8]) -> String {
    let mut text = String::new();
    for &byte in found {
        let escaped = escape_default(byte);
        if text.len() + escaped.len() > SHOWN_BYTES_MAX {
            text.push_str("...");
            break;
        }
        text.extend(escaped.map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use muster_proto::measurement::SAMPLE_BYTES_MAX;

    use super::*;

    #[test]
    fn foreign_bytes_are_escaped_and_cut() {
        assert_eq!(
            malformed("no HTTP response", b"SSH\x1b[2J\"\r\n").text,
            r#"no HTTP response: found "SSH\x1b[2J\"\r\n""#
        );
        let long = malformed("the transfer coding is not chunked alone", &[0x1b; 5_000]).text;
        assert!(long.len() <= SAMPLE_BYTES_MAX && long.ends_with("...\""), "{long}");
    }
}
