//! Who requests say they come from, where that is found out when they are sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster_agent::engine::lease::Lease;
use muster_agent::engine::start::{Engine, EngineConfig};
use muster_agent::guard::Guard;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Auth, Aws, Body, Plan, Request, Step, Templates, TokenSource, Url, Var};
use muster_proto::share::Share;

use super::server::{Heard, OK, Server};
use super::support::{changed, generate, generate_while, get, per_user, plan, post, scenario, users};

fn signed(step: Step, change: impl FnOnce(&mut Request)) -> Step {
    changed(step, |request| {
        request.auth = Some(Auth::Aws(Box::new(Aws {
            region: "eu-west-1".to_owned(),
            service: "execute-api".to_owned(),
            access_key: "{{ key }}".to_owned(),
            secret_key: "{{ secret }}".to_owned(),
            session_token: None,
        })));
        change(request);
    })
}

fn with_keys(steps: Vec<Step>) -> Plan {
    let vars = [Var::new("key", "\"AKID\""), Var::secret("secret", "\"s3cret\"")];
    let mut plan = Plan { vars: vars.into(), ..plan(vec![scenario(per_user(1, 1), steps)]) };
    plan.http.request_ids = true;
    plan
}

#[test]
fn a_request_is_signed_as_it_is_sent() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let step = |body: &str| {
        signed(post(server.address, "/{{ key }}?b=1&a=2", b""), |request| {
            request.templates = Templates { head: true, body: true };
            request.body = Body(body.to_owned().into());
        })
    };
    let generated = generate(with_keys(vec![step("{{ 1 }}"), step("{{ 2 }}"), step("{{ 2 }}")]), 1);
    assert_eq!(generated.iterations().completed, 1, "{:?}", generated.total.samples);
    let heard = server.heard();
    let mut signatures = Vec::new();
    for request in &heard {
        assert_eq!((request.line.as_str(), request.body.len()), ("POST /AKID?b=1&a=2 HTTP/1.1", 1));
        let date = request.header("x-amz-date");
        assert!(date.len() == 16 && date.starts_with("20") && date.ends_with('Z'), "{date}");
        let authorization = request.header("authorization");
        let scope = format!("AWS4-HMAC-SHA256 Credential=AKID/{}/eu-west-1/execute-api/aws4_request, ", &date[..8]);
        let (signed, signature) = authorization.strip_prefix(&scope).unwrap().split_once(", Signature=").unwrap();
        assert_eq!(signed, "SignedHeaders=accept;content-type;host;x-amz-date");
        signatures.push((date, signature));
    }
    assert_eq!(signatures.len(), 3);
    let [first, second, third] = [0, 1, 2].map(|place| signatures[place]);
    assert!(first.1 != second.1 && second.1.len() == 64, "another body is signed otherwise");
    assert!(second.0 != third.0 || second.1 == third.1, "the same at the same moment is signed alike");
}

#[test]
fn a_signature_is_for_the_first_origin_alone() {
    let elsewhere = Server::start(|_| Some(OK.to_owned()));
    let to = format!("http://{}/", elsewhere.address);
    let server = Server::start(move |heard| {
        let moved = |to: &str| Some(format!("HTTP/1.1 307 Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"));
        if heard.line.contains("first") { moved("/second") } else { moved(&to) }
    });
    let step = signed(post(server.address, "/first", b"body"), |request| request.redirects.0 = 2);
    let generated = generate(with_keys(vec![step]), 1);
    assert_eq!(generated.iterations().completed, 1, "{:?}", generated.total.samples);
    let of = |server: &Server| -> Vec<bool> {
        server.heard().iter().map(|heard| !heard.header("authorization").is_empty()).collect()
    };
    assert_eq!((of(&server), of(&elsewhere)), (vec![true, true], vec![false]));
}

#[test]
fn keys_that_cannot_be_sent_fail_the_request() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let step = signed(post(server.address, "/", b""), |request| {
        let Some(Auth::Aws(aws)) = &mut request.auth else { return };
        aws.access_key = "{{ 'a\\r\\nb: c' if iteration >= 0 else '' }}".to_owned();
    });
    let generated = generate(with_keys(vec![step]), 1);
    generated.assert_books_balance();
    assert_eq!((generated.failed(ErrorKind::Protocol), server.heard().len()), (1, 0));
}

