use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::config::NameServerConfig;
use tokio::net::UdpSocket;

use super::*;
use crate::engine::deadline::{Deadline, Expired};

fn ips(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|ip| ip.parse().unwrap()).collect()
}

fn plan(dns: DnsPolicy) -> Connect {
    Connect { hosts: vec![("Shop.test".to_owned(), ips(&["10.0.0.1", "::1", "10.0.0.2"]))], dns, ..Connect::default() }
}

fn without_dns() -> Resolver {
    Resolver::with(&plan(DnsPolicy::Once), Hosts::default(), Err("/etc/resolv.conf: gone".to_owned()))
}

/// A resolver whose only name server is on loopback.
fn asking(port: u16, dns: DnsPolicy) -> Resolver {
    let mut server = NameServerConfig::udp(IpAddr::from([127, 0, 0, 1]));
    server.connections[0].port = port;
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    Resolver::with(&plan(dns), Hosts::default(), Ok((config, ResolverOpts::default())))
}

/// A name server that knows `two.test` with two IPv4 addresses and one IPv6 address, and counts its IPv4 questions.
async fn name_server() -> (u16, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        let mut question = [0; 512];
        loop {
            let (length, peer) = socket.recv_from(&mut question).await.unwrap();
            let end = 12 + question[12..length].iter().position(|&byte| byte == 0).unwrap() + 5;
            let known = question[12..].starts_with(b"\x03two\x04test\0");
            let is_v4 = question[end - 3] == 1;
            counted.fetch_add(usize::from(is_v4), Ordering::SeqCst);
            let records: &[&[u8]] = match (known, is_v4) {
                (true, true) => &[&[10, 0, 0, 1], &[10, 0, 0, 2]],
                (true, false) => &[&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
                _ => &[],
            };
            let mut answer = question[..2].to_vec();
            answer.extend([0x81, if known { 0x80 } else { 0x83 }, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
            answer.extend(&question[12..end]);
            for address in records {
                answer.extend([0xc0, 12, 0, question[end - 3], 0, 1, 0, 0, 0, 60, 0, address.len() as u8]);
                answer.extend(*address);
            }
            socket.send_to(&answer, peer).await.unwrap();
        }
    });
    (port, count)
}

async fn order(resolver: &Resolver, host: &str) -> Vec<String> {
    resolver.resolve(host).await.unwrap().in_turn().map(|ip| ip.to_string()).collect()
}

#[tokio::test]
async fn the_plans_addresses_go_first_and_take_turns() {
    let resolver = without_dns();
    assert_eq!(order(&resolver, "shop.test").await, ["10.0.0.1", "::1", "10.0.0.2"]);
    assert_eq!(order(&resolver, "shop.test").await, ["::1", "10.0.0.2", "10.0.0.1"]);
    assert_eq!(order(&resolver, "shop.test").await, ["10.0.0.2", "10.0.0.1", "::1"]);
    assert_eq!(order(&resolver, "shop.test").await[0], "10.0.0.1");
    assert!(resolver.resolve("shop.test").await.unwrap().by_plan);
}

#[tokio::test]
async fn without_a_name_server_addresses_and_localhost_still_work() {
    let resolver = without_dns();
    assert_eq!(order(&resolver, "192.0.2.1").await, ["192.0.2.1"]);
    assert_eq!(order(&resolver, "2001:db8::1").await, ["2001:db8::1"]);
    for _ in 0..2 {
        assert_eq!(order(&resolver, "localhost").await, ["127.0.0.1", "::1"], "one family, then the other");
    }
    let failure = resolver.resolve("other.test").await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Dns);
    assert!(failure.text.contains("/etc/resolv.conf: gone") && failure.text.contains("other.test"), "{}", failure.text);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_its_addresses_take_turns() {
    let (port, count) = name_server().await;
    let resolver = asking(port, DnsPolicy::Once);
    let (one, other) = tokio::join!(order(&resolver, "two.test"), order(&resolver, "two.test"));
    let mut orders = [one, other];
    orders.sort();
    assert_eq!(orders, [["10.0.0.1", "10.0.0.2", "fd00::1"], ["10.0.0.2", "10.0.0.1", "fd00::1"]]);
    assert!(!resolver.resolve("two.test").await.unwrap().by_plan);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_period_that_has_passed_means_a_new_look_up() {
    let (port, count) = name_server().await;
    let resolver = asking(port, DnsPolicy::Every(Duration::ZERO));
    for asked in 1..=3 {
        order(&resolver, "two.test").await;
        assert_eq!(count.load(Ordering::SeqCst), asked);
    }
    let resolver = asking(port, DnsPolicy::Every(Duration::from_secs(3600)));
    order(&resolver, "two.test").await;
    order(&resolver, "two.test").await;
    assert_eq!(count.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn an_unknown_name_is_a_dns_failure() {
    let (port, _) = name_server().await;
    let failure = asking(port, DnsPolicy::Once).resolve("none.test").await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Dns);
    assert!(failure.text.contains("cannot look up none.test"), "{}", failure.text);
}

#[tokio::test]
async fn a_silent_name_server_is_bounded_by_the_deadline() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = asking(silent.local_addr().unwrap().port(), DnsPolicy::Once);
    let mut deadline = Deadline::default();
    deadline.set(clock::now_ns() + 20_000_000);
    assert_eq!(deadline.limit(resolver.resolve("two.test")).await.err(), Some(Expired));
}

#[tokio::test]
async fn look_ups_under_way_are_bounded() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = asking(silent.local_addr().unwrap().port(), DnsPolicy::Once);
    for n in 0..LOOK_UPS_MAX {
        assert!(resolver.resolve(&format!("h{n}.test")).now_or_never().is_none());
    }
    let failure = resolver.resolve("more.test").await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::GeneratorOverload);
    assert!(failure.text.contains("under way"), "{}", failure.text);
}

#[tokio::test]
async fn remembered_names_are_bounded() {
    let resolver = without_dns();
    for n in 0..NAMES_MAX + 10 {
        let _ = resolver.resolve(&format!("h{n}.test")).await;
    }
    assert_eq!(resolver.asked.borrow().len(), NAMES_MAX);
    assert!(!resolver.asked.borrow().contains_key("h0.test"));
}

#[test]
fn a_failure_stands_for_a_moment_only() {
    let answer = std::future::ready(Err(dns_failure("x".to_owned()))).boxed_local().shared();
    assert!(answer.clone().now_or_never().is_some());
    let asked = Asked { at_ns: 5, answer };
    let kept_ns = FAILURE_KEPT.as_nanos() as u64;
    assert!(asked.holds(DnsPolicy::Once, 4 + kept_ns));
    assert!(!asked.holds(DnsPolicy::Once, 5 + kept_ns));
}
