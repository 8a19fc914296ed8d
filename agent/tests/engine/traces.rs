//! What requests of traced iterations say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use muster_proto::measurement::{Sampled, TraceId};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Plan, Retry, Step};

use super::server::{Heard, OK, Server};
use super::support::{changed, generate, get, per_user, plan, scenario};

const BAD: &str = "HTTP/1.1 503 Bad\r\ncontent-length: 0\r\n\r\n";

/// Ten iterations of one user, of which this part is traced.
fn traced(millionths: u32, steps: Vec<Step>) -> Plan {
    let mut plan = plan(vec![scenario(per_user(1, 10), steps)]);
    plan.http.trace_millionths = millionths;
    plan
}

/// The trace and the span that a request names.
fn named(heard: &Heard) -> Option<(String, String)> {
    let [_, trace, span, "01"] = heard.header("traceparent").split('-').collect::<Vec<_>>()[..] else { return None };
    Some((trace.to_owned(), span.to_owned()))
}

#[test]
fn an_iteration_is_one_trace_and_each_request_a_span_of_it() {
    let failures = AtomicUsize::new(0);
    let server = Server::start(move |heard| {
        let moved = "HTTP/1.1 302 Moved\r\nlocation: /hop\r\ncontent-length: 0\r\n\r\n";
        Some(
            match heard.line.split(' ').nth(1) {
                Some("/first") => moved,
                Some("/again") if failures.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => BAD,
                _ => OK,
            }
            .to_owned(),
        )
    });
    let first = changed(get(server.address, "/first"), |request| request.redirects.0 = 1);
    let again =
        changed(get(server.address, "/again"), |request| request.retry = Retry { times: 1, pause: Duration::ZERO });
    let generated = generate(traced(1_000_000, vec![first, again]), 1);
    let mut spans: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (trace, span) in server.heard().iter().map(|heard| named(heard).expect("all are traced")) {
        spans.entry(trace).or_default().push(span);
    }
    let sizes: Vec<usize> = spans.values().map(Vec::len).collect();
    assert_eq!(sizes, [4; 10], "first, its hop, the one that failed, and again");
    assert_eq!(spans.values().flatten().collect::<BTreeSet<_>>().len(), 40);
    let failure = Sampled::Failure(0, ErrorKind::Http5xx);
    let sample = generated.total.samples.iter().find(|sample| sample.of == failure).unwrap();
    assert!(spans.contains_key(&sample.trace.unwrap().to_string()), "the trace of what failed is told");
}

#[test]
fn what_is_not_traced_says_nothing_and_a_plan_of_its_own_mind_is_heeded() {
    let server = Server::start(|_| Some(BAD.to_owned()));
    let own = changed(get(server.address, "/own"), |request| {
        request.headers.push(("traceparent".to_owned(), "00-mine".to_owned()));
    });
    let steps = vec![get(server.address, "/"), own];
    let generated = generate(traced(0, steps.clone()), 1);
    assert!(generated.total.samples.iter().all(|sample| sample.trace.is_none()));
    let half = generate(traced(500_000, steps), 1);
    let heard = server.heard();
    let (none, some) = heard.split_at(20);
    assert!(
        none.iter().all(|heard| heard.header("traceparent") == if heard.line.contains("own") { "00-mine" } else { "" })
    );
    let own: Vec<&str> =
        some.iter().filter(|heard| heard.line.contains("own")).map(|heard| heard.header("traceparent")).collect();
    assert_eq!(own, ["00-mine"; 10]);
    let traced: BTreeSet<String> = some.iter().filter_map(named).map(|(trace, _)| trace).collect();
    assert!((1..10).contains(&traced.len()), "{} of 10", traced.len());
    let told: BTreeSet<TraceId> = half.total.samples.iter().filter_map(|sample| sample.trace).collect();
    assert!(told.iter().all(|trace| traced.contains(&trace.to_string())) && !told.is_empty());
}
