//! Where a redirect leads (RFC 9110, 15.4).

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Body, Request, Url};

use super::transport::Failure;
use super::transport::http1::{Manner, Rendered};

/// A request to which another was redirected.
pub(super) struct Redirected {
    /// What it asks for.
    pub(super) request: Request,
    /// Its bytes.
    pub(super) rendered: Rendered,
}

/// The request that a redirect of `request` with this status and location asks for.
///
/// # Errors
/// A [`Failure`] of kind `protocol` where the location cannot be used.
pub(super) fn follow(request: &Request, status: u16, location: &str, manner: Manner) -> Result<Redirected, Failure> {
    let unusable = || Failure::new(ErrorKind::Protocol, format!("redirect to {location:?}, which is no usable URL"));
    let url = resolve(&request.url, location).ok_or_else(unusable)?;
    let mut next = Request { url, ..request.clone() };
    let becomes_get = status == 303 || (matches!(status, 301 | 302) && request.method == "POST");
    if becomes_get && request.method != "HEAD" {
        next.method = "GET".to_owned();
        next.body = Body::default();
        next.headers.retain(|(name, _)| !name.starts_with("content-"));
    }
    if (next.url.tls, &next.url.host, next.url.port) != (request.url.tls, &request.url.host, request.url.port) {
        // Credentials were meant for the first origin only.
        next.headers.retain(|(name, _)| !matches!(name.as_str(), "authorization" | "cookie" | "host"));
    }
    let manner = Manner { absolute: manner.absolute && !next.url.tls, ..manner };
    match Rendered::new(&next, manner) {
        Ok(rendered) => Ok(Redirected { request: next, rendered }),
        Err(error) => Err(Failure::new(ErrorKind::Protocol, error.to_string())),
    }
}

/// Resolves a reference against the URL it was found at (RFC 3986, 5.2).
fn resolve(base: &Url, reference: &str) -> Option<Url> {
    let url = url::Url::parse(&base.to_string()).ok()?.join(reference).ok()?;
    let tls = match url.scheme() {
        "http" => false,
        "https" => true,
        _ => return None,
    };
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(Url { tls, host, port: url.port_or_known_default()?, path: format!("{}{query}", url.path()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16, path: &str) -> Url {
        Url { tls: false, host: host.to_owned(), port, path: path.to_owned() }
    }

    #[test]
    fn references_resolve_against_where_they_were_found() {
        let base = at("a.test", 8080, "/x/y?q=1");
        for (reference, wanted) in [
            ("/z", at("a.test", 8080, "/z")),
            ("z?b=2", at("a.test", 8080, "/x/z?b=2")),
            ("//b.test/z", at("b.test", 80, "/z")),
            ("http://[::1]:81/", at("::1", 81, "/")),
            ("https://B.test", Url { tls: true, ..at("b.test", 443, "/") }),
            ("/z#fragment", at("a.test", 8080, "/z")),
        ] {
            assert_eq!(resolve(&base, reference), Some(wanted), "{reference}");
        }
        assert_eq!(resolve(&base, "ftp://a.test/"), None);
        assert_eq!(resolve(&base, "http://"), None);
    }
}
