//! Who requests say they come from, where that is found out when they are sent.

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Auth, Aws, Body, Plan, Request, Step, Templates};

use super::server::{OK, Server};
use super::support::{changed, generate, per_user, plan, post, scenario};

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
    let vars = [("key", "\"AKID\""), ("secret", "\"s3cret\"")].map(|(name, json)| (name.to_owned(), json.to_owned()));
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
