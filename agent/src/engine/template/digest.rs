//! Filters that sign and encode: what services want of those who talk to them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use minijinja::{Environment, Error, Value};
use ring::digest::{self, Algorithm};
use ring::hmac;

use super::TEXT_BYTES_MAX;
use super::functions::{expect_some, wrong};

/// Gives expressions these filters.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("md5", |value: &Value| bytes_of(value).map(|bytes| hex_of(&Md5::digest(bytes))));
    let digests: [(&str, &'static Algorithm); 3] =
        [("sha1", &digest::SHA1_FOR_LEGACY_USE_ONLY), ("sha256", &digest::SHA256), ("sha512", &digest::SHA512)];
    for (name, algorithm) in digests {
        let hash = move |bytes: Cow<'_, [u8]>| hex_of(digest::digest(algorithm, &bytes).as_ref());
        environment.add_filter(name, move |value: &Value| bytes_of(value).map(hash));
    }
    environment.add_filter("hmac", sign);
    environment.add_filter("hex", |value: &Value| bytes_of(value).map(|bytes| hex_of(&bytes)));
    environment.add_filter("unhex", unhex);
    environment.add_filter("base64", |value: &Value| bytes_of(value).map(|bytes| STANDARD.encode(bytes)));
    environment.add_filter("base64decode", decode);
}

/// An HMAC (RFC 2104) under this key, by a hash of this name.
fn sign(value: &Value, key: &Value, hash: &str) -> Result<String, Error> {
    let algorithm = match hash {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => hmac::HMAC_SHA256,
        "sha512" => hmac::HMAC_SHA512,
        _ => return Err(wrong(format!("hmac: found `{hash}`, wanted `sha1`, `sha256` or `sha512`"))),
    };
    let key = hmac::Key::new(algorithm, &bytes_of(key)?);
    Ok(hex_of(hmac::sign(&key, &bytes_of(value)?).as_ref()))
}

/// What is encoded in a text: a text, or bytes where it is none.
fn decode(value: &Value) -> Result<Value, Error> {
    let bytes = STANDARD.decode(bytes_of(value)?).map_err(|error| wrong(format!("base64decode: {error}")))?;
    Ok(text_or_bytes(bytes))
}

/// What stands in a text in hexadecimal digits, in the same way.
fn unhex(value: &Value) -> Result<Value, Error> {
    let digits = bytes_of(value)?;
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|worth| worth as u8);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.map(text_or_bytes).ok_or_else(|| wrong("unhex: wanted pairs of hexadecimal digits"))
}

fn text_or_bytes(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(|error| Value::from_bytes(error.into_bytes()), Value::from)
}

/// A value's bytes: those that it is, or those of the text that it is written as. No more than a text may have, so that
/// filters after filters do not make one that has no bounds.
fn bytes_of(value: &Value) -> Result<Cow<'_, [u8]>, Error> {
    expect_some(value)?;
    let bytes = match (value.as_bytes(), value.as_str()) {
        (Some(bytes), _) => Cow::Borrowed(bytes),
        (None, Some(text)) => Cow::Borrowed(text.as_bytes()),
        (None, None) => Cow::Owned(value.to_string().into_bytes()),
    };
    match bytes.len() {
        0..=TEXT_BYTES_MAX => Ok(bytes),
        length => Err(wrong(format!("found {length} bytes, wanted at most {TEXT_BYTES_MAX}"))),
    }
}

/// Bytes in hexadecimal digits.
pub(in crate::engine) fn hex_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
