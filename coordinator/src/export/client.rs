//! The small HTTP client of exports: one connection, one request at a time.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::pairs::{pairs, wrong};
use super::sender::Failure;

/// As much of an answer is read.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// A connection to a receiver, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where a receiver is, and how it is reached.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) url: Url,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    headers: HeaderMap,
}

impl fmt::Debug for Receiver {
    /// Without the headers, which are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Receiver {
    /// The receiver at this URL, who is told these headers and shows a certificate of the public authorities or of this file's.
    pub(super) fn new(url: &str, headers: HeaderMap, ca: Option<&Path>, protocol: &[u8]) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("wanted a URL of http:// or https://: {error}"))?;
        let Some(host) = url.host_str().filter(|_| ["http", "https"].contains(&url.scheme())) else {
            return Err(format!("wanted a URL of http:// or https://, got one of {}:", url.scheme()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL is seen by everybody: give what signs in as a header, by the environment".to_owned());
        }
        let tls = match url.scheme() {
            "https" => {
                let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
                let name = name.map_err(|_| format!("no certificate could be of {host:?}"))?;
                Some((connector(ca, protocol)?, name))
            }
            _ => None,
        };
        Ok(Self { url, tls, headers })
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.url.port_or_known_default().unwrap_or(80))).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some((tls, name)) => Box::new(tls.connect(name.clone(), stream).await?),
        })
    }
}

fn connector(ca: Option<&Path>, protocol: &[u8]) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = ca {
        let wrong = |why: &dyn fmt::Display| format!("no certificates in {}: {why}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Header fields as the environment has them.
pub(super) fn headers_of(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (number, (name, value)) in pairs(text)?.into_iter().enumerate() {
        let name: HeaderName = name.to_ascii_lowercase().parse().map_err(|_| wrong(number))?;
        let mut value: HeaderValue = value.parse().map_err(|_| wrong(number))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Posts to one receiver, over a connection that is kept while it lasts.
#[derive(Debug)]
pub(super) struct Client {
    receiver: Receiver,
    /// Which statuses say that a receiver may take it later.
    passing: fn(StatusCode) -> bool,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(super) fn new(receiver: Receiver, passing: fn(StatusCode) -> bool) -> Self {
        Self { receiver, passing, connection: None }
    }

    /// Posts a body, with these headers beside the receiver's own, and returns what was answered.
    pub(super) async fn post(&mut self, headers: &[(&str, &str)], body: Bytes) -> Result<Bytes, Failure> {
        let url = &self.receiver.url;
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let host = url.port().map_or_else(
            || url.host_str().unwrap_or_default().to_owned(),
            |port| format!("{}:{port}", url.host_str().unwrap_or_default()),
        );
        let mut request = Request::post(target).header(header::HOST, host).header(header::USER_AGENT, "muster");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Full::new(body)).map_err(|error| Failure::Never(error.to_string()))?;
        for (name, value) in &self.receiver.headers {
            request.headers_mut().insert(name, value.clone());
        }
        let mut connection = self.connected().await.map_err(|error| Failure::Again(error, None))?;
        let answer = connection.send_request(request).await;
        let (head, body) = answer.map_err(|error| Failure::Again(error.to_string(), None))?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map(Collected::to_bytes);
        if body.is_ok() {
            self.connection = Some(connection);
        }
        let body = body.unwrap_or_default();
        if head.status.is_success() {
            return Ok(body);
        }
        let why = format!("{} {}", head.status.as_u16(), String::from_utf8_lossy(&body).trim());
        if !(self.passing)(head.status) {
            return Err(Failure::Never(why));
        }
        let seconds = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Err(Failure::Again(why, seconds.map(Duration::from_secs)))
    }

    /// The connection of before if it can be used again, which it can if it has answered wholly; or a new one.
    async fn connected(&mut self) -> Result<SendRequest<Full<Bytes>>, String> {
        if let Some(mut kept) = self.connection.take()
            && kept.ready().await.is_ok()
        {
            return Ok(kept);
        }
        self.open().await
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let stream = self.receiver.connect().await.map_err(|error| error.to_string())?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(driver);
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_from_the_environment_and_are_shown_to_nobody() {
        let headers = headers_of("Authorization=Bearer%20a+b/c==, x-scope-orgid = 7,").unwrap();
        assert_eq!(headers["authorization"], "Bearer a+b/c==");
        assert_eq!(headers["x-scope-orgid"], "7");
        assert!(!format!("{headers:?}").contains("Bearer"));
        for wrong in ["Bearer s3cret", "a b=s3cret", "x=s3cret%0A"] {
            let error = headers_of(wrong).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn addresses_that_are_of_no_use_are_refused() {
        let refused = |url: &str| Receiver::new(url, HeaderMap::new(), None, b"http/1.1").unwrap_err();
        assert!(refused("127.0.0.1:9090").contains("http://"));
        assert!(refused("ftp://127.0.0.1/").contains("http://"));
        let error = refused("http://me:s3cret@127.0.0.1/");
        assert!(error.contains("environment") && !error.contains("s3cret"), "{error}");
        let ca = Some(Path::new("/nowhere.pem"));
        assert!(Receiver::new("https://a.test/", HeaderMap::new(), ca, b"h2").unwrap_err().contains("/nowhere.pem"));
    }
}
