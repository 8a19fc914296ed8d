//! TLS towards targets.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{ClientCert, Tls};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Failure;

/// The longest text of a failed handshake, in characters; a peer's certificate may name a thousand names.
const TEXT_CHARS_MAX: usize = 300;

/// TLS settings of a plan that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Something that should be PEM is not.
    #[error("cannot read {what} as PEM: {error}")]
    Pem {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        error: PemError,
    },
    /// The PEM holds no certificate.
    #[error("no certificate found in {what}: wanted PEM with at least one `BEGIN CERTIFICATE`")]
    NoCertificate {
        /// Which setting.
        what: &'static str,
    },
    /// A client certificate without key, or a key without certificate.
    #[error("a client certificate needs both `tls.cert` and `tls.key`: found only {found}")]
    Half {
        /// Which one was found.
        found: &'static str,
    },
    /// A user's certificate.
    #[error("certificate {number} of `tls.users`: {error}")]
    User {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        error: Box<TlsError>,
    },
    /// The certificate, key or authority is not usable.
    #[error("cannot use {what}: {error}")]
    Unusable {
        /// Which setting.
        what: &'static str,
        /// Why.
        error: rustls::Error,
    },
}

/// How many sessions of a user's certificate are kept to be resumed: a few for each of several peers.
const USER_SESSIONS: usize = 64;

/// Makes TLS connections as a plan wants them; sessions are resumed where the peer offers it, each by those alone who
/// present the same certificate.
#[derive(Clone)]
pub(super) struct TlsDialer(Rc<[TlsConnector]>);

impl TlsDialer {
    /// Reads the settings; `protocols` are offered by ALPN, best first.
    ///
    /// # Errors
    /// When a certificate or key cannot be used.
    pub(super) fn new(tls: &Tls, protocols: &[&[u8]]) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable { what: "the TLS provider", error })?;
        let roots = roots(&tls.ca_pem)?;
        let builder = if tls.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        } else {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|error| {
                    TlsError::Unusable { what: "`tls.ca`", error: rustls::Error::General(error.to_string()) }
                })?;
            builder.with_webpki_verifier(verifier)
        };
        let connector = |mut config: ClientConfig| {
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            TlsConnector::from(Arc::new(config))
        };
        let certified = |cert_pem: &[u8], key_pem: &[u8]| match identity(cert_pem, key_pem)? {
            None => Ok(builder.clone().with_no_client_auth()),
            Some((chain, key)) => builder
                .clone()
                .with_client_auth_cert(chain, key)
                .map_err(|error| TlsError::Unusable { what: "`tls.cert` with `tls.key`", error }),
        };
        if tls.users.is_empty() {
            return Ok(Self(Rc::new([connector(certified(&tls.cert_pem, &tls.key_pem)?)])));
        }
        let of_user = |(place, user): (usize, &ClientCert)| {
            let wrong = |error| TlsError::User { number: place + 1, error: Box::new(error) };
            let mut config = certified(&user.cert_pem, &user.key_pem).map_err(wrong)?;
            config.resumption = Resumption::in_memory_sessions(USER_SESSIONS);
            Ok(connector(config))
        };
        Ok(Self(tls.users.iter().enumerate().map(of_user).collect::<Result<_, _>>()?))
    }

    /// Shakes hands with the server of this name, as the user of this number.
    ///
    /// # Errors
    /// A failure of kind TLS.
    pub(super) async fn handshake(
        &self,
        tcp: TcpStream,
        host: &str,
        user: u64,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| failure(host, "it is not a valid DNS name"))?;
        let connector = &self.0[(user % self.0.len() as u64) as usize];
        connector.connect(name, tcp).await.map_err(|error| failure(host, &describe(&error)))
    }
}

