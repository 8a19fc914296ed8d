//! What an iteration would send, as far as that can be told without sending anything.

use std::sync::Arc;

use muster_proto::plan::{Plan, Request, Templates};
use muster_proto::schedule::Stream;

use super::compiled::{names_of, vars_of};
use super::feeder::{Feeding, Table};
use super::made::Made;
use super::random::Key;
use super::rows::Rows;
use super::template::{GIVEN, Names, Variables, within};
use super::transport::http1::Manner;

/// The first iteration of a scenario.
pub struct Preview {
    /// Its rows of data: the feeder's name, and the row as JSON.
    pub rows: Vec<(String, String)>,
    /// Its requests, in the order of the plan, whichever of them would be made.
    pub requests: Vec<Shown>,
}

/// A request as it would be sent. What only responses tell stands there by its name.
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Method and path.
    pub line: String,
    /// The body, as text.
    pub body: String,
}

/// Makes the first iteration of a scenario up, by its place in the plan, with the rows of the plan's feeders. Rows that are
/// not there, or cannot be read, go by their feeders' names.
#[must_use]
pub fn preview(plan: &Plan, rows: &[Arc<Rows>], scenario: usize) -> Preview {
    let of = &plan.scenarios[scenario];
    let vars = vars_of(plan, &of.vars, 0, &"agent".into());
    let fed: Vec<&str> =
        of.feeders.iter().filter_map(|place| plan.data.get(usize::from(*place))).map(|feeder| &*feeder.name).collect();
    let named = fed.iter().map(|name| (*name).to_owned());
    let names = names_of(of, vars, of.slots().into_iter().chain(plan.setup.slots()).chain(named).collect());
    let tables = Table::all(plan, rows).unwrap_or_default();
    let own = Key { stream: Stream { seed: plan.seed, scenario: scenario as u32 }, ..Key::default() };
    let mut variables = Variables::default();
    variables.begin(&names);
    let fed =
        Feeding::new((plan, scenario), &tables, &names, (0, 1)).feed(own, 0, &mut variables).map_or(vec![], |()| fed);
    let row = |name: &&str| {
        let made = super::template::Template::compile(&format!("{{{{ {name} | tojson }}}}"), &names).ok()?;
        let json = within(own, &mut variables, |scope| made.render(scope)).ok()?;
        Some(((*name).to_owned(), json))
    };
    let rows = fed.iter().filter_map(row).collect();
    let requests = of.requests().into_iter().enumerate();
    let requests =
        requests.map(|(step, request)| shown(request, &names, Key { step, ..own }, &mut variables)).collect();
    Preview { rows, requests }
}

fn shown(request: &Request, names: &Names, key: Key, variables: &mut Variables) -> Shown {
    let mut shown = Shown {
        name: request.name.clone(),
        line: as_written(&format!("{} {}", request.method, request.url.path)),
        body: as_written(&String::from_utf8_lossy(&request.body.0)),
    };
    // Head and body by themselves, so that one which waits for a response does not hide the other.
    let mut part = |templates: Templates| {
        let mut part = Request { templates, headers: Vec::new(), ..request.clone() };
        if !templates.head {
            "/".clone_into(&mut part.url.path);
        }
        let made = Made::of(&part, names, Manner::default()).ok()?;
        let rendered = within(key, variables, |scope| made.make(scope)).ok()?;
        Some(made.read_back(&part, &rendered))
    };
    if request.templates.head
        && let Some(made) = part(Templates { head: true, body: false })
    {
        shown.line = format!("{} {}", made.method, made.url.path);
    }
    if request.templates.body
        && let Some(made) = part(Templates { head: false, body: true })
    {
        shown.body = String::from_utf8_lossy(&made.body.0).into_owned();
    }
    shown
}

/// A text whose templates stand as their writer wrote them, without what encodes them.
fn as_written(text: &str) -> String {
    let encoded = ["tojson", "json_text", "urlencode"].map(|filter| format!(") | {GIVEN} | {filter} }}}}"));
    let plain = encoded.iter().fold(text.to_owned(), |text, end| text.replace(end, " }}"));
    if plain == text { plain } else { plain.replace("{{ (", "{{ ") }
}

#[cfg(test)]
mod tests {
    use muster_proto::plan::{
        Body, Capture, Connections, Executor, Feeder, Missing, OnEnd, Order, Pick, Scenario, Sharing, Source, Step,
        Url, Var,
    };

    use super::*;

    #[test]
    fn what_can_be_told_is_told_and_the_rest_goes_by_its_name() {
        let url = |path: &str| Url { tls: false, host: "shop.test".to_owned(), port: 80, path: path.to_owned() };
        let templates = Templates { head: true, body: true };
        let first = Request {
            templates,
            body: Body("{\"n\":{{ random(5, 5) }}}".into()),
            captures: vec![Capture {
                name: "id".to_owned(),
                source: Source::Body,
                pick: Pick::First,
                missing: Missing::Fail,
            }],
            ..Request::new("first", "POST", url("/{{ row.a }}/{{ v }}"))
        };
        let second =
            Request { templates, body: Body("{{ row.a }}".into()), ..Request::new("second", "PUT", url("/{{ id }}")) };
        let rows = Arc::new(Rows::of_text("{\"a\":1}\n{\"a\":2}\n").unwrap());
        let feeder = Feeder {
            name: "row".to_owned(),
            file: String::new(),
            rows: rows.id(),
            order: Order::Sequential,
            share: Sharing::Unique,
            on_end: OnEnd::Recycle,
        };
        let max_duration = std::time::Duration::from_secs(1);
        let scenario = Scenario {
            name: "all".to_owned(),
            executor: Executor::PerUserIterations { users: 1, iterations: 1, max_duration },
            start_delay: max_duration,
            graceful_stop: max_duration,
            warm_up: max_duration,
            connections: Connections::Pool,
            keep_session: false,
            vars: Vec::new(),
            feeders: vec![0],
            steps: vec![Step::Request(Box::new(first)), Step::Request(Box::new(second))],
        };
        let vars = vec![Var::new("v", "\"x y\"")];
        let plan = Plan { vars, data: vec![feeder], scenarios: vec![scenario], ..Plan::default() };
        let Preview { rows, requests } = preview(&plan, &[rows], 0);
        assert_eq!(rows, [("row".to_owned(), "{\"a\": 1}".to_owned())]);
        let shown: Vec<_> = requests.iter().map(|shown| (shown.line.as_str(), shown.body.as_str())).collect();
        assert_eq!(shown, [("POST /1/x%20y", "{\"n\":5}"), ("PUT /{{ id }}", "1")]);
    }
}
