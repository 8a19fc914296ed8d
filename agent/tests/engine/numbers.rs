//! Numbers that requests carry, by which they are found in a target's log.

use std::thread;
use std::time::Duration;

use muster_agent::engine::clock;
use muster_agent::engine::lease::Lease;
use muster_proto::change::Handed;
use muster_proto::plan::{Plan, Redirects, Scenario};
use muster_proto::share::Share;
use muster_target::{Config, IdCounts, Target};

use super::server::{OK, Server};
use super::support::{arrivals, changed, generate, generate_from, get, per_user, plan, scenario, users};

/// A plan whose requests carry numbers.
fn numbered(scenarios: Vec<Scenario>) -> Plan {
    let mut plan = plan(scenarios);
    plan.http.request_ids = true;
    plan
}

fn remembering() -> Target {
    Target::start(Config { track_ids: true, ..Config::default() }).unwrap()
}

#[test]
fn no_two_requests_carry_the_same_number() {
    let target = remembering();
    let steps = || vec![get(target.addr(), "/"), get(target.addr(), "/more")];
    let plan = numbered(vec![scenario(arrivals(200, 0.5, 50), steps()), scenario(per_user(5, 20), steps())]);
    let generated = generate(plan, 2);
    generated.assert_books_balance();
    let mut ids: Vec<u64> = target.arrivals().iter().map(|arrival| arrival.id).collect();
    ids.sort_unstable();
    assert!(ids.iter().copied().take(101).eq((0..100).chain([1 << 56])), "the first step's are its arrivals'");
    assert_eq!(target.stop().ids, Some(IdCounts { seen: 400, repeated: 0, untracked: 0 }));
}

#[test]
fn users_who_go_from_one_agent_to_the_other_bring_no_number_twice() {
    const MS: u64 = 1_000_000;
    let target = remembering();
    let plan = numbered(vec![scenario(users(&[(1.2, 8, 8)]), vec![get(target.addr(), "/?latency=5ms")])]);
    let start_ns = clock::now_ns() + 50 * MS;
    let (first, second) = thread::scope(|scope| {
        let lease = Lease::endless();
        let plan = &plan;
        let second = scope.spawn(move || {
            generate_from(start_ns, &[Share::empty()], &lease, plan.clone(), 1, |engine| {
                engine.grant(&Handed::new(vec![Share::full()]), 500 * MS).unwrap();
            })
        });
        let first = generate_from(start_ns, &[Share::full()], &Lease::endless(), plan.clone(), 1, |engine| {
            thread::sleep(Duration::from_millis(300));
            engine.revoke(&[Share::full()], 500 * MS).unwrap();
        });
        (first, second.join().unwrap())
    });
    assert!(first.requests().sent > 100 && second.requests().sent > 100);
    let seen = first.requests().sent + second.requests().sent;
    assert_eq!(target.stop().ids, Some(IdCounts { seen, repeated: 0, untracked: 0 }));
}

#[test]
fn a_redirect_carries_the_number_of_its_request() {
    let server = Server::start(|heard| match heard.line.contains("/here") {
        true => Some("HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n".to_owned()),
        false => Some(OK.to_owned()),
    });
    let step = changed(get(server.address, "/here"), |request| request.redirects = Redirects(1));
    generate(numbered(vec![scenario(per_user(1, 2), vec![step])]), 1);
    let ids: Vec<String> = server.heard().iter().map(|heard| heard.header("x-request-id").to_owned()).collect();
    assert_eq!(ids, [0, 0, 1, 1].map(|id| format!("{id:020}")));
}

#[test]
fn a_request_that_is_repeated_on_a_fresh_connection_keeps_its_number() {
    let impatient = Server::start(|heard| (heard.nth == 0).then(|| OK.to_owned()));
    generate(numbered(vec![scenario(per_user(1, 2), vec![get(impatient.address, "/")])]), 1);
    let ids: Vec<String> = impatient.heard().iter().map(|heard| heard.header("x-request-id").to_owned()).collect();
    assert_eq!(ids, [0, 1, 1].map(|id| format!("{id:020}")));
}

#[test]
fn who_did_not_ask_for_numbers_gets_none() {
    let target = remembering();
    generate(plan(vec![scenario(per_user(1, 2), vec![get(target.addr(), "/")])]), 1);
    assert_eq!(target.stop().ids, Some(IdCounts::default()));
}
