//! What steers an iteration: groups, conditions, loops, choices, requests at the same time, repetitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use muster_proto::measurement::{Tally, TallyKey, TallyTable};
use muster_proto::plan::{
    Branch, Capture, Choice, Group, Loop, Missing, Parallel, Pick, Plan, Request, Retry, Rounds, Source, Step, Stop,
    Templates, Think, Var,
};

use super::server::{OK, Server};
use super::support::{Generated, arrivals, changed, generate, get, per_user, plan, scenario};

/// A GET of a path that may be a template, which goes by the same name whatever is made of it.
fn page(server: &Server, path: &str) -> Step {
    changed(get(server.address, path), |request| {
        request.name = "page".to_owned();
        request.templates = Templates { head: path.contains("{{"), body: false };
    })
}

fn with_vars(steps: Vec<Step>) -> Plan {
    let vars = vec![Var::new("two", "2"), Var::new("list", r#"["a", "b"]"#)];
    Plan { vars, ..plan(vec![scenario(per_user(1, 2), steps)]) }
}

/// The paths that are asked for in one iteration of each of these steps, made by one user.
fn paths(server: &Server, steps: Vec<Step>) -> Vec<String> {
    let before = server.heard().len();
    let generated = generate(with_vars(steps), 1);
    generated.assert_books_balance();
    let lines = server.heard().into_iter().skip(before);
    let all: Vec<String> = lines.map(|heard| heard.line.split(' ').nth(1).unwrap().to_owned()).collect();
    let (first, second) = all.split_at(all.len() / 2);
    assert_eq!(first, second, "each iteration begins anew");
    first.to_vec()
}

fn looped(rounds: Rounds, name: &str, steps: Vec<Step>) -> Step {
    Step::Loop(Box::new(Loop { rounds, name: Some(name.to_owned()), max: 5, steps }))
}

fn branch(condition: &str, then: Vec<Step>, otherwise: Vec<Step>) -> Step {
    Step::If(Box::new(Branch { condition: condition.to_owned(), then, otherwise }))
}

fn set(name: &str, value: &str) -> Step {
    Step::Set(vec![(name.to_owned(), value.to_owned())])
}

#[test]
fn loops_go_round_as_often_as_they_say() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let times = |source: &str| {
        let steps = vec![page(&server, "/{{ i }}")];
        paths(&server, vec![looped(Rounds::Times(source.to_owned()), "i", steps)])
    };
    assert_eq!(times("3"), ["/0", "/1", "/2"]);
    assert_eq!(times("two"), ["/0", "/1"]);
    assert_eq!(times("two - 5"), [""; 0]);
    assert_eq!(times("100"), ["/0", "/1", "/2", "/3", "/4"], "at most five rounds");
    assert_eq!(times("1 // 0"), [""; 0], "what has no value is none");
    let each = |source: &str| {
        let steps = vec![page(&server, "/{{ item }}")];
        paths(&server, vec![looped(Rounds::Each(source.to_owned()), "item", steps)])
    };
    assert_eq!(each("list"), ["/a", "/b"]);
    assert_eq!(each("range(2, 4)"), ["/2", "/3"]);
    assert_eq!(each("two"), [""; 0], "no list");
}

#[test]
fn loops_and_conditions_follow_what_is_set() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let count = looped(
        Rounds::While("left > 0".to_owned()),
        "i",
        vec![
            branch("left % 2 == 0", vec![page(&server, "/even/{{ left }}")], vec![page(&server, "/odd/{{ left }}")]),
            set("left", "{{ left - 1 }}"),
        ],
    );
    let found = paths(
        &server,
        vec![set("left", "{{ two + 1 }}"), count, branch("left == 0", vec![page(&server, "/done")], vec![])],
    );
    assert_eq!(found, ["/odd/3", "/even/2", "/odd/1", "/done"]);
    let inner = looped(Rounds::Times("2".to_owned()), "j", vec![page(&server, "/{{ i }}{{ j }}")]);
    let nested = looped(Rounds::Times("2".to_owned()), "i", vec![inner]);
    assert_eq!(paths(&server, vec![nested]), ["/00", "/01", "/10", "/11"]);
}

#[test]
fn an_iteration_ends_where_it_is_stopped() {
    let server = Server::start(|_| Some(OK.to_owned()));
    for (stop, counts) in [(Stop::Completed, (2, 0)), (Stop::Failed, (0, 2))] {
        let rounds = vec![page(&server, "/in"), branch("i == 1", vec![Step::Stop(stop)], vec![])];
        let steps = vec![looped(Rounds::Times("5".to_owned()), "i", rounds), page(&server, "/after")];
        let generated = generate(with_vars(steps), 1);
        generated.assert_books_balance();
        assert_eq!((generated.iterations().completed, generated.iterations().failed), counts);
        assert_eq!(generated.requests().sent, 4);
    }
}

#[test]
fn choices_are_made_by_weight_and_the_same_on_however_many_workers() {
    let chosen = |workers| {
        let server = Server::start(|_| Some(OK.to_owned()));
        let choice = |weight, path| Choice { weight, steps: vec![page(&server, path)] };
        let choose = Step::Choose(vec![choice(3, "/often/{{ iteration }}"), choice(1, "/seldom/{{ iteration }}")]);
        let generated = generate(plan(vec![scenario(arrivals(400, 0.5, 100), vec![choose])]), workers);
        generated.assert_books_balance();
        let mut lines: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
        lines.sort();
        lines
    };
    let alone = chosen(1);
    let often = alone.iter().filter(|line| line.contains("often")).count();
    assert_eq!(alone.len(), 200);
    assert!((125..175).contains(&often), "{often} of 200");
    assert_eq!(chosen(2), alone);
}

