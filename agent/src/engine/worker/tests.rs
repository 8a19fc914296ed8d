//! A worker whose plan does not fit its measurements panics, which nobody may overlook.

use std::time::Duration;

use muster_proto::change::Handed;
use muster_proto::plan::{Arrivals, Executor, Plan, Rate, RateStage, Request, Scenario, Shape, Step, Url};
use muster_proto::share::Share;
use tokio::sync::watch;

use super::super::changes::Holdings;
use super::super::program::Op;
use super::*;

fn request() -> Request {
    Request {
        timeout: Duration::from_secs(1),
        ..Request::new("get", "GET", Url { tls: false, host: "127.0.0.1".to_owned(), port: 1, path: "/".to_owned() })
    }
}

fn compiled(executor: Executor) -> CompiledPlan {
    let scenario = Scenario {
        name: "scenario".to_owned(),
        executor,
        start_delay: Duration::ZERO,
        graceful_stop: Duration::ZERO,
        warm_up: Duration::ZERO,
        connections: Connections::Pool,
        keep_session: false,
        vars: Vec::new(),
        feeders: Vec::new(),
        steps: vec![Step::Request(Box::new(request()))],
    };
    let plan = Plan { name: "test".to_owned(), seed: 42, scenarios: vec![scenario], ..Plan::default() };
    CompiledPlan::new(Arc::new(plan), &[Share::full()], 1, (&"agent".into(), false), &[]).unwrap()
}

fn arrivals() -> Executor {
    let rate = Rate::per_second(100);
    let stages = vec![RateStage { duration: Duration::from_millis(300), from: rate, to: rate }];
    Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users: 10, shape: Shape::Constant }
}

fn users() -> Executor {
    Executor::PerUserIterations { users: 1, iterations: 1, max_duration: Duration::from_millis(300) }
}

/// Whether a worker that may hold shares of so many scenarios sets the alarm off.
fn sets_the_alarm_off(plan: CompiledPlan, shares: usize) -> bool {
    sets_it_off_when_ready(plan, shares, |ready| ready.unwrap())
}

fn sets_it_off_when_ready(plan: CompiledPlan, shares: usize, ready: fn(Result<(), WorkerError>)) -> bool {
    let (_control, told) = watch::channel(Control::StartAt(clock::now_ns()));
    let (parts, _receiver) = PartSender::new(0, plan.shape());
    let alarm = Alarm::default();
    let mut told_plan = (*plan.plan).clone();
    told_plan.scenarios.resize(shares, told_plan.scenarios[0].clone());
    let (mut holdings, mut changes) = Holdings::none(&Arc::new(told_plan), vec![plan.timings()[0].clone(); shares], 1);
    holdings.grant(&Handed::new(vec![Share::full(); shares]), 0, 0).unwrap();
    let task = WorkerTask {
        lease: Lease::endless(),
        plan: Arc::new(plan),
        changes: changes.remove(0),
        guard: Arc::default(),
        control: ControlReceiver(told),
        parts,
        ring: None,
        alarm: alarm.clone(),
        progress: Progress::default(),
        witness: None,
        enough: Enough::default(),
        tokens: Vec::new(),
        traces: None,
    };
    let _ = std::thread::spawn(move || run(task, ready)).join();
    alarm.reason().is_some()
}

fn misnumbered(mut plan: CompiledPlan) -> CompiledPlan {
    for op in &mut plan.scenarios[0].ops {
        if let Op::Request(request) = op {
            request.series = 99;
        }
    }
    plan
}

#[test]
fn a_panic_of_a_user_or_a_scenario_or_the_worker_sets_the_alarm_off() {
    for executor in [arrivals, users] {
        assert!(!sets_the_alarm_off(compiled(executor()), 1));
        assert!(sets_the_alarm_off(misnumbered(compiled(executor())), 1), "a user's task");
        assert!(sets_the_alarm_off(compiled(executor()), 2), "a scenario's task");
    }
    assert!(sets_it_off_when_ready(compiled(users()), 1, |_| panic!("for the test")), "the worker itself");
}
