//! HTTPS through the whole engine. A server that cannot be trusted is data, as any other failure.

use muster_proto::measurement::Phase;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::Tls;

use super::certificates::{Authority, authority, certificate, server_config};
use super::server::Server;
use super::support::{Generated, changed, generate, get, per_user, plan, scenario};

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