/// What TLS itself says in this error of a read or a write, if it is TLS that failed. With TLS 1.3 a server may refuse
/// the client's certificate only after the handshake, so such an alert arrives in place of a response.
#[must_use]
pub fn alert_in(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn failure(host: &str, why: &str) -> Failure {
    let text = format!("TLS handshake with {host} failed: {why}");
    Failure::new(ErrorKind::Tls, text.chars().take(TEXT_CHARS_MAX).collect::<String>())
}

fn describe(error: &io::Error) -> String {
    use CertificateError::{NotValidForName, NotValidForNameContext, UnknownIssuer};
    let hint = match alert_in(error) {
        Some(rustls::Error::InvalidCertificate(UnknownIssuer)) => {
            "; name its authority in `tls.ca`, or set `tls.insecure`"
        }
        Some(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
            "; use a name that the certificate has, with `connect.hosts` for its address"
        }
        Some(rustls::Error::InvalidMessage(_)) => "; does the port speak TLS at all?",
        _ => "",
    };
    let why: String = error.to_string().chars().take(TEXT_CHARS_MAX / 2).collect();
    format!("{why}{hint}")
}

fn roots(ca_pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if !ca_pem.is_empty() {
        for certificate in certificates("`tls.ca`", ca_pem)? {
            roots.add(certificate).map_err(|error| TlsError::Unusable { what: "`tls.ca`", error })?;
        }
    }
    Ok(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(cert_pem: &[u8], key_pem: &[u8]) -> Result<Option<Identity>, TlsError> {
    match (cert_pem.is_empty(), key_pem.is_empty()) {
        (true, true) => Ok(None),
        (true, false) => Err(TlsError::Half { found: "the key" }),
        (false, true) => Err(TlsError::Half { found: "the certificate" }),
        (false, false) => {
            let key =
                PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| TlsError::Pem { what: "`tls.key`", error })?;
            Ok(Some((certificates("`tls.cert`", cert_pem)?, key)))
        }
    }
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| TlsError::Pem { what, error })?;
    if found.is_empty() { Err(TlsError::NoCertificate { what }) } else { Ok(found) }
}

/// Accepts any certificate, whoever issued it to whomever; only its holder must have the key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(tls: &Tls) -> Result<TlsDialer, TlsError> {
        TlsDialer::new(tls, &[b"http/1.1"])
    }

    fn error_of(tls: &Tls) -> String {
        made(tls).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn unusable_settings_are_found_out_before_the_run() {
        let one = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let two = rcgen::generate_simple_self_signed(["b.test".to_owned()]).unwrap();
        let cert_pem = one.cert.pem().into_bytes();
        let key_pem = one.signing_key.serialize_pem().into_bytes();
        let other_key = two.signing_key.serialize_pem().into_bytes();
        let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n".to_vec();
        let not_der = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        let with = |ca_pem: &[u8], cert_pem: &[u8], key_pem: &[u8]| Tls {
            ca_pem: ca_pem.to_vec(),
            cert_pem: cert_pem.to_vec(),
            key_pem: key_pem.to_vec(),
            ..Tls::default()
        };
        let of_users = |users: &[(&[u8], &[u8])]| Tls {
            users: users
                .iter()
                .map(|(cert_pem, key_pem)| ClientCert { cert_pem: cert_pem.to_vec(), key_pem: key_pem.to_vec() })
                .collect(),
            ..Tls::default()
        };
        assert!(made(&Tls::default()).is_ok());
        assert!(made(&with(&cert_pem, &cert_pem, &key_pem)).is_ok());
        assert!(error_of(&with(b"hello", b"", b"")).contains("no certificate found in `tls.ca`"));
        assert!(error_of(&with(&broken, b"", b"")).contains("`tls.ca` as PEM"));
        assert!(error_of(&with(&not_der, b"", b"")).contains("cannot use `tls.ca`"));
        assert!(error_of(&with(b"", &cert_pem, b"")).contains("only the certificate"));
        assert!(error_of(&with(b"", b"", &key_pem)).contains("only the key"));
        assert!(error_of(&with(b"", &cert_pem, &cert_pem)).contains("`tls.key` as PEM"));
        assert!(error_of(&with(b"", &cert_pem, &other_key)).contains("cannot use `tls.cert` with `tls.key`"));
        assert!(made(&of_users(&[(&cert_pem, &key_pem), (&two.cert.pem().into_bytes(), &other_key)])).is_ok());
        let swapped = error_of(&of_users(&[(&cert_pem, &key_pem), (&cert_pem, &other_key)]));
        assert!(swapped.starts_with("certificate 2 of `tls.users`: cannot use"), "{swapped}");
    }
}