fn tally(generated: &Generated, plan: &Plan, key: &TallyKey) -> Tally {
    generated.total.tallies[usize::from(TallyTable::of(plan).find(key).unwrap())].clone()
}

#[test]
fn groups_are_timed_as_a_whole_and_under_their_full_name() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let group = |name: &str, steps| Step::Group(Group { name: name.to_owned(), steps });
    let pause = || Step::Think(Think::Even(Duration::from_millis(20), Duration::from_millis(20)));
    let inner = group("pay", vec![page(&server, "/pay"), pause()]);
    let plan = with_vars(vec![group("shop", vec![page(&server, "/list"), pause(), inner])]);
    let generated = generate(plan.clone(), 1);
    let [outer, inner] = ["shop", "shop/pay"].map(|name| tally(&generated, &plan, &TallyKey::group(0, name)));
    assert_eq!((outer.count, inner.count), (2, 2));
    let (outer_ms, inner_ms) = (outer.trend.min_ns().unwrap() / 1_000_000, inner.trend.min_ns().unwrap() / 1_000_000);
    assert!(outer_ms >= 40 && inner_ms >= 20 && inner_ms < outer_ms, "{outer_ms} {inner_ms}");
}

#[test]
fn pages_load_their_parts_at_the_same_time_over_few_connections() {
    let server = Server::start(|heard| {
        std::thread::sleep(Duration::from_millis(50));
        let body = format!("{{\"of\": \"{}\"}}", heard.line.split(' ').nth(1).unwrap());
        Some(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
    });
    let part = |number: usize| {
        let Step::Request(request) = page(&server, &format!("/part{number}")) else { unreachable!("a request") };
        let name = format!("part{number}");
        let source = Source::Json("$.of".to_owned());
        let capture = Capture { name, source, pick: Pick::First, missing: Missing::Fail };
        Request { captures: vec![capture], ..*request }
    };
    let parallel = Step::Parallel(Parallel { requests: (0..6).map(part).collect(), at_once: 3 });
    let plan = with_vars(vec![parallel, page(&server, "/after{{ part0 }}{{ part5 }}")]);
    let generated = generate(plan, 1);
    generated.assert_books_balance();
    assert_eq!((generated.iterations().completed, generated.requests().sent), (2, 14));
    assert_eq!(generated.requests().connections, 3, "as many as there are at once, and kept");
    let after = server.heard().into_iter().filter(|heard| heard.line.contains("/after/part0/part5")).count();
    assert_eq!(after, 2);
}

#[test]
fn a_slow_part_of_a_page_holds_no_other_up() {
    const OTHERS: usize = 4;
    let (heard, alone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (seen, waited) = (Arc::clone(&heard), Arc::clone(&alone));
    let server = Server::start(move |request| {
        if !request.line.contains("/slow") {
            seen.fetch_add(1, Ordering::SeqCst);
            return Some(OK.to_owned());
        }
        let since = Instant::now();
        while seen.load(Ordering::SeqCst) < OTHERS {
            if since.elapsed() > Duration::from_secs(5) {
                waited.store(true, Ordering::SeqCst);
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Some(OK.to_owned())
    });
    let part = |path: &str| {
        let Step::Request(request) = page(&server, path) else { unreachable!("a request") };
        *request
    };
    let requests = std::iter::once(part("/slow")).chain((0..OTHERS).map(|_| part("/quick"))).collect();
    let parallel = Step::Parallel(Parallel { requests, at_once: 2 });
    let generated = generate(plan(vec![scenario(per_user(1, 1), vec![parallel])]), 1);
    generated.assert_books_balance();
    assert_eq!(generated.requests().sent, 1 + OTHERS as u64);
    assert!(!alone.load(Ordering::SeqCst), "the others were made meanwhile");
}

#[test]
fn a_request_is_made_again_until_it_is_as_expected() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let status = if asked.fetch_add(1, Ordering::Relaxed) % 3 == 2 { "200 OK" } else { "503 Busy" };
        Some(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))
    });
    let again = |times| {
        let pause = Duration::from_millis(5);
        let step = changed(page(&server, "/"), |request| request.retry = Retry { times, pause });
        let generated = generate(with_vars(vec![step]), 1);
        generated.assert_books_balance();
        (generated.iterations().completed, generated.iterations().failed, generated.requests().sent)
    };
    assert_eq!(again(5), (2, 0, 6), "two failures and a success, twice");
    assert_eq!(again(1), (1, 1, 3), "of three more, the third succeeds, in the second iteration");
}

#[test]
fn a_pace_is_kept_however_long_the_steps_take() {
    let server = Server::start(|_| {
        std::thread::sleep(Duration::from_millis(30));
        Some(OK.to_owned())
    });
    let steps = vec![
        page(&server, "/a"),
        Step::Pace(Duration::from_millis(100)),
        page(&server, "/b"),
        Step::Pace(Duration::from_millis(100)),
    ];
    let generated = generate(with_vars(steps), 1);
    let took_ms = generated.iterations().duration.min_ns().unwrap() / 1_000_000;
    assert!((200..260).contains(&took_ms), "{took_ms} ms");
}
