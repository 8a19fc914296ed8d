//! Requests that are made anew each time, as the target hears them.

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Body, Connections, Plan, Request, Step, Templates, Var};

use super::server::{Heard, OK, Server};
use super::support::{
    Generated, arrivals, changed, generate, generate_while, get, per_user, plan, post, scenario, users,
};

fn templated(step: Step, change: impl FnOnce(&mut Request)) -> Step {
    changed(step, |request| {
        request.templates = Templates { head: true, body: true };
        change(request);
    })
}

fn with_vars(steps: Vec<Step>, executor: muster_proto::plan::Executor) -> Plan {
    let vars = vec![Var::new("pages", "50"), Var::new("who", "\"a b\\u00fc\"")];
    Plan { vars, ..plan(vec![scenario(executor, steps)]) }
}

fn heard(server: &Server, plan: Plan, workers: usize) -> (Generated, Vec<Heard>) {
    let generated = generate(plan, workers);
    generated.assert_books_balance();
    (generated, server.heard())
}

#[test]
fn the_target_hears_what_expressions_make() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let step = templated(post(server.address, "/p/{{ who }}?page={{ pages }}", b""), |request| {
        request.headers.push(("x-made".to_owned(), "{{ 1 + 1 }}-{{ who | length }}".to_owned()));
        request.body = Body("{{ 'x' * 3 if pages > 49 else '' }}{{ random(5, 5) }}".into());
    });
    let (generated, heard) = heard(&server, with_vars(vec![step], per_user(2, 2)), 1);
    assert_eq!((generated.iterations().completed, heard.len()), (4, 4));
    for request in heard {
        assert_eq!(request.line, "POST /p/a%20b%C3%BC?page=50 HTTP/1.1");
        assert_eq!(request.header("x-made"), "2-4");
        assert_eq!(request.header("content-length"), "4");
        assert_eq!(request.body, b"xxx5");
    }
}

#[test]
fn users_are_numbered_over_all_workers_and_so_are_their_turns() {
    let seen = |workers| {
        let server = Server::start(|_| Some(OK.to_owned()));
        let step = templated(get(server.address, "/{{ user }}/{{ turn }}/{{ user * 10 + turn }}/{{ pages }}"), |_| {});
        let mut plan = with_vars(vec![step], per_user(5, 3));
        plan.scenarios[0].vars = vec![Var::new("pages", "\"its own\"")];
        let (_, heard) = heard(&server, plan, workers);
        let mut lines: Vec<String> = heard.into_iter().map(|request| request.line).collect();
        lines.sort();
        lines
    };
    let expected: Vec<String> = (0..5)
        .flat_map(|user| (0..3).map(move |turn| format!("GET /{user}/{turn}/{}/its%20own HTTP/1.1", user * 10 + turn)))
        .collect();
    assert_eq!(seen(1), expected);
    assert_eq!(seen(3), expected);
}

#[test]
fn agents_and_workers_go_by_their_names() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let step = templated(get(server.address, "/{{ agent }}/{{ worker }}"), |_| {});
    let (_, heard) = heard(&server, with_vars(vec![step], per_user(8, 2)), 2);
    let lines: std::collections::BTreeSet<String> = heard.into_iter().map(|request| request.line).collect();
    assert_eq!(lines.into_iter().collect::<Vec<_>>(), ["GET /agent/0 HTTP/1.1", "GET /agent/1 HTTP/1.1"]);
}

#[test]
fn what_files_hold_is_sent_as_it_is_among_what_is_made() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let step = templated(post(server.address, "/", b""), |request| {
        request.body = Body(b"{{ pages }}-\xff{{ raw }}\0{{ who | length }}{{ raw }}".as_slice().into());
        request.verbatim = vec![12..23, 41..50];
    });
    let (_, heard) = heard(&server, with_vars(vec![step], per_user(1, 2)), 1);
    assert_eq!(heard.len(), 2);
    for request in heard {
        assert_eq!(request.body, b"50-\xff{{ raw }}\x004{{ raw }}");
        assert_eq!(request.header("content-length"), request.body.len().to_string());
    }
}

