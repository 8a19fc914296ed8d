//! Plans. What only the coordinator judges does not travel.

use std::net::IpAddr;
use std::time::Duration;

use super::{ConvertError, at_most, invalid, missing, response};
use crate::plan::{
    AgentsWanted, Arrivals, Body, Connect, Connections, DnsPolicy, Executor, Http, NAME_BYTES_MAX, Plan, Rate,
    RateStage, Redirects, Request, SCENARIOS_MAX, STEPS_MAX, Scenario, Shape, StatusSet, Step, Templates, Think, Tls,
    USERS_MAX, Url, UserStage, VARS_MAX,
};
use crate::wire;

/// The longest duration in a plan: longer ones are refused, so that sums of a few never overflow.
const DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// The most stages of a profile.
const STAGES_MAX: usize = 10_000;
/// The most entries of a list that people write by hand: header fields, host names, source addresses.
const LIST_MAX: usize = 10_000;

/// A plan as a message.
#[must_use]
pub fn plan_to_wire(plan: &Plan) -> wire::Plan {
    wire::Plan {
        name: plan.name.clone(),
        seed: plan.seed,
        http: Some(wire::Http {
            connect_timeout_ns: ns(plan.http.connect_timeout),
            read_timeout_ns: ns(plan.http.read_timeout),
            head_bytes_max: plan.http.head_bytes_max,
            body_bytes_max: plan.http.body_bytes_max,
            request_ids: plan.http.request_ids,
        }),
        connect: Some(connect_to_wire(&plan.connect)),
        scenarios: plan.scenarios.iter().map(scenario_to_wire).collect(),
        vars: plan.vars.iter().map(|(name, json)| wire::Var { name: name.clone(), json: json.clone() }).collect(),
        metrics: response::metrics_to_wire(&plan.metrics),
    }
}

/// A message as a plan, without thresholds.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn plan_from_wire(message: wire::Plan) -> Result<Plan, ConvertError> {
    name("plan.name", &message.name)?;
    at_most("scenarios", message.scenarios.len(), SCENARIOS_MAX)?;
    at_most("steps", message.scenarios.iter().map(|s| s.steps.len()).sum(), STEPS_MAX)?;
    at_most("vars", message.vars.len(), VARS_MAX)?;
    message.vars.iter().try_for_each(|var| name("var.name", &var.name))?;
    let http = message.http.ok_or_else(|| missing("plan.http"))?;
    let metrics = response::metrics_from_wire(message.metrics)?;
    let scenarios = message.scenarios.into_iter().map(|scenario| scenario_from_wire(scenario, metrics.len()));
    Ok(Plan {
        name: message.name,
        seed: message.seed,
        vars: message.vars.into_iter().map(|var| (var.name, var.json)).collect(),
        http: Http {
            connect_timeout: duration("connect_timeout_ns", http.connect_timeout_ns)?,
            read_timeout: duration("read_timeout_ns", http.read_timeout_ns)?,
            head_bytes_max: http.head_bytes_max,
            body_bytes_max: http.body_bytes_max,
            request_ids: http.request_ids,
        },
        connect: connect_from_wire(message.connect.ok_or_else(|| missing("plan.connect"))?)?,
        scenarios: scenarios.collect::<Result<_, _>>()?,
        metrics,
        thresholds: Vec::new(),
        agents: AgentsWanted::default(),
    })
}

fn connect_to_wire(connect: &Connect) -> wire::Connect {
    let texts = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect();
    wire::Connect {
        hosts: connect
            .hosts
            .iter()
            .map(|(name, addresses)| wire::Host { name: name.clone(), addresses: texts(addresses) })
            .collect(),
        dns_every_ns: match connect.dns {
            DnsPolicy::Once => 0,
            DnsPolicy::Every(period) => ns(period),
        },
        sources: texts(&connect.sources),
        proxy: connect.proxy.as_ref().map(url_to_wire),
        tls: Some(wire::Tls {
            ca_pem: connect.tls.ca_pem.clone().into(),
            cert_pem: connect.tls.cert_pem.clone().into(),
            key_pem: connect.tls.key_pem.clone().into(),
            insecure: connect.tls.insecure,
        }),
    }
}

