//! Rows of data that iterations use.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_agent::engine::rows::{Intake, Rows};
use muster_proto::measurement::SkipReason;
use muster_proto::plan::{
    Arrivals, Executor, Feeder, OnEnd, Order, Plan, Rate, RateStage, Scenario, Shape, Sharing, Templates,
};
use muster_proto::share::Share;

use super::server::{OK, Server};
use super::support::{
    Fed, Generated, arrivals, changed, generate, generate_from, generate_while, get, per_user, plan, scenario, seconds,
    shared, users,
};

/// A feeder with its rows.
#[derive(Clone)]
struct Feed(Feeder, Arc<Rows>);

fn feeder(count: usize, order: Order, share: Sharing, on_end: OnEnd) -> Feed {
    let lines: String = (0..count).map(|row| format!("{{\"id\":{row}}}\n")).collect();
    feed(Rows::of_text(&lines).unwrap(), order, share, on_end)
}

fn feed(rows: Rows, order: Order, share: Sharing, on_end: OnEnd) -> Feed {
    let (name, file, id) = ("row".to_owned(), String::new(), rows.id());
    Feed(Feeder { name, file, rows: id, order, share, on_end }, Arc::new(rows))
}

fn unique(rows: usize, on_end: OnEnd) -> Feed {
    feeder(rows, Order::Sequential, Sharing::Unique, on_end)
}

fn fed(server: &Server, executor: Executor, Feed(feeder, rows): Feed) -> Fed {
    let step = changed(get(server.address, "/{{ row.id }}"), |request| {
        request.name = "row".to_owned();
        request.templates = Templates { head: true, body: false };
    });
    let scenario = Scenario { feeders: vec![0], ..scenario(executor, vec![step]) };
    Fed { plan: Plan { data: vec![feeder], ..plan(vec![scenario]) }, rows: vec![rows] }
}

/// The rows that were asked for, in their order.
fn rows(server: &Server) -> Vec<usize> {
    let rows = server.heard().into_iter().map(|heard| heard.line.split(['/', ' ']).nth(2).unwrap().parse().unwrap());
    let mut rows: Vec<usize> = rows.collect();
    rows.sort_unstable();
    rows
}

fn used(executor: Executor, feeder: Feed, workers: usize) -> (Vec<usize>, Generated) {
    let server = Server::start(|_| Some(OK.to_owned()));
    let generated = generate(fed(&server, executor, feeder), workers);
    generated.assert_books_balance();
    (rows(&server), generated)
}

fn poisson(rate: u64, duration_s: f64) -> Executor {
    let rate = Rate::per_second(rate);
    let stages = vec![RateStage { duration: seconds(duration_s), from: rate, to: rate }];
    Executor::ArrivalRate { stages, arrivals: Arrivals::Poisson, max_users: 100, shape: Shape::Constant }
}

#[test]
fn every_row_is_used_exactly_once_however_many_workers() {
    let all = || (0..100).collect::<Vec<_>>();
    for workers in [1, 3] {
        for order in [Order::Sequential, Order::Shuffle] {
            let feeder = || feeder(100, order, Sharing::Unique, OnEnd::Stop);
            let (found, generated) = used(arrivals(400, 0.5, 50), feeder(), workers);
            assert_eq!(found, all(), "uniform arrivals, {order:?}");
            let skipped = generated.iterations().skipped[SkipReason::Data as usize];
            assert_eq!((generated.iterations().due, skipped), (200, 100));
            let (found, _) = used(poisson(600, 0.5), feeder(), workers);
            assert_eq!(found, all(), "random arrivals, {order:?}");
            let (found, generated) = used(per_user(7, 30), feeder(), workers);
            assert_eq!(found, all(), "users, {order:?}");
            assert_eq!(generated.iterations().completed, 100);
            let (found, _) = used(users(&[(2.0, 7, 7)]), feeder(), workers);
            assert_eq!(found, all(), "users without end, {order:?}");
            let (found, _) = used(shared(7, 100), feeder(), workers);
            assert_eq!(found, all(), "users who share iterations, {order:?}");
        }
    }
}

#[test]
fn rows_are_used_again_when_all_have_been() {
    let (found, generated) = used(arrivals(400, 0.5, 50), unique(60, OnEnd::Recycle), 2);
    assert_eq!(generated.iterations().completed, 200);
    let times = |row: usize| found.iter().filter(|found| **found == row).count();
    assert!((0..60).all(|row| times(row) == if row < 20 { 4 } else { 3 }), "{found:?}");
}

