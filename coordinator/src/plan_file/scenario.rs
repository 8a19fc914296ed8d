//! One scenario: its load, its margins in time and its steps.

use std::time::Duration;

use muster_proto::plan::{Connections, Executor, Scenario, Step};

use super::keys::SCENARIO;
use super::limits::GRACEFUL_STOP_DEFAULT;
use super::reader::{Field, Fields, Reader};
use super::request::Defaults;
use super::steps::Steps;
use super::units::format_duration;
use super::{choose, connect, data, load, names, tags, vars};

/// A scenario as far as it could be read.
pub(super) struct Read {
    /// The names of its requests; nothing if some could not be read.
    pub(super) requests: Option<Vec<String>>,
    pub(super) scenario: Option<Scenario>,
}

/// Reads one scenario.
pub(super) fn read(
    reader: &mut Reader,
    name: &str,
    field: &Field<'_>,
    defaults: &Defaults,
    shared: Option<Connections>,
) -> Read {
    if let Some(what) = super::reader::name_mistake(name) {
        reader.at_key(field, format!("wanted {what} for a scenario"));
    }
    let Some(fields) = reader.open(field, &SCENARIO) else { return Read { requests: None, scenario: None } };
    let shared_vars = reader.vars.clone();
    let vars = fields.get("vars").map(|field| vars::of_scenario(reader, &field)).unwrap_or_default();
    let executor = load::read(reader, &fields);
    let start_delay = duration(reader, &fields, "start_delay", Duration::ZERO);
    let graceful_stop = duration(reader, &fields, "graceful_stop", GRACEFUL_STOP_DEFAULT);
    let warm_up = duration(reader, &fields, "warm_up", Duration::ZERO);
    let connections = fields.get("connections").map(|field| connect::connections(reader, &field));
    let tags = fields.get("tags").map(|field| tags::read(reader, &field)).unwrap_or_default();
    let defaults = Defaults { tags, ..defaults.clone() };
    let is_open = executor.as_ref().is_some_and(Executor::is_open);
    let (requests, steps) = steps(reader, &fields, &defaults, is_open);
    reader.vars = shared_vars;
    let feeders = data::used(reader);
    let keep_session = fields.get("keep_session").and_then(|field| reader.flag(&field)).unwrap_or_default();
    if let (true, Some(Executor::ArrivalRate { .. }), Some(field)) =
        (keep_session, &executor, fields.get("keep_session"))
    {
        reader.wrong(&field, "users of an open model are new with every arrival, and have no session to keep");
    }
    if let (Some(executor), Some(warm_up), Some(field)) = (&executor, warm_up, fields.get("warm_up"))
        && warm_up >= executor.duration()
    {
        let what = format!("a warm-up shorter than the profile, which lasts {}", format_duration(executor.duration()));
        reader.wanted(&field, &what);
    }
    let scenario = || {
        let executor = executor?;
        let by_model = if executor.is_open() { Connections::Pool } else { Connections::PerUser };
        Some(Scenario {
            name: name.to_owned(),
            start_delay: start_delay?,
            graceful_stop: graceful_stop?,
            warm_up: warm_up?,
            connections: connections.unwrap_or(shared.or(Some(by_model)))?,
            steps: steps?,
            keep_session,
            vars,
            feeders,
            executor,
        })
    };
    Read { requests, scenario: scenario() }
}

fn duration(reader: &mut Reader, fields: &Fields<'_>, name: &str, default: Duration) -> Option<Duration> {
    fields.get(name).map_or(Some(default), |field| reader.duration(&field))
}

/// The names of the requests, if all are known, and the steps, if all are sound.
fn steps(
    reader: &mut Reader,
    fields: &Fields<'_>,
    defaults: &Defaults,
    is_open: bool,
) -> (Option<Vec<String>>, Option<Vec<Step>>) {
    let Some(field) = fields.get("steps") else {
        fields.get("choose").map(|choose| reader.named(&choose));
        return (None, None);
    };
    let beside = [&reader.feeders[..], &reader.set_up].concat();
    let names = names::of_scenario(&reader.vars, &beside, field.node);
    reader.names = if is_open { names.of_open_model() } else { names };
    reader.used.clear();
    let mut reading = Steps { defaults, requests: Vec::new(), nesting: 0, is_load: true };
    let steps = reading.list(reader, &field);
    if steps.is_some() && reading.requests.is_empty() {
        reader.at_key(&field, "wanted at least one request among the steps").help("write `- get: /path`");
    }
    let steps = match fields.get("choose") {
        Some(choose) => steps.and_then(|steps| choose::among(reader, &choose, steps)),
        None => steps,
    };
    (reading.requests.into_iter().collect(), steps)
}
