//! What a scripted step costs the generator: a POST of a templated JSON body, a capture and three checks, against a plain
//! GET of the same response and one of the smallest, in alternating rounds on one core.
//!
//! `MUSTER_BENCH_COUNT=N` makes N requests and nothing else, for tools that count instructions: of the step, or with
//! `MUSTER_BENCH_PLAIN` set, of the GET.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use muster_proto::plan::{
    Body, Capture, Check, Condition, Connections, Executor, Missing, Pick, Plan, Request, Shape, Source, Step,
    Templates, UserStage, Var,
};
use support::{Server, generate, median, plan, row, run_on_core, serve_if_asked};

const ROUNDS: usize = 10;
const ROUND: Duration = Duration::from_secs(1);
const USERS: u32 = 64;
/// As it is made of a plan's `json`.
const BODY: &str = concat!(
    r#"{"order":{{ (uuid()) | given | tojson }},"amount":{{ (random(1, 100)) | given | tojson }},"#,
    r#""number":{{ (iteration) | given | tojson }},"shop":{{ (shop) | given | tojson }}}"#,
);

fn main() {
    serve_if_asked();
    let server = Server::start("");
    run_on_core(1);
    if let Some(iterations) = std::env::var("MUSTER_BENCH_COUNT").ok().and_then(|number| number.parse().ok()) {
        let executor = Executor::SharedIterations { users: USERS, iterations, max_duration: Duration::from_secs(600) };
        let plan_of = if std::env::var_os("MUSTER_BENCH_PLAIN").is_some() { plain } else { scripted };
        let generated = generate(plan_of(server.address, executor), |_| {});
        println!("{} requests", generated.gauges.totals.outcomes);
        return;
    }
    let (mut smallest, mut same, mut step) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        smallest.push(cpu_ns(&server, least));
        same.push(cpu_ns(&server, plain));
        step.push(cpu_ns(&server, scripted));
    }
    let ratio = |to: &[f64]| median(&mut step.iter().zip(to).map(|(a, b)| a / b).collect::<Vec<_>>());
    let (to_same, to_smallest) = (ratio(&same), ratio(&smallest));
    row("figure (median of 10 rounds)", "goal", "measured");
    row("a scripted step to a GET of the same response", "<= 1.60", &format!("{to_same:.2}"));
    row("a scripted step to a GET of the smallest response", "", &format!("{to_smallest:.2}"));
    let us = |values: &mut [f64]| format!("{:.2} µs", median(values) / 1e3);
    row("  CPU a request: the scripted step", "", &us(&mut step));
    row("  CPU a request: a GET of the same response", "", &us(&mut same));
    row("  CPU a request: a GET of the smallest response", "", &us(&mut smallest));
}

/// CPU per request of the worker, in nanoseconds.
fn cpu_ns(server: &Server, plan_of: fn(SocketAddr, Executor) -> Plan) -> f64 {
    let stages = vec![UserStage { duration: ROUND, from: USERS, to: USERS }];
    let generated = generate(plan_of(server.address, Executor::Users { stages, shape: Shape::Constant }), |_| {});
    let requests = &generated.measurement.series[0];
    assert_eq!(requests.failed_total(), 0, "{:?}", generated.measurement.samples);
    assert!(
        generated.measurement.tallies.iter().all(|tally| tally.misses() == 0),
        "{:?}",
        generated.measurement.samples
    );
    generated.gauges.cpu_ns as f64 / requests.expected as f64
}

fn least(address: SocketAddr, executor: Executor) -> Plan {
    plan(address, "/", executor, Connections::PerUser)
}

fn plain(address: SocketAddr, executor: Executor) -> Plan {
    plan(address, "/json", executor, Connections::PerUser)
}

fn scripted(address: SocketAddr, executor: Executor) -> Plan {
    let mut plan = plain(address, executor);
    plan.vars = vec![Var::new("shop", "\"corner\"")];
    let Some(Step::Request(request)) = plan.scenarios[0].steps.first_mut() else { return plan };
    let check = |name: &str, source, condition, operand: &str| Check {
        name: name.to_owned(),
        source,
        condition,
        operand: operand.to_owned(),
        template: false,
    };
    **request = Request {
        method: "POST".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Body(BODY.into()),
        templates: Templates { head: false, body: true },
        captures: vec![Capture {
            name: "id".to_owned(),
            source: Source::Json("$.customer.id".to_owned()),
            pick: Pick::First,
            missing: Missing::Fail,
        }],
        checks: vec![
            check("status", Source::Status, Condition::Status, "200-299"),
            check("type", Source::Header("content-type".to_owned()), Condition::Contains, "json"),
            check("item", Source::Json("$.items[0].id".to_owned()), Condition::Equal, "7"),
        ],
        ..(**request).clone()
    };
    plan
}
