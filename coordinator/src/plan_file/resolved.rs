//! The plan as meant, for the result document: complete, with nothing in it that must stay secret.

use muster_proto::plan::{
    AgentsWanted, Arrivals, Body, Chore, ChoreKind, Connect, Connections, DnsPolicy, Executor, Feeder, Plan, Request,
    Scenario, StatusSet, Step, Var,
};
use serde_json::{Value, json};

use super::units::{format_duration, format_rate};
use crate::steps::{blocks, in_words};

/// The most characters of a body that are shown.
const PREVIEW_CHARS: usize = 64;

/// Header fields whose values let their reader act as somebody.
const SECRET_HEADERS: [&str; 5] = ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token"];

/// What stands in place of a secret.
const ELIDED: &str = "(elided)";

/// The plan as a document: every default filled in. Bodies are shown by length and beginning; private keys, and the
/// values of header fields that carry credentials, are left out.
#[must_use]
pub fn resolved(plan: &Plan) -> Value {
    let mut document = json!({
        "name": plan.name,
        "seed": plan.seed,
        "vars": vars(&plan.vars),
        "data": plan.data.iter().map(feeder).collect::<Vec<_>>(),
        "http": {
            "connect_timeout": format_duration(plan.http.connect_timeout),
            "read_timeout": format_duration(plan.http.read_timeout),
            "max_head_bytes": plan.http.head_bytes_max,
            "max_body_bytes": plan.http.body_bytes_max,
            "request_ids": plan.http.request_ids,
            "trace": f64::from(plan.http.trace_millionths) / 1e6,
        },
        "connect": connect(&plan.connect),
        "scenarios": plan.scenarios.iter().map(scenario).collect::<Vec<_>>(),
        "thresholds": plan.thresholds.iter().map(|threshold| threshold.expression.as_str()).collect::<Vec<_>>(),
        "agents": agents(&plan.agents),
    });
    for kind in [ChoreKind::Setup, ChoreKind::Teardown] {
        if !plan.chore(kind).steps.is_empty() {
            document[kind.name()] = chore(plan.chore(kind));
        }
    }
    document
}

fn chore(chore: &Chore) -> Value {
    json!({"timeout": format_duration(chore.timeout), "steps": chore.steps.iter().map(step).collect::<Vec<_>>()})
}

/// Variables by their names, without what is secret.
fn vars(vars: &[Var]) -> Value {
    let value = |var: &Var| match var.secret {
        true => ELIDED.into(),
        false => serde_json::from_str(&var.json).unwrap_or_default(),
    };
    vars.iter().map(|var| (var.name.clone(), value(var))).collect::<serde_json::Map<_, _>>().into()
}

/// Rows may be as secret as any body; their hash tells whether they are the same.
fn feeder(feeder: &Feeder) -> Value {
    json!({
        "name": feeder.name,
        "file": (!feeder.file.is_empty()).then_some(&feeder.file),
        "rows": feeder.rows.count,
        "bytes": feeder.rows.bytes,
        "sha256": feeder.rows.hash.to_string(),
        "order": feeder.order.name(),
        "share": feeder.share.name(),
        "on_end": feeder.on_end.name(),
    })
}

fn agents(wanted: &AgentsWanted) -> Value {
    let mut agents = json!({
        "start_when": wanted.start_when,
        "on_loss": wanted.on_loss.name(),
        "loss_tolerance": f64::from(wanted.loss_tolerance_millionths) / 1e6,
    });
    if let Some(hold) = wanted.hold {
        agents["hold"] = format_duration(hold).into();
    }
    agents
}

fn connect(connect: &Connect) -> Value {
    let hosts = connect.hosts.iter().map(|(name, addresses)| (name.clone(), json!(addresses)));
    let pem = |bytes: &[u8]| (!bytes.is_empty()).then(|| json!({"bytes": bytes.len()}));
    json!({
        "hosts": hosts.collect::<serde_json::Map<_, _>>(),
        "source": connect.sources,
        "dns": match connect.dns {
            DnsPolicy::Once => json!("once"),
            DnsPolicy::Every(period) => json!({"every": format_duration(period)}),
        },
        "proxy": connect.proxy.as_ref().map(ToString::to_string),
        "tls": {
            "ca": pem(&connect.tls.ca_pem),
            "cert": pem(&connect.tls.cert_pem),
            "key": (!connect.tls.key_pem.is_empty()).then_some(ELIDED),
            "users": connect.tls.users.len(),
            "insecure": connect.tls.insecure,
        },
    })
}