#[test]
fn the_same_seed_makes_the_same_requests_on_however_many_workers() {
    let drawn = |workers| {
        let server = Server::start(|_| Some(OK.to_owned()));
        let path = "/{{ iteration }}/{{ random(1, 1000000) }}/{{ uuid() }}/{{ choice([1, 2, 3]) }}";
        let step = templated(get(server.address, path), |_| {});
        let plan = with_vars(vec![step.clone(), step], arrivals(200, 0.5, 100));
        let (_, heard) = heard(&server, plan, workers);
        let mut lines: Vec<String> = heard.into_iter().map(|request| request.line).collect();
        lines.sort();
        lines
    };
    let alone = drawn(1);
    assert_eq!(alone.len(), 200);
    assert!(alone.windows(2).all(|pair| pair[0] != pair[1]), "each is another");
    assert_eq!(drawn(3), alone);
}

#[test]
fn what_cannot_be_made_fails_and_is_not_sent() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let no_value = templated(get(server.address, "/{{ 1 // ((iteration + 1) % 2) }}"), |_| {});
    let (generated, heard) = heard(&server, with_vars(vec![no_value], arrivals(100, 0.2, 10)), 1);
    assert_eq!((heard.len(), generated.failed(ErrorKind::Protocol)), (10, 10));
    assert_eq!((generated.iterations().completed, generated.iterations().failed), (10, 10));
    let told = format!("{:?}", generated.total.samples);
    assert!(told.contains("path: `1 // ((iteration + 1) % 2)` has no value"), "{told}");

    let smuggled = templated(get(server.address, "/"), |request| {
        request.headers.push(("x".to_owned(), "{{ 'a\\r\\nb: c' if iteration > 0 else '' }}".to_owned()));
    });
    let (generated, _) = self::heard(&server, with_vars(vec![smuggled], arrivals(100, 0.2, 10)), 1);
    assert_eq!(generated.failed(ErrorKind::Protocol), 19, "{:?}", generated.total.samples);
}

#[test]
fn users_who_can_send_nothing_leave_others_their_turn_and_end_in_time() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let never = || templated(get(server.address, "/{{ 1 // (1 if iteration == 0 else 0) }}"), |_| {});
    let generated = generate(with_vars(vec![never()], users(&[(0.3, 3, 3)])), 1);
    generated.assert_books_balance();
    let last = generated.windows.last_key_value().map(|(window, _)| *window);
    assert!(last < Some(50), "the profile of 0.3 s ended in window {last:?}");

    let mut plan = with_vars(vec![never()], users(&[(20.0, 3, 3)]));
    plan.scenarios.push(scenario(users(&[(20.0, 1, 1)]), vec![get(server.address, "/")]));
    let generated = generate_while(plan, 1, |engine| {
        server.wait_for(5);
        engine.drain();
    });
    generated.assert_books_balance();
    assert!(generated.failed(ErrorKind::Protocol) > 5, "{:?}", generated.total.samples);
}

#[test]
fn a_redirect_leads_on_from_what_was_made() {
    let server = Server::start(|heard| {
        let moved = "HTTP/1.1 307 Moved\r\nlocation: next\r\ncontent-length: 0\r\n\r\n".to_owned();
        Some(if heard.line.contains("next") { OK.to_owned() } else { moved })
    });
    let step = templated(post(server.address, "/a/{{ pages }}/b", b""), |request| {
        request.redirects.0 = 1;
        request.body = Body("{{ pages }}".into());
    });
    let mut plan = with_vars(vec![step], per_user(1, 1));
    plan.scenarios[0].connections = Connections::New;
    let (_, heard) = heard(&server, plan, 1);
    let lines: Vec<(&str, &[u8])> = heard.iter().map(|heard| (heard.line.as_str(), &*heard.body)).collect();
    assert_eq!(lines, [("POST /a/50/b HTTP/1.1", &b"50"[..]), ("POST /a/50/next HTTP/1.1", &b"50"[..])]);
}