#[test]
fn no_two_agents_use_the_same_row_of_those_that_they_share() {
    for executor in [arrivals(400, 0.5, 50), per_user(8, 50)] {
        let server = Server::start(|_| Some(OK.to_owned()));
        for share in Share::full().deal(&[1, 2]) {
            let plan = fed(&server, executor.clone(), unique(150, OnEnd::Stop));
            let start_ns = muster_agent::engine::clock::now_ns() + 10_000_000;
            let lease = muster_agent::engine::lease::Lease::endless();
            generate_from(start_ns, &[share], &lease, plan, 1, |_| ());
        }
        assert_eq!(rows(&server), (0..150).collect::<Vec<_>>(), "{executor:?}");
    }
}

#[test]
fn every_agent_uses_all_rows_of_its_own() {
    let feeder = feeder(40, Order::Sequential, Sharing::EveryAgent, OnEnd::Stop);
    for workers in [1, 2] {
        let (found, _) = used(per_user(4, 100), feeder.clone(), workers);
        assert_eq!(found, (0..40).collect::<Vec<_>>(), "{workers} workers");
    }
}

#[test]
fn random_rows_are_the_same_for_the_same_seed() {
    let drawn =
        |workers| used(arrivals(400, 0.5, 50), feeder(10, Order::Random, Sharing::Unique, OnEnd::Recycle), workers).0;
    let alone = drawn(1);
    assert_eq!(alone, drawn(3));
    assert!((0..10).all(|row| (5..40).contains(&alone.iter().filter(|found| **found == row).count())), "{alone:?}");
}

#[test]
fn a_fast_user_uses_no_row_of_which_another_s_turn_is_yet_to_come() {
    // One of four users is held up by its first request.
    let slow = |line: &str| line.contains("/0 ");
    let server = Server::start(move |request| {
        if slow(&request.line) {
            std::thread::sleep(Duration::from_millis(700));
        }
        Some(OK.to_owned())
    });
    let generated = generate(fed(&server, shared(4, 200), unique(200, OnEnd::Recycle)), 2);
    generated.assert_books_balance();
    assert_eq!(rows(&server), (0..200).collect::<Vec<_>>());
}

#[test]
fn shared_iterations_end_with_the_rows() {
    let (found, generated) = used(shared(4, 300), unique(120, OnEnd::Stop), 2);
    assert_eq!(found, (0..120).collect::<Vec<_>>());
    assert_eq!(generated.iterations().completed, 120);
}

#[test]
fn a_user_s_own_rows_are_its_own_again_and_again() {
    let feeder = feeder(5, Order::Sequential, Sharing::PerUser, OnEnd::Recycle);
    let (found, generated) = used(users(&[(0.3, 5, 5)]), feeder, 2);
    let times = |row: usize| found.iter().filter(|found| **found == row).count() as u64;
    assert_eq!((0..5).map(times).sum::<u64>(), generated.iterations().completed);
    assert!((0..5).all(|row| times(row) > 1), "{found:?}");
}

/// 400 rows in a file, which can be reached from outside.
fn in_a_file() -> (Rows, File) {
    let file = tempfile::tempfile().unwrap();
    let mut intake = Intake::in_file(file.try_clone().unwrap());
    (0..400).for_each(|row| intake.push(format!("{{\"id\":{row}}}\n").as_bytes()).unwrap());
    (intake.finish().unwrap(), file)
}

#[test]
fn rows_that_are_not_in_memory_are_the_same() {
    for order in [Order::Sequential, Order::Shuffle] {
        let (rows, _) = in_a_file();
        let (found, _) = used(per_user(8, 100), feed(rows, order, Sharing::Unique, OnEnd::Stop), 2);
        assert_eq!(found, (0..400).collect::<Vec<_>>());
    }
}

#[test]
fn nothing_is_sent_without_its_row_and_the_agent_gives_up() {
    let server = Server::start(|_| Some(OK.to_owned()));
    let (rows, file) = in_a_file();
    // What was whole when it was taken in, and is not any more.
    file.set_len(0).unwrap();
    let fed = fed(&server, per_user(2, 10), feed(rows, Order::Sequential, Sharing::Unique, OnEnd::Stop));
    generate_while(fed, 1, |engine| {
        let since = Instant::now();
        while engine.alarm().reason().is_none() {
            assert!(since.elapsed() < Duration::from_secs(60), "waited in vain");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(engine.alarm().reason(), Some("a row of its data cannot be read any more"));
        engine.abort();
    });
    assert_eq!(server.heard().len(), 0);
}
