//! The plan as a whole.

use muster_proto::plan::{
    AgentsWanted, ChoreKind, Connections, NUMBERED_MAX, OnLoss, Plan, STEPS_MAX, Scenario, VARS_MAX, Var, steps_total,
};

use super::keys::{AGENTS, PLAN};
use super::limits::SEED_DEFAULT;
use super::reader::{Field, Fields, Reader};
use super::request::Defaults;
use super::tags::Tags;
use super::tree::Value;
use super::url::{self, Target};
use super::{chore, connect, data, http, scenario, threshold, vars};

/// Reads the plan; nothing if there was a mistake. `name` is what it is called unless it says so.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>, name: &str) -> Option<Plan> {
    let fields = reader.open(field, &PLAN)?;
    let vars = vars::read(reader, &fields);
    let name = fields.get("name").map_or(Some(name.to_owned()), |field| reader.name(&field));
    let seed = fields.get("seed").map_or(Some(SEED_DEFAULT), |field| reader.whole(&field));
    let data = fields.get("data").map(|field| data::read(reader, &field)).unwrap_or_default();
    let target = match fields.get("target") {
        None => Target::Absent,
        Some(field) => url::target(reader, &field).map_or(Target::Wrong, Target::Known),
    };
    let http = fields.get("http").map(|field| http::read(reader, &field, &target)).unwrap_or_default();
    let (connect, shared) = fields.get("connect").map(|field| connect::read(reader, &field)).unwrap_or_default();
    let defaults = Defaults {
        target,
        headers: http.headers,
        auth: http.auth,
        timeout: http.timeout,
        redirects: http.redirects,
        tags: Tags::new(),
    };
    let setup = chore::read(reader, &fields, ChoreKind::Setup, &defaults);
    let teardown = chore::read(reader, &fields, ChoreKind::Teardown, &defaults);
    check_found(reader, &fields, &vars);
    let mut names = Vec::new();
    let mut scenarios = Vec::new();
    if let Some(field) = fields.get("scenarios") {
        let entries = reader.named(&field);
        if entries.is_empty() && matches!(&field.node.value, Value::Map(entries) if entries.is_empty()) {
            reader.at_key(&field, "wanted at least one scenario");
        }
        for (name, field) in entries {
            let read = scenario::read(reader, name, &field, &defaults, shared);
            if !connect.tls.users.is_empty() {
                check_connections(reader, &field, read.scenario.as_ref());
            }
            names.push((name.to_owned(), read.requests));
            scenarios.extend(read.scenario);
        }
        let steps = scenarios.iter().map(Scenario::steps_total).sum::<usize>();
        check_steps(reader, &field, steps + steps_total(&setup.steps) + steps_total(&teardown.steps));
        if http.http.request_ids {
            check_numbered(reader, &field, &scenarios);
        }
    }
    let metrics = std::mem::take(&mut reader.metrics);
    let named = threshold::Named { requests: &names, scenarios: &scenarios, metrics: &metrics };
    let thresholds = fields.get("thresholds").map(|field| threshold::read(reader, &field, &named));
    let agents = agents(reader, &fields);
    let whole = Plan {
        name: name?,
        seed: seed?,
        vars,
        data,
        tokens: std::mem::take(&mut reader.tokens),
        metrics,
        http: http.http,
        connect,
        scenarios,
        setup,
        teardown,
        thresholds: thresholds.unwrap_or_default(),
        agents,
    };
    reader.mistakes.is_empty().then_some(whole)
}

/// Users who have certificates of their own cannot share connections.
fn check_connections(reader: &mut Reader, field: &Field<'_>, scenario: Option<&Scenario>) {
    if scenario.is_some_and(|scenario| scenario.connections == Connections::Pool) {
        let mistake =
            reader.at_key(field, "users with certificates of their own (`tls.users`) cannot share connections");
        mistake.help("write `connections: per-user`, or `new`");
    }
}

/// All steps of the plan together.
fn check_steps(reader: &mut Reader, field: &Field<'_>, steps: usize) {
    if steps > STEPS_MAX {
        reader.at_key(field, format!("wanted at most {STEPS_MAX} steps in all scenarios, found {steps}"));
    }
}

/// The plan's variables and what its setup finds out, which become variables.
fn check_found(reader: &mut Reader, fields: &Fields<'_>, vars: &[Var]) {
    let all = vars.len() + reader.set_up.len();
    if let Some(field) = fields.get("setup").filter(|_| all > VARS_MAX) {
        reader
            .at_key(&field, format!("wanted at most {VARS_MAX} variables with what the setup finds out, found {all}"));
    }
}

/// The requests of all scenarios together, where each needs numbers of its own.
fn check_numbered(reader: &mut Reader, field: &Field<'_>, scenarios: &[Scenario]) {
    let requests = scenarios.iter().flat_map(Scenario::requests).count();
    if requests > NUMBERED_MAX {
        let message = format!("wanted at most {NUMBERED_MAX} requests with `request_ids`, found {requests}");
        reader.at_key(field, message);
    }
}

fn agents(reader: &mut Reader, fields: &Fields<'_>) -> AgentsWanted {
    let mut agents = AgentsWanted::default();
    let Some(fields) = fields.get("agents").and_then(|field| reader.open(&field, &AGENTS)) else { return agents };
    if let Some(count) = fields.get("start_when").and_then(|field| reader.whole_u32(&field)) {
        agents.start_when = count;
    }
    let on_loss = fields.get("on_loss").and_then(|field| reader.choice(&field));
    if let Some(on_loss) = OnLoss::ALL.into_iter().find(|known| Some(known.name()) == on_loss) {
        agents.on_loss = on_loss;
    }
    if let Some(part) = fields.get("loss_tolerance").and_then(|field| reader.part(&field)) {
        agents.loss_tolerance_millionths = part;
    }
    agents.hold = fields.get("hold").and_then(|field| reader.duration(&field));
    agents
}