fn connect_from_wire(message: wire::Connect) -> Result<Connect, ConvertError> {
    at_most("connect.hosts", message.hosts.len(), LIST_MAX)?;
    let tls = message.tls.unwrap_or_default();
    Ok(Connect {
        hosts: message
            .hosts
            .into_iter()
            .map(|host| Ok((host.name, addresses("connect.hosts", &host.addresses)?)))
            .collect::<Result<_, ConvertError>>()?,
        dns: match message.dns_every_ns {
            0 => DnsPolicy::Once,
            every => DnsPolicy::Every(duration("dns_every_ns", every)?),
        },
        sources: addresses("connect.sources", &message.sources)?,
        proxy: message.proxy.map(url_from_wire).transpose()?,
        tls: Tls {
            ca_pem: tls.ca_pem.to_vec(),
            cert_pem: tls.cert_pem.to_vec(),
            key_pem: tls.key_pem.to_vec(),
            insecure: tls.insecure,
        },
    })
}

fn scenario_to_wire(scenario: &Scenario) -> wire::Scenario {
    wire::Scenario {
        name: scenario.name.clone(),
        executor: Some(executor_to_wire(&scenario.executor)),
        start_delay_ns: ns(scenario.start_delay),
        graceful_stop_ns: ns(scenario.graceful_stop),
        warm_up_ns: ns(scenario.warm_up),
        connections: match scenario.connections {
            Connections::Pool => wire::Connections::Pool,
            Connections::PerUser => wire::Connections::PerUser,
            Connections::New => wire::Connections::New,
        } as i32,
        steps: scenario.steps.iter().map(step_to_wire).collect(),
    }
}

fn scenario_from_wire(message: wire::Scenario, metrics: usize) -> Result<Scenario, ConvertError> {
    name("scenario.name", &message.name)?;
    let connections = match message.connections() {
        wire::Connections::Pool => Connections::Pool,
        wire::Connections::PerUser => Connections::PerUser,
        wire::Connections::New => Connections::New,
        wire::Connections::Unspecified => {
            return Err(invalid("scenario.connections", "pool, per-user or new", message.connections));
        }
    };
    Ok(Scenario {
        connections,
        name: message.name,
        executor: executor_from_wire(message.executor.ok_or_else(|| missing("scenario.executor"))?)?,
        start_delay: duration("start_delay_ns", message.start_delay_ns)?,
        graceful_stop: duration("graceful_stop_ns", message.graceful_stop_ns)?,
        warm_up: duration("warm_up_ns", message.warm_up_ns)?,
        steps: message.steps.into_iter().map(|step| step_from_wire(step, metrics)).collect::<Result<_, _>>()?,
    })
}

fn executor_to_wire(executor: &Executor) -> wire::scenario::Executor {
    let iterations = |users: u32, iterations: u64, max_duration: Duration| wire::Iterations {
        users,
        iterations,
        max_duration_ns: ns(max_duration),
    };
    match executor {
        Executor::ArrivalRate { stages, arrivals, max_users, shape } => {
            wire::scenario::Executor::ArrivalRate(wire::ArrivalRate {
                stages: rate_stages_to_wire(stages),
                poisson: *arrivals == Arrivals::Poisson,
                max_users: *max_users,
                shape: shape_to_wire(*shape),
            })
        }
        Executor::Users { stages, shape } => wire::scenario::Executor::Users(wire::Users {
            stages: user_stages_to_wire(stages),
            shape: shape_to_wire(*shape),
        }),
        Executor::PerUserIterations { users, iterations: count, max_duration } => {
            wire::scenario::Executor::PerUserIterations(iterations(*users, *count, *max_duration))
        }
        Executor::SharedIterations { users, iterations: count, max_duration } => {
            wire::scenario::Executor::SharedIterations(iterations(*users, *count, *max_duration))
        }
    }
}

