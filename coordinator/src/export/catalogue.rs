//! All that is exported, with its names: the one list of it.

use std::sync::Arc;

use muster_proto::measurement::{METRIC_UNIT, SeriesTable, SkipReason, TallyKey, TallyKind, TallyTable};
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{MetricKind, Plan};

use super::distribution::{Distribution, TIME};
use super::moment::{AgentState, State};
use super::totals::{Iterations, Noted, Requests, Totals};
use super::view::{Kind, Labels, Unit, Value, View, What};

const fn counter(name: &'static str, help: &'static str) -> What<'static> {
    What { name, help, unit: Unit::None, kind: Kind::Counter }
}

const fn bytes(name: &'static str, help: &'static str, kind: Kind) -> What<'static> {
    What { name, help, unit: Unit::Bytes, kind }
}

const fn gauge(name: &'static str, help: &'static str) -> What<'static> {
    What { name, help, unit: Unit::None, kind: Kind::Gauge }
}

const fn times(name: &'static str, help: &'static str) -> What<'static> {
    What { name, help, unit: Unit::Seconds, kind: Kind::Histogram }
}

const RESPONSE: What = times("http_req_duration", "Response time of requests, from due to done.");
/// In the order of the histograms of a series, behind the response times.
const OTHER_TIMES: [What; 10] = [
    times("service_time", "Service time of requests, from sent to done."),
    times("queued", "From due until a user was free."),
    times("lag", "From a free user to the beginning of the attempt: the generator's own lateness."),
    times("http_req_blocked", "Waiting for a connection to become available."),
    times("http_req_dns", "Looking the target's name up."),
    times("http_req_connecting", "Establishing the TCP connection."),
    times("http_req_tls_handshaking", "The TLS handshake."),
    times("http_req_sending", "Writing the request."),
    times("http_req_waiting", "From the request's last byte to the response's first."),
    times("http_req_receiving", "From the response's first byte to its last."),
];

/// What is known of a plan that names values.
pub(super) struct Catalogue {
    plan: Arc<Plan>,
    series: SeriesTable,
    tallies: TallyTable,
}

impl Catalogue {
    pub(super) fn of(plan: &Arc<Plan>) -> Self {
        Self { plan: Arc::clone(plan), series: SeriesTable::of(plan), tallies: TallyTable::of(plan) }
    }

    /// Puts everything into a view.
    pub(super) fn fill(&self, view: &mut View, totals: &Totals, state: &State) {
        for (key, requests) in self.series.keys().iter().zip(&totals.series) {
            put_requests(view, &[self.scenario(key.scenario), ("request", key.request.as_str().into())], requests);
        }
        for (index, iterations) in totals.scenarios.iter().enumerate() {
            put_iterations(view, &[self.scenario(index)], iterations);
        }
        for (key, noted) in self.tallies.keys().iter().zip(&totals.tallies) {
            self.put_noted(view, key, noted);
        }
        put_state(view, state);
    }

    fn scenario(&self, index: usize) -> (&'static str, Arc<str>) {
        ("scenario", self.plan.scenarios[index].name.as_str().into())
    }

    fn put_noted(&self, view: &mut View, key: &TallyKey, noted: &Noted) {
        let scenario = self.scenario(key.scenario);
        match key.kind {
            TallyKind::Check => {
                let what = counter("checks", "Checks of responses, by their result.");
                for (result, n) in [("pass", noted.hits), ("fail", noted.count.saturating_sub(noted.hits))] {
                    let [request, check] = [("request", &key.request), ("check", &key.name)];
                    let named = [request, check].map(|(label, name)| (label, name.as_str().into()));
                    let labels = [scenario.clone()].into_iter().chain(named).chain([("result", result.into())]);
                    view.put(&what, labels.collect(), Value::Count(n));
                }
            }
            TallyKind::Group => {
                let what = times("group_duration", "How long steps took that are measured together.");
                put_times(view, &what, vec![scenario, ("group", key.name.as_str().into())], &noted.trend);
            }
            TallyKind::Metric(kind) => put_metric(view, &key.name, kind, scenario, noted),
        }
    }
}

