//! The ways to the target: addresses to send from and to, a proxy, and what arrives at the other end.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use muster_proto::plan::{Body, Connections, Plan, Step, Url};

use super::server::{Heard, OK, Server};
use super::support::{Generated, changed, generate, get, per_user, plan, post, scenario};

fn agreeable() -> Server {
    Server::start(|_| Some(OK.to_owned()))
}

/// Carries the plan out and returns what the server heard; all of it must have been answered.
fn heard(server: &Server, plan: Plan) -> (Generated, Vec<Heard>) {
    let generated = generate(plan, 1);
    generated.assert_books_balance();
    let heard = server.heard();
    assert_eq!(generated.iterations().completed, heard.len() as u64, "{:?}", generated.total.samples);
    (generated, heard)
}

fn four_times(step: Step) -> Plan {
    plan(vec![scenario(per_user(4, 1), vec![step])])
}

#[test]
fn the_target_sees_every_source_address() {
    let server = agreeable();
    let mut plan = four_times(get(server.address, "/"));
    let sources: Vec<IpAddr> = vec!["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()];
    plan.connect.sources.clone_from(&sources);
    let (_, heard) = heard(&server, plan);
    let from = |source: &IpAddr| heard.iter().filter(|heard| heard.from == *source).count();
    assert_eq!(sources.iter().map(from).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_name_leads_where_the_plan_says() {
    let server = agreeable();
    let step = changed(get(server.address, "/"), |request| request.url.host = "shop.test".to_owned());
    let mut plan = four_times(step);
    plan.connect.hosts = vec![("shop.test".to_owned(), vec![server.address.ip()])];
    let (_, heard) = heard(&server, plan);
    let hosts: BTreeSet<&str> = heard.iter().map(|heard| heard.header("host")).collect();
    assert_eq!(hosts, BTreeSet::from([format!("shop.test:{}", server.address.port()).as_str()]));
}

#[test]
fn a_proxy_is_asked_in_the_targets_place() {
    let proxy = agreeable();
    let target: SocketAddr = "127.0.0.9:81".parse().unwrap();
    let mut plan = four_times(get(target, "/page?q=1"));
    let (host, port) = (proxy.address.ip().to_string(), proxy.address.port());
    plan.connect.proxy = Some(Url { tls: false, host, port, path: "/".to_owned() });
    let (_, heard) = heard(&proxy, plan);
    assert!(heard.iter().all(|heard| heard.line == "GET http://127.0.0.9:81/page?q=1 HTTP/1.1"));
    assert!(heard.iter().all(|heard| heard.header("host") == "127.0.0.9:81"));
}

#[test]
fn new_connections_carry_one_request_each_and_say_so() {
    let server = agreeable();
    let mut scenario = scenario(per_user(2, 3), vec![get(server.address, "/")]);
    scenario.connections = Connections::New;
    let (generated, heard) = heard(&server, plan(vec![scenario]));
    assert_eq!((generated.requests().connections, generated.requests().reconnects), (6, 0));
    assert!(heard.iter().all(|heard| heard.nth == 0 && heard.header("connection") == "close"));
}

#[test]
fn bodies_arrive_byte_for_byte() {
    let file: Vec<u8> = (0..=u8::MAX).cycle().take(300_001).collect();
    let bodies: [(&str, Vec<u8>); 4] = [
        ("application/x-www-form-urlencoded", b"name=a+b&sign=%26".to_vec()),
        ("application/json", br#"{"product":7,"note":"\u00e4"}"#.to_vec()),
        ("application/octet-stream", file),
        ("text/plain", Vec::new()),
    ];
    for (kind, body) in bodies {
        let server = agreeable();
        let step = changed(post(server.address, "/", b""), |request| {
            request.headers = vec![("content-type".to_owned(), kind.to_owned())];
            request.body = Body(body.clone().into());
        });
        let (generated, heard) = heard(&server, four_times(step));
        assert!(heard.iter().all(|heard| heard.body == body && heard.header("content-type") == kind), "{kind}");
        assert!(heard.iter().all(|heard| heard.header("content-length") == body.len().to_string()), "{kind}");
        assert_eq!(generated.requests().bytes_sent, heard.iter().map(|heard| heard.bytes).sum::<u64>());
    }
}
