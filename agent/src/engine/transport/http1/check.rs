//! What must hold of a request's texts before any byte of them could do harm.

use muster_proto::plan::Request;

use super::RenderError;

/// Checks what a request says, but for its path and the values of header fields.
pub(super) fn frame(request: &Request) -> Result<(), RenderError> {
    if !is_token(&request.method) {
        return Err(RenderError::Method(request.method.clone()));
    }
    let host = &request.url.host;
    let in_host = |byte: u8| byte.is_ascii_graphic() && !b"/?#@\\\"<>".contains(&byte);
    if host.is_empty() || !host.bytes().all(in_host) {
        return Err(RenderError::Host(host.clone()));
    }
    request.headers.iter().try_for_each(|(name, _)| match name {
        name if !is_token(name) => Err(RenderError::HeaderName(name.to_owned())),
        name if name.eq_ignore_ascii_case("transfer-encoding") => Err(RenderError::TransferEncoding),
        _ => Ok(()),
    })
}

/// Checks that a path ends where the request line wants it to.
pub(super) fn path(path: &str) -> Result<(), RenderError> {
    match path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        true => Ok(()),
        false => Err(RenderError::Path(path.to_owned())),
    }
}

/// Checks that a header field's value ends where its line does.
pub(super) fn value(name: &str, value: &str) -> Result<(), RenderError> {
    match value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        true => Err(RenderError::HeaderValue(name.to_owned())),
        false => Ok(()),
    }
}

/// A token of RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(in_token)
}