/// Three users whose requests carry a token that the same server gives.
fn with_token(address: SocketAddr, in_body: bool) -> Plan {
    let step = changed(get(address, "/"), |request| request.auth = Some(Auth::Token(0)));
    let mut plan = plan(vec![scenario(users(&[(60.0, 3, 3)]), vec![step])]);
    plan.vars = vec![Var::secret("secret", "\"s3 cret\"")];
    plan.tokens = vec![TokenSource {
        url: Url { path: "/token".to_owned(), tls: false, host: address.ip().to_string(), port: address.port() },
        client_id: "a:b".to_owned(),
        client_secret: "{{ secret }}".to_owned(),
        scope: Some("read write".to_owned()),
        audience: None,
        in_body,
    }];
    plan
}

fn is_for_token(heard: &Heard) -> bool {
    heard.line.starts_with("POST /token ")
}

fn json(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A server whose tokens, `t1` and so on, last for a second. It refuses every second time that it is asked.
fn moody() -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |heard| {
        if !is_for_token(heard) {
            return Some(OK.to_owned());
        }
        Some(match asked.fetch_add(1, Ordering::Relaxed) {
            odd if odd % 2 == 1 => json(500, ""),
            even => json(200, &format!("{{\"access_token\": \"t{}\", \"expires_in\": 1}}", even / 2 + 1)),
        })
    })
}

#[test]
fn an_agent_fetches_a_token_once_and_again_before_it_ends() {
    let server = moody();
    let generated = generate_while(with_token(server.address, false), 2, |engine| {
        let carries = |heard: &Heard| heard.header("authorization") == "Bearer t3";
        while !server.heard().iter().any(carries) {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        engine.drain();
    });
    generated.assert_books_balance();
    let (asked, carried): (Vec<Heard>, Vec<Heard>) = server.heard().into_iter().partition(is_for_token);
    // A user that was about its request when the token was replaced may still have carried the one before.
    let number = |heard: &Heard| heard.header("authorization")["Bearer t".len()..].parse::<usize>().unwrap();
    assert!(carried.iter().all(|heard| (1..=4).contains(&number(heard))));
    assert_eq!(number(&carried[0]), 1, "it was there before the load began");
    // Both workers share it: three tokens, with a refusal between them, and perhaps one on its way.
    assert!((5..=7).contains(&asked.len()), "asked {} times", asked.len());
    assert_eq!(carried.len() as u64, generated.requests().sent, "no request for a token is counted");
    // A name and a secret are encoded before they are put together: `a%3Ab:s3+cret`.
    assert_eq!(asked[0].header("authorization"), "Basic YSUzQWI6czMrY3JldA==");
    assert_eq!(asked[0].body, b"grant_type=client_credentials&scope=read+write");
}

#[test]
fn a_client_may_say_who_it_is_in_the_body() {
    let server = moody();
    let mut plan = with_token(server.address, true);
    plan.scenarios[0].executor = per_user(1, 1);
    generate(plan, 1).assert_books_balance();
    let heard = server.heard();
    assert_eq!(heard[0].header("authorization"), "");
    let body = "grant_type=client_credentials&scope=read+write&client_id=a%3Ab&client_secret=s3+cret";
    assert_eq!(String::from_utf8_lossy(&heard[0].body), body);
    assert_eq!(heard[1].header("authorization"), "Bearer t1");
}

fn unprepared(plan: Plan, guard: Guard) -> String {
    let config = EngineConfig { agent: "agent".into(), workers: 2, pin: false, guard: Arc::new(guard), witness: None };
    match Engine::prepare(plan, &[Share::full()], &config, &Lease::endless()) {
        Ok(_) => panic!("it was prepared"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn why_there_is_no_token_is_told_before_any_load() {
    let refusing =
        Server::start(|_| Some(json(401, r#"{"error": "invalid_client", "error_description": "not s3 cret"}"#)));
    let told = unprepared(with_token(refusing.address, false), Guard::loopback_only());
    assert_eq!(told, {
        format!("no token from http://{}/token: status 401: invalid_client: not ***", refusing.address)
    });
    assert_eq!(refusing.heard().len(), 1, "what will not pass is not asked again");

    let failing = Server::start(|_| Some(json(503, "")));
    let told = unprepared(with_token(failing.address, false), Guard::loopback_only());
    assert!(told.ends_with("/token: status 503"), "{told}");
    assert_eq!(failing.heard().len(), 3);
    assert!(failing.heard().iter().all(is_for_token));

    let told = unprepared(with_token(failing.address, false), Guard::new(Vec::new()));
    assert!(told.contains("is not allowed by this agent"), "{told}");
}