fn executor_from_wire(message: wire::scenario::Executor) -> Result<Executor, ConvertError> {
    Ok(match message {
        wire::scenario::Executor::ArrivalRate(profile) => Executor::ArrivalRate {
            stages: rate_stages_from_wire(&profile.stages)?,
            arrivals: if profile.poisson { Arrivals::Poisson } else { Arrivals::Uniform },
            max_users: profile.max_users,
            shape: shape_from_wire(profile.shape)?,
        },
        wire::scenario::Executor::Users(profile) => {
            Executor::Users { stages: user_stages_from_wire(&profile.stages)?, shape: shape_from_wire(profile.shape)? }
        }
        wire::scenario::Executor::PerUserIterations(profile) => Executor::PerUserIterations {
            users: profile.users,
            iterations: profile.iterations,
            max_duration: duration("max_duration_ns", profile.max_duration_ns)?,
        },
        wire::scenario::Executor::SharedIterations(profile) => Executor::SharedIterations {
            users: profile.users,
            iterations: profile.iterations,
            max_duration: duration("max_duration_ns", profile.max_duration_ns)?,
        },
    })
}

fn shape_to_wire(shape: Shape) -> i32 {
    let shape = match shape {
        Shape::Constant => wire::Shape::Constant,
        Shape::Ramping => wire::Shape::Ramping,
        Shape::Manual => wire::Shape::Manual,
    };
    shape as i32
}

fn shape_from_wire(shape: i32) -> Result<Shape, ConvertError> {
    match wire::Shape::try_from(shape) {
        Ok(wire::Shape::Constant) => Ok(Shape::Constant),
        Ok(wire::Shape::Ramping) => Ok(Shape::Ramping),
        Ok(wire::Shape::Manual) => Ok(Shape::Manual),
        Ok(wire::Shape::Unspecified) | Err(_) => Err(invalid("shape", "constant, ramping or manual", shape)),
    }
}

pub(super) fn rate_stages_to_wire(stages: &[RateStage]) -> Vec<wire::RateStage> {
    let stage =
        |stage: &RateStage| wire::RateStage { duration_ns: ns(stage.duration), from: stage.from.0, to: stage.to.0 };
    stages.iter().map(stage).collect()
}

pub(super) fn rate_stages_from_wire(stages: &[wire::RateStage]) -> Result<Vec<RateStage>, ConvertError> {
    at_most("stages", stages.len(), STAGES_MAX)?;
    stages.iter().map(rate_stage_from_wire).collect()
}

pub(super) fn user_stages_to_wire(stages: &[UserStage]) -> Vec<wire::UserStage> {
    let stage = |stage: &UserStage| wire::UserStage { duration_ns: ns(stage.duration), from: stage.from, to: stage.to };
    stages.iter().map(stage).collect()
}

pub(super) fn user_stages_from_wire(stages: &[wire::UserStage]) -> Result<Vec<UserStage>, ConvertError> {
    at_most("stages", stages.len(), STAGES_MAX)?;
    stages.iter().map(user_stage_from_wire).collect()
}

fn rate_stage_from_wire(message: &wire::RateStage) -> Result<RateStage, ConvertError> {
    let rate = |value: u64| match Rate(value) {
        rate if rate <= Rate::MAX => Ok(rate),
        _ => Err(invalid("stage.rate", format!("at most {}", Rate::MAX.0), value)),
    };
    let duration = duration("stage.duration_ns", message.duration_ns)?;
    Ok(RateStage { duration, from: rate(message.from)?, to: rate(message.to)? })
}

fn user_stage_from_wire(message: &wire::UserStage) -> Result<UserStage, ConvertError> {
    let users = |value: u32| match value {
        users if users <= USERS_MAX => Ok(users),
        _ => Err(invalid("stage.users", format!("at most {USERS_MAX}"), value)),
    };
    let duration = duration("stage.duration_ns", message.duration_ns)?;
    Ok(UserStage { duration, from: users(message.from)?, to: users(message.to)? })
}

fn step_to_wire(step: &Step) -> wire::Step {
    let step = match step {
        Step::Request(request) => wire::step::Step::Request(request_to_wire(request)),
        Step::Think(think) => wire::step::Step::Think(wire::Think { min_ns: ns(think.min), max_ns: ns(think.max) }),
    };
    wire::Step { step: Some(step) }
}

