//! HTTPS through the whole engine. A server that cannot be trusted is data, as any other failure.

use std::sync::{Arc, Mutex};

use muster_proto::measurement::Phase;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{ClientCert, Connections, Executor, Tls};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};

use super::certificates::{Authority, authority, certificate, server_config};
use super::server::Server;
use super::support::{Generated, arrivals, changed, generate, get, per_user, plan, scenario};

/// Two users who make three requests each of `shop.test` over TLS.
fn generate_with(server: &Server, tls: Tls) -> Generated {
    let step = changed(get(server.address, "/"), |request| {
        request.url.tls = true;
        request.url.host = "shop.test".to_owned();
    });
    let mut plan = plan(vec![scenario(per_user(2, 3), vec![step])]);
    plan.connect.hosts = vec![("shop.test".to_owned(), vec![server.address.ip()])];
    plan.connect.tls = tls;
    let generated = generate(plan, 1);
    generated.assert_books_balance();
    generated
}

fn trusting(authority: &Authority) -> Tls {
    Tls { ca_pem: authority.pem().into_bytes(), ..Tls::default() }
}

fn assert_all_completed(generated: &Generated) {
    assert_eq!(generated.iterations().completed, 6, "{:?}", generated.total.samples);
    assert_eq!(generated.requests().connections, 2);
}

fn assert_all_failed(generated: &Generated) {
    assert_eq!(generated.iterations().failed, 6);
    assert_eq!((generated.requests().sent, generated.failed(ErrorKind::Tls)), (6, 6), "{:?}", generated.total.samples);
}

#[test]
fn a_server_certified_by_the_plans_authority_is_loaded() {
    let authority = authority();
    let server = Server::tls(server_config(&authority, None));
    let generated = generate_with(&server, trusting(&authority));
    assert_all_completed(&generated);
    assert_eq!(generated.requests().phases[Phase::TlsHandshaking as usize].count(), 2);
    assert!(server.heard().iter().all(|heard| heard.header("host").starts_with("shop.test:")));
}

#[test]
fn a_server_that_nobody_vouches_for_is_loaded_only_if_the_plan_does_not_mind() {
    let server = Server::tls(server_config(&authority(), None));
    assert_all_failed(&generate_with(&server, Tls::default()));
    assert_all_failed(&generate_with(&server, trusting(&authority())));
    assert!(server.heard().is_empty());
    assert_all_completed(&generate_with(&server, Tls { insecure: true, ..Tls::default() }));
}

#[test]
fn a_server_that_wants_a_certificate_gets_the_plans_or_refuses() {
    let (authority, clients) = (self::authority(), self::authority());
    let server = Server::tls(server_config(&authority, Some(&clients)));
    let (cert, key) = certificate(&clients, "agent.test");
    let certified = Tls { cert_pem: cert.into_bytes(), key_pem: key.into_bytes(), ..trusting(&authority) };
    assert_all_completed(&generate_with(&server, certified));
    assert_all_failed(&generate_with(&server, trusting(&authority)));
}

/// Notes which certificate is presented in each handshake, and lets all in that `inner` does.
#[derive(Debug)]
struct Witness {
    inner: Arc<dyn ClientCertVerifier>,
    seen: Mutex<Vec<Vec<u8>>>,
}

impl ClientCertVerifier for Witness {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.seen.lock().unwrap().push(end_entity.to_vec());
        self.inner.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// How often each of three users' certificates was presented.
fn presented(executor: Executor, connections: Connections, workers: usize) -> [usize; 2] {
    let (authority, clients) = (self::authority(), self::authority());
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let witness = Arc::new(Witness { inner, seen: Mutex::default() });
    let (cert, key) = certificate(&authority, "shop.test");
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_client_cert_verifier(Arc::clone(&witness) as Arc<dyn ClientCertVerifier>);
    let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
    let mut config = config.with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap();
    // So that each connection presents its certificate.
    config.send_tls13_tickets = 0;
    let server = Server::tls(config);
    let users: Vec<ClientCert> = ["a.test", "b.test"]
        .map(|name| certificate(&clients, name))
        .map(|(cert, key)| ClientCert { cert_pem: cert.into_bytes(), key_pem: key.into_bytes() })
        .into();
    let der = |user: &ClientCert| CertificateDer::from_pem_slice(&user.cert_pem).unwrap().to_vec();
    let ders = [der(&users[0]), der(&users[1])];
    let step = changed(get(server.address, "/"), |request| {
        request.url.tls = true;
        request.url.host = "shop.test".to_owned();
    });
    let mut plan = plan(vec![scenario(executor, vec![step])]);
    plan.scenarios[0].connections = connections;
    plan.connect.hosts = vec![("shop.test".to_owned(), vec![server.address.ip()])];
    plan.connect.tls = Tls { users, ..trusting(&authority) };
    let generated = generate(plan, workers);
    generated.assert_books_balance();
    assert_eq!(generated.iterations().failed, 0, "{:?}", generated.total.samples);
    let seen = witness.seen.lock().unwrap();
    ders.map(|der| seen.iter().filter(|seen| **seen == der).count())
}

#[test]
fn each_user_presents_a_certificate_of_its_own() {
    assert_eq!(presented(per_user(3, 2), Connections::PerUser, 2), [2, 1]);
    assert_eq!(presented(per_user(3, 2), Connections::New, 2), [4, 2]);
}

#[test]
fn users_of_an_open_model_have_the_certificates_in_turn() {
    // Each worker begins with another, and one user of each is enough.
    let [first, second] = presented(arrivals(100, 0.2, 10), Connections::New, 2);
    assert_eq!(first + second, 20);
    assert!(first > 0 && second > 0, "{first} and {second}");
}
