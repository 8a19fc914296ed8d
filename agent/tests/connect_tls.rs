//! TLS over loopback, against a server with certificates made for the test.

mod certificates;

use std::sync::Arc;

use certificates::{Authority, authority, certificate, server_config};
use muster_agent::engine::clock;
use muster_agent::engine::deadline::Deadline;
use muster_agent::engine::transport::{ConnectFailed, Connected, Connector, Io, alert_in};
use muster_agent::guard::Guard;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{ClientCert, Connect, Tls, Url};
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves `shop.test` on loopback: each connection gets one byte echoed. With `clients`, only those it has certified.
async fn server(authority: &Authority, clients: Option<&Authority>) -> u16 {
    let acceptor = TlsAcceptor::from(Arc::new(server_config(authority, clients)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                let mut byte = [0];
                if tls.read_exact(&mut byte).await.is_ok() {
                    let _ = tls.write_all(&byte).await;
                }
                let _ = tls.shutdown().await;
            });
        }
    });
    port
}

fn plan(tls: Tls) -> Connect {
    let hosts = ["shop.test", "other.test"].map(|name| (name.to_owned(), vec!["127.0.0.1".parse().unwrap()]));
    Connect { hosts: hosts.to_vec(), tls, ..Connect::default() }
}

fn trusting(authority: &Authority) -> Tls {
    Tls { ca_pem: authority.pem().into_bytes(), ..Tls::default() }
}

fn url(host: &str, port: u16) -> Url {
    Url { tls: true, host: host.to_owned(), port, path: "/".to_owned() }
}

fn connector(tls: Tls) -> Connector {
    Connector::new(&plan(tls), Arc::new(Guard::default())).unwrap()
}

async fn connect(connector: &Connector, to: &Url) -> Result<Connected, ConnectFailed> {
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + 60_000_000_000);
    connector.connect(to, &mut deadline).await
}

async fn failure(tls: Tls, to: &Url) -> String {
    let failed = connect(&connector(tls), to).await.unwrap_err();
    assert_eq!(failed.failure.kind, ErrorKind::Tls, "{}", failed.failure.text);
    assert!(failed.times.tls_ns > 0);
    failed.failure.text
}

async fn echo(io: &mut Io) -> std::io::Result<()> {
    io.write_all(b"x").await?;
    io.flush().await?;
    let mut byte = [0];
    io.read_exact(&mut byte).await?;
    assert_eq!(&byte, b"x");
    Ok(())
}

#[tokio::test]
async fn a_trusted_server_is_spoken_to_by_http_1() {
    let authority = authority();
    let port = server(&authority, None).await;
    let mut connected = connect(&connector(trusting(&authority)), &url("shop.test", port)).await.unwrap();
    assert_eq!(connected.io.agreed_protocol(), Some(&b"http/1.1"[..]));
    assert!(connected.io.tcp().nodelay().unwrap());
    assert!(connected.times.connecting_ns > 0 && connected.times.tls_ns > 0);
    echo(&mut connected.io).await.unwrap();
}

#[tokio::test]
async fn a_second_connection_resumes_the_session() {
    let authority = authority();
    let port = server(&authority, None).await;
    let connector = connector(trusting(&authority));
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let mut io = connect(&connector, &url("shop.test", port)).await.unwrap().io;
        echo(&mut io).await.unwrap();
        let Io::Tls(tls) = &io else { panic!("expected TLS") };
        kinds.push(tls.get_ref().1.handshake_kind().unwrap());
    }
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed]);
}

#[tokio::test]
async fn an_unknown_authority_or_a_wrong_name_is_a_tls_failure_that_says_what_to_do() {
    let authority = authority();
    let port = server(&authority, None).await;
    let text = failure(Tls::default(), &url("shop.test", port)).await;
    assert!(text.contains("UnknownIssuer") && text.contains("`tls.ca`"), "{text}");
    let text = failure(trusting(&certificates::authority()), &url("shop.test", port)).await;
    assert!(text.contains("invalid peer certificate"), "{text}");
    let text = failure(trusting(&authority), &url("other.test", port)).await;
    assert!(text.contains("other.test") && text.contains("a name that the certificate has"), "{text}");
}

#[tokio::test]
async fn insecure_accepts_any_certificate() {
    let port = server(&authority(), None).await;
    let connector = connector(Tls { insecure: true, ..Tls::default() });
    for host in ["shop.test", "other.test", "127.0.0.1"] {
        echo(&mut connect(&connector, &url(host, port)).await.unwrap().io).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_the_plans() {
    let (authority, clients) = (authority(), authority());
    let port = server(&authority, Some(&clients)).await;
    let (cert, key) = certificate(&clients, "agent.test");
    let tls = Tls { cert_pem: cert.into_bytes(), key_pem: key.into_bytes(), ..trusting(&authority) };
    echo(&mut connect(&connector(tls), &url("shop.test", port)).await.unwrap().io).await.unwrap();

    // With TLS 1.3 the refusal comes after the client's handshake, in place of the first answer.
    let mut io = connect(&connector(trusting(&authority)), &url("shop.test", port)).await.unwrap().io;
    let error = echo(&mut io).await.unwrap_err();
    assert!(alert_in(&error).is_some_and(|alert| alert.to_string().contains("CertificateRequired")), "{error}");
}

#[tokio::test]
async fn users_resume_sessions_under_their_own_certificates_only() {
    let (authority, clients) = (authority(), authority());
    let port = server(&authority, Some(&clients)).await;
    let user = |name| {
        let (cert, key) = certificate(&clients, name);
        ClientCert { cert_pem: cert.into_bytes(), key_pem: key.into_bytes() }
    };
    let connector = connector(Tls { users: vec![user("a.test"), user("b.test")], ..trusting(&authority) });
    let mut kinds = Vec::new();
    for user in [0, 1, 2, 3] {
        let mut deadline = Deadline::default();
        deadline.set(clock::now_ns() + 60_000_000_000);
        let mut io = connector.connect_as(user, &url("shop.test", port), &mut deadline).await.unwrap().io;
        echo(&mut io).await.unwrap();
        let Io::Tls(tls) = &io else { panic!("expected TLS") };
        kinds.push(tls.get_ref().1.handshake_kind().unwrap());
    }
    // The third has the first's certificate, and the fourth the second's.
    use HandshakeKind::{Full, Resumed};
    assert_eq!(kinds, [Full, Full, Resumed, Resumed]);
}

#[tokio::test]
async fn a_silent_server_is_a_tls_timeout_and_a_plain_one_a_tls_failure() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + 500_000_000);
    let to = url("127.0.0.1", silent.local_addr().unwrap().port());
    let failed = connector(Tls::default()).connect(&to, &mut deadline).await.unwrap_err();
    assert_eq!(failed.failure.kind, ErrorKind::Tls);
    assert!(failed.failure.text.contains("timed out"), "{}", failed.failure.text);

    let to = url("127.0.0.1", {
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = plain.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut tcp, _) = plain.accept().await.unwrap();
            let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            // The client hangs up once it has seen enough.
            let _ = tcp.read_to_end(&mut Vec::new()).await;
        });
        port
    });
    let text = failure(Tls::default(), &to).await;
    assert!(text.contains("speak TLS at all"), "{text}");
}