fn step_from_wire(message: wire::Step, metrics: usize) -> Result<Step, ConvertError> {
    Ok(match message.step.ok_or_else(|| missing("step"))? {
        wire::step::Step::Request(request) => Step::Request(Box::new(request_from_wire(request, metrics)?)),
        wire::step::Step::Think(think) => {
            let (min, max) = (duration("think.min_ns", think.min_ns)?, duration("think.max_ns", think.max_ns)?);
            if max < min {
                return Err(invalid("think.max_ns", format!("{} or more", think.min_ns), think.max_ns));
            }
            Step::Think(Think { min, max })
        }
    })
}

fn request_to_wire(request: &Request) -> wire::Request {
    let header = |(name, value): &(String, String)| wire::Header { name: name.clone(), value: value.clone() };
    let range = |&(low, high): &(u16, u16)| wire::StatusRange { low: low.into(), high: high.into() };
    wire::Request {
        name: request.name.clone(),
        method: request.method.clone(),
        url: Some(url_to_wire(&request.url)),
        headers: request.headers.iter().map(header).collect(),
        body: request.body.0.clone(),
        expect_status: request.expect_status.0.iter().map(range).collect(),
        redirects: request.redirects.0.into(),
        timeout_ns: ns(request.timeout),
        head_templates: request.templates.head,
        body_template: request.templates.body,
        checks: request.checks.iter().map(response::check_to_wire).collect(),
        fails_on_check: request.fails_on_check,
        captures: request.captures.iter().map(response::capture_to_wire).collect(),
        metrics: request.metrics.iter().map(response::observation_to_wire).collect(),
        tags: request.tags.iter().map(|(name, value)| wire::Tag { name: name.clone(), value: value.clone() }).collect(),
    }
}

fn request_from_wire(message: wire::Request, metrics: usize) -> Result<Request, ConvertError> {
    name("request.name", &message.name)?;
    at_most("request.headers", message.headers.len(), LIST_MAX)?;
    at_most("request.tags", message.tags.len(), LIST_MAX)?;
    let status = |value: u32| u16::try_from(value).map_err(|_| invalid("expect_status", "at most 65535", value));
    let ranges = message.expect_status.iter().map(|range| Ok((status(range.low)?, status(range.high)?)));
    let redirects = u8::try_from(message.redirects);
    Ok(Request {
        expect_status: StatusSet(ranges.collect::<Result<_, ConvertError>>()?),
        redirects: Redirects(redirects.map_err(|_| invalid("redirects", "at most 255", message.redirects))?),
        name: message.name,
        method: message.method,
        url: url_from_wire(message.url.ok_or_else(|| missing("request.url"))?)?,
        headers: message.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: Body(message.body),
        templates: Templates { head: message.head_templates, body: message.body_template },
        timeout: duration("timeout_ns", message.timeout_ns)?,
        checks: response::checks_from_wire(message.checks)?,
        fails_on_check: message.fails_on_check,
        captures: response::captures_from_wire(message.captures)?,
        metrics: response::observations_from_wire(message.metrics, metrics)?,
        tags: message.tags.into_iter().map(|tag| (tag.name, tag.value)).collect(),
    })
}

fn url_to_wire(url: &Url) -> wire::Url {
    wire::Url { tls: url.tls, host: url.host.clone(), port: url.port.into(), path: url.path.clone() }
}

fn url_from_wire(message: wire::Url) -> Result<Url, ConvertError> {
    let port = u16::try_from(message.port).map_err(|_| invalid("url.port", "at most 65535", message.port))?;
    if !message.path.starts_with('/') {
        return Err(invalid("url.path", "a path that begins with /", message.path));
    }
    Ok(Url { tls: message.tls, host: message.host, port, path: message.path })
}

fn addresses(field: &'static str, texts: &[String]) -> Result<Vec<IpAddr>, ConvertError> {
    at_most(field, texts.len(), LIST_MAX)?;
    texts.iter().map(|text| text.parse().map_err(|_| invalid(field, "an IP address", text))).collect()
}

fn name(field: &'static str, name: &str) -> Result<(), ConvertError> {
    if name.is_empty() {
        return Err(missing(field));
    }
    at_most(field, name.len(), NAME_BYTES_MAX)
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn duration(field: &'static str, value_ns: u64) -> Result<Duration, ConvertError> {
    let duration = Duration::from_nanos(value_ns);
    if duration <= DURATION_MAX { Ok(duration) } else { Err(invalid(field, "at most 366 days", value_ns)) }
}
