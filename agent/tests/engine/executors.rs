//! Each executor makes the iterations that its profile asks for, on any number of workers.

use std::sync::{Arc, Condvar, Mutex};

use muster_proto::plan::{Arrivals, Executor, Rate, RateStage, Shape, Step, Think};
use muster_proto::schedule::{ArrivalSchedule, Stream};

use super::server::{OK, Server};
use super::support::{arrivals, generate, get, per_user, plan, scenario, seconds, shared, target, users};

#[test]
fn a_constant_rate_makes_every_arrival_in_its_second() {
    for workers in [1, 3] {
        let target = target("");
        let generated =
            generate(plan(vec![scenario(arrivals(200, 2.0, 1_000), vec![get(target.addr(), "/")])]), workers);
        generated.assert_books_balance();
        let stats = generated.iterations();
        assert_eq!((stats.due, stats.started, stats.completed), (400, 400, 400));
        let due_in = |second: u32| -> u64 {
            let windows = generated.windows.range(second * 5..second * 5 + 5);
            windows.map(|(_, window)| window.scenarios[0].due).sum()
        };
        assert_eq!((due_in(0), due_in(1), due_in(2)), (200, 200, 0));
        assert_eq!(stats.arrival_lag.count(), 400);
        assert_eq!(target.stop().responses, 400);
    }
}

#[test]
fn a_ramp_makes_as_many_arrivals_as_the_area_below_it() {
    let target = target("");
    let stages = vec![RateStage { duration: seconds(2.0), from: Rate(0), to: Rate::per_second(200) }];
    let executor = Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users: 100, shape: Shape::Ramping };
    let generated = generate(plan(vec![scenario(executor, vec![get(target.addr(), "/")])]), 2);
    generated.assert_books_balance();
    assert_eq!(generated.iterations().completed, 200);
}

#[test]
fn a_poisson_process_makes_the_same_arrivals_on_any_number_of_workers() {
    let target = target("");
    let stages = vec![RateStage { duration: seconds(1.0), from: Rate::per_second(300), to: Rate::per_second(300) }];
    let schedule = ArrivalSchedule::new(&stages, Arrivals::Poisson, Stream { seed: 42, scenario: 0 });
    let wanted = Arc::new(schedule.unwrap()).arrivals_total();
    for workers in [1, 3] {
        let stages = stages.clone();
        let executor =
            Executor::ArrivalRate { stages, arrivals: Arrivals::Poisson, max_users: 100, shape: Shape::Constant };
        let generated = generate(plan(vec![scenario(executor, vec![get(target.addr(), "/")])]), workers);
        generated.assert_books_balance();
        assert_eq!(generated.iterations().completed, wanted);
    }
}

#[test]
fn users_make_exactly_the_iterations_they_are_given() {
    for workers in [1, 2, 4] {
        let target = target("");
        let steps = || vec![get(target.addr(), "/")];
        let each = generate(plan(vec![scenario(per_user(5, 7), steps())]), workers);
        each.assert_books_balance();
        assert_eq!(each.iterations().completed, 35, "each on {workers} workers");
        let together = generate(plan(vec![scenario(shared(3, 50), steps())]), workers);
        together.assert_books_balance();
        assert_eq!(together.iterations().completed, 50, "together on {workers} workers");
        assert_eq!(target.stop().responses, 85);
    }
}

#[test]
fn shared_iterations_are_made_by_whoever_is_free_on_whichever_worker() {
    let total = 100;
    let others_made = Arc::new((Mutex::new(0), Condvar::new()));
    // The first request on the first connection is answered only after all the others.
    let server = Server::start(move |heard| {
        let (made, changed) = &*others_made;
        let mut made = made.lock().unwrap();
        if (heard.connection, heard.nth) == (0, 0) {
            drop(changed.wait_while(made, |made| *made < total - 2));
        } else {
            *made += 1;
            changed.notify_all();
        }
        Some(OK.to_owned())
    });
    let scenario = scenario(shared(2, total), vec![get(server.address, "/")]);
    let generated = generate(plan(vec![scenario]), 2);
    generated.assert_books_balance();
    assert_eq!((generated.iterations().started, generated.iterations().completed), (total, total));
}

#[test]
fn users_come_and_go_with_their_profile_and_pause_between_requests() {
    let target = target("");
    let think = Step::Think(Think::Even(seconds(0.02), seconds(0.03)));
    let steps = vec![get(target.addr(), "/"), think];
    let profile = users(&[(0.3, 0, 6), (0.3, 6, 6), (0.2, 6, 0)]);
    let generated = generate(plan(vec![scenario(profile, steps)]), 2);
    generated.assert_books_balance();
    let stats = generated.iterations();
    assert!(stats.completed > 0);
    assert_eq!(stats.cut_off, 0);
    assert_eq!(stats.think_lag.count(), stats.completed);
    assert!(stats.duration.min_ns() >= Some(20_000_000), "an iteration lasts as long as its pause");
    assert_eq!(generated.requests().connections, u64::from(target.stop().connections as u32));
}

#[test]
fn every_executor_at_once_keeps_its_own_books() {
    let target = target("");
    let think = Step::Think(Think::Even(seconds(0.05), seconds(0.05)));
    let rising = vec![RateStage { duration: seconds(1.0), from: Rate(0), to: Rate::per_second(100) }];
    let rising =
        Executor::ArrivalRate { stages: rising, arrivals: Arrivals::Uniform, max_users: 100, shape: Shape::Ramping };
    let executors = [arrivals(100, 1.0, 100), rising, per_user(3, 4), shared(3, 20), users(&[(1.0, 2, 2)])];
    let scenarios = executors.into_iter().enumerate().map(|(index, executor)| {
        let mut scenario = scenario(executor, vec![get(target.addr(), "/"), think.clone()]);
        scenario.name = format!("scenario {index}");
        scenario.start_delay = seconds(0.2 * index as f64);
        scenario
    });
    let generated = generate(plan(scenarios.collect()), 2);
    generated.assert_books_balance();
    let all = &generated.total.scenarios;
    assert_eq!(all[..4].iter().map(|stats| stats.completed).collect::<Vec<_>>(), [100, 50, 12, 20]);
    assert!(all[4].completed > 0);
    for (index, stats) in all.iter().enumerate() {
        assert_eq!(stats.due, stats.completed, "scenario {index}");
        assert_eq!(generated.total.series[index].sent, stats.completed, "scenario {index}");
        let before = generated.windows.range(..index as u32).map(|(_, measured)| &measured.scenarios[index]);
        assert_eq!(before.map(|stats| stats.due + stats.started).sum::<u64>(), 0, "none before its delay");
    }
    assert_eq!(target.stop().responses, all.iter().map(|stats| stats.completed).sum::<u64>());
}

#[test]
fn scenarios_run_side_by_side_and_begin_after_their_delay() {
    let target = target("");
    let first = scenario(arrivals(100, 0.5, 100), vec![get(target.addr(), "/")]);
    let mut second = scenario(arrivals(100, 0.5, 100), vec![get(target.addr(), "/")]);
    second.name = "second".to_owned();
    second.start_delay = seconds(1.0);
    let generated = generate(plan(vec![first, second]), 1);
    generated.assert_books_balance();
    let due_before = |window: u32, scenario: usize| -> u64 {
        generated.windows.range(..window).map(|(_, measured)| measured.scenarios[scenario].due).sum()
    };
    assert_eq!((due_before(5, 0), due_before(5, 1)), (50, 0));
    assert_eq!(generated.total.scenarios[1].completed, 50);
}