fn with(labels: &[(&'static str, Arc<str>)], more: (&'static str, &str)) -> Labels {
    labels.iter().cloned().chain([(more.0, more.1.into())]).collect()
}

/// A distribution of nothing is left out: most plans never use some phases.
fn put_times(view: &mut View, what: &What, labels: Labels, times: &Distribution) {
    if times.count() > 0 {
        view.put(what, labels, Value::Histogram(Arc::new(times.clone())));
    }
}

fn put_requests(view: &mut View, of: &[(&'static str, Arc<str>)], requests: &Requests) {
    let ended = requests.expected + requests.failed.iter().sum::<u64>();
    let counters = [
        (counter("http_reqs", "Requests that ended."), ended),
        (counter("http_reqs_sent", "Requests that began."), requests.sent),
        (
            counter("reconnects", "Repetitions on a fresh connection because a reused one was closed."),
            requests.reconnects,
        ),
        (counter("connections", "Connections opened."), requests.connections),
        (bytes("data_sent", "Bytes written to sockets, before encryption.", Kind::Counter), requests.bytes_sent),
        (bytes("data_received", "Bytes read from sockets, after decryption.", Kind::Counter), requests.bytes_received),
    ];
    for (what, n) in &counters {
        view.put(what, of.to_vec(), Value::Count(*n));
    }
    let failed = counter("http_req_failed", "Requests that failed, by the kind of failure.");
    for kind in ErrorKind::ALL {
        let n = requests.failed[kind as usize];
        if n > 0 {
            view.put(&failed, with(of, ("kind", kind.name())), Value::Count(n));
        }
    }
    let [expected, other, rest @ ..] = &requests.times;
    for (answer, times) in [("true", expected), ("false", other)] {
        put_times(view, &RESPONSE, with(of, ("expected_response", answer)), times);
    }
    for (what, times) in OTHER_TIMES.iter().zip(rest) {
        put_times(view, what, of.to_vec(), times);
    }
}

fn put_iterations(view: &mut View, of: &[(&'static str, Arc<str>)], iterations: &Iterations) {
    let counters = [
        (counter("iterations_due", "Iterations that fell due."), iterations.due),
        (counter("iterations_started", "Iterations that began."), iterations.started),
        (counter("iterations", "Iterations that went through all their steps as expected."), iterations.completed),
        (counter("iterations_failed", "Iterations with a failed request."), iterations.failed),
        (counter("iterations_cut_off", "Iterations that an end cut off."), iterations.cut_off),
    ];
    for (what, n) in &counters {
        view.put(what, of.to_vec(), Value::Count(*n));
    }
    let dropped = counter("dropped_iterations", "Arrivals that were never started, by the reason.");
    for reason in SkipReason::ALL {
        let n = iterations.skipped[reason as usize];
        if n > 0 {
            view.put(&dropped, with(of, ("reason", reason.name())), Value::Count(n));
        }
    }
    let duration = times("iteration_duration", "From due to the end of the last step.");
    put_times(view, &duration, of.to_vec(), &iterations.duration);
    let lag = times("arrival_lag", "From the moment an arrival was due and a user free to its start.");
    put_times(view, &lag, of.to_vec(), &iterations.arrival_lag);
}

fn put_metric(view: &mut View, name: &str, kind: MetricKind, scenario: (&'static str, Arc<str>), noted: &Noted) {
    let what = |kind| What { name, help: "A metric of the plan's own.", unit: Unit::None, kind };
    let units = |n: f64| Value::Number(n / METRIC_UNIT as f64);
    match kind {
        MetricKind::Trend => put_times(view, &what(Kind::Histogram), vec![scenario], &noted.trend),
        MetricKind::Counter => view.put(&what(Kind::Counter), vec![scenario], units(noted.sum as f64)),
        MetricKind::Gauge => {
            if let Some(gauge) = noted.gauge {
                view.put(&what(Kind::Gauge), vec![scenario], units(gauge.last as f64));
            }
        }
        MetricKind::Rate => {
            for (result, n) in [("true", noted.hits), ("false", noted.count.saturating_sub(noted.hits))] {
                view.put(
                    &what(Kind::Counter),
                    with(std::slice::from_ref(&scenario), ("result", result)),
                    Value::Count(n),
                );
            }
        }
    }
}

fn put_state(view: &mut View, state: &State) {
    view.put(&gauge("users", "Users at work."), Vec::new(), Value::Count(state.users));
    let validity = gauge("validity", "The last second's grade: 0 VALID, 1 SUSPECT, 2 INVALID.");
    view.put(&validity, Vec::new(), Value::Count(state.grade as u64));
    let seconds = counter("graded_seconds", "Seconds after warm-up, by their grade.");
    for (grade, n) in ["VALID", "SUSPECT", "INVALID"].into_iter().zip(state.graded) {
        view.put(&seconds, vec![("grade", grade.into())], Value::Count(n));
    }
    view.put(
        &gauge("agents", "Agents that joined, those that were lost included."),
        Vec::new(),
        Value::Count(state.joined),
    );
    for agent in &state.agents {
        put_agent(view, agent);
    }
}

fn put_agent(view: &mut View, agent: &AgentState) {
    let of = || vec![("agent", Arc::clone(&agent.name))];
    let ratio = |name, help| What { unit: Unit::Ratio, ..gauge(name, help) };
    let counts = [
        (gauge("agent_up", "Whether the agent is at work."), u64::from(agent.is_at_work)),
        (gauge("agent_users", "Users at work on the agent."), u64::from(agent.health.users)),
        (gauge("agent_in_flight", "Requests in flight on the agent."), agent.health.in_flight),
        (bytes("agent_memory", "The agent's resident memory.", Kind::Gauge), agent.health.memory_bytes),
        (counter("agent_reqs_sent", "Requests that the agent began."), agent.sent),
    ];
    for (what, n) in &counts {
        view.put(what, of(), Value::Count(*n));
    }
    let cpu = [
        (ratio("agent_worker_cpu", "The use of a core by the agent's busiest worker."), agent.health.worker_cpu_max),
        (gauge("agent_cpu_cores", "The cores that the agent's process uses."), agent.health.process_cpu),
    ];
    for (what, n) in &cpu {
        view.put(what, of(), Value::Number(f64::from(*n)));
    }
    let lag = times("agent_lag", "How late the agent's attempts began through its own fault.");
    put_times(view, &lag, of(), &Distribution::of(&agent.lag, &TIME));
}