fn scenario(scenario: &Scenario) -> Value {
    let mut document = json!({
        "name": scenario.name,
        "executor": scenario.executor.name(),
        "duration": format_duration(scenario.executor.duration()),
        "start_delay": format_duration(scenario.start_delay),
        "graceful_stop": format_duration(scenario.graceful_stop),
        "warm_up": format_duration(scenario.warm_up),
        "connections": match scenario.connections {
            Connections::Pool => "pool",
            Connections::PerUser => "per-user",
            Connections::New => "new",
        },
        "steps": scenario.steps.iter().map(step).collect::<Vec<_>>(),
    });
    if !scenario.vars.is_empty() {
        document["vars"] = vars(&scenario.vars);
    }
    for (key, value) in load(&scenario.executor) {
        document[key] = value;
    }
    document
}

fn load(executor: &Executor) -> Vec<(&'static str, Value)> {
    match executor {
        Executor::ArrivalRate { stages, arrivals, max_users, .. } => {
            let stage = |stage: &muster_proto::plan::RateStage| {
                let (from, to) = (format_rate(stage.from), format_rate(stage.to));
                json!({"duration": format_duration(stage.duration), "from": from, "to": to})
            };
            let arrivals = match arrivals {
                Arrivals::Uniform => "uniform",
                Arrivals::Poisson => "poisson",
            };
            let stages = stages.iter().map(stage).collect::<Vec<_>>();
            vec![("stages", json!(stages)), ("arrivals", json!(arrivals)), ("max_users", json!(max_users))]
        }
        Executor::Users { stages, .. } => {
            let stage = |stage: &muster_proto::plan::UserStage| json!({"duration": format_duration(stage.duration), "from": stage.from, "to": stage.to});
            vec![("stages", json!(stages.iter().map(stage).collect::<Vec<_>>()))]
        }
        Executor::PerUserIterations { users, iterations, .. }
        | Executor::SharedIterations { users, iterations, .. } => {
            vec![("users", json!(users)), ("iterations", json!(iterations))]
        }
    }
}

fn step(step: &Step) -> Value {
    match step {
        Step::Request(of) => request(of),
        Step::Parallel(parallel) => {
            json!({"does": in_words(step, true), "requests": parallel.requests.iter().map(request).collect::<Vec<_>>()})
        }
        of => {
            let within = |(words, steps): (String, &[Step])| json!({"part": words, "steps": steps.iter().map(self::step).collect::<Vec<_>>()});
            let parts: Vec<Value> = blocks(of).into_iter().map(within).collect();
            if parts.is_empty() {
                json!({"does": in_words(of, true)})
            } else {
                json!({"does": in_words(of, true), "parts": parts})
            }
        }
    }
}

fn request(request: &Request) -> Value {
    let headers = request.headers.iter().map(|(name, value)| {
        let secret = SECRET_HEADERS.contains(&name.as_str());
        json!([name, if secret { ELIDED } else { value }])
    });
    json!({
        "name": request.name,
        "method": request.method,
        "url": request.url.to_string(),
        "headers": headers.collect::<Vec<_>>(),
        "body": body(&request.body),
        "expect_status": statuses(&request.expect_status),
        "redirects": request.redirects.0,
        "timeout": format_duration(request.timeout),
    })
}

fn body(body: &Body) -> Value {
    if body.0.is_empty() {
        return Value::Null;
    }
    // A character takes at most four bytes, so this much is enough and no large body is walked.
    let beginning = &body.0[..body.0.len().min(PREVIEW_CHARS * 4)];
    let preview: String = String::from_utf8_lossy(beginning).chars().take(PREVIEW_CHARS).collect();
    json!({"bytes": body.0.len(), "preview": preview})
}

fn statuses(set: &StatusSet) -> Value {
    let range = |&(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    json!(set.0.iter().map(range).collect::<Vec<_>>())
}
