//! Plans. What only the coordinator judges does not travel.

use std::net::IpAddr;
use std::time::Duration;

use super::{ConvertError, at_most, auth, data, invalid, missing, response, step, vars};
use crate::plan::{
    AgentsWanted, Arrivals, Chore, ClientCert, Connect, Connections, DnsPolicy, Executor, Http, NAME_BYTES_MAX,
    NESTING_MAX, Plan, Rate, RateStage, SCENARIOS_MAX, STEPS_MAX, Scenario, Shape, Tls, USER_CERTS_MAX, USERS_MAX, Url,
    UserStage, steps_total,
};
use crate::wire;

/// The longest duration in a plan: longer ones are refused, so that sums of a few never overflow.
const DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// The most stages of a profile.
const STAGES_MAX: usize = 10_000;
/// The most entries of a list that people write by hand: header fields, host names, source addresses.
pub(super) const LIST_MAX: usize = 10_000;

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
            cookies: plan.http.cookies,
            trace_millionths: plan.http.trace_millionths,
        }),
        connect: Some(connect_to_wire(&plan.connect)),
        scenarios: plan.scenarios.iter().map(scenario_to_wire).collect(),
        vars: vars::to_wire(&plan.vars),
        metrics: response::metrics_to_wire(&plan.metrics),
        data: data::to_wire(&plan.data),
        setup: chore_to_wire(&plan.setup),
        teardown: chore_to_wire(&plan.teardown),
        tokens: auth::tokens_to_wire(&plan.tokens),
    }
}

/// A message as a plan, without thresholds.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn plan_from_wire(message: wire::Plan) -> Result<Plan, ConvertError> {
    name("plan.name", &message.name)?;
    at_most("scenarios", message.scenarios.len(), SCENARIOS_MAX)?;
    let http = message.http.ok_or_else(|| missing("plan.http"))?;
    let metrics = response::metrics_from_wire(message.metrics)?;
    let data = data::from_wire(message.data)?;
    let known = (metrics.len(), data.len());
    let scenarios = message.scenarios.into_iter().map(|scenario| scenario_from_wire(scenario, known));
    let scenarios: Vec<Scenario> = scenarios.collect::<Result<_, _>>()?;
    let setup = chore_from_wire(message.setup, metrics.len())?;
    let teardown = chore_from_wire(message.teardown, metrics.len())?;
    let chores = steps_total(&setup.steps) + steps_total(&teardown.steps);
    at_most("steps", scenarios.iter().map(Scenario::steps_total).sum::<usize>() + chores, STEPS_MAX)?;
    auth::check_tokens(Plan {
        tokens: auth::tokens_from_wire(message.tokens)?,
        name: message.name,
        seed: message.seed,
        vars: vars::from_wire(message.vars)?,
        http: Http {
            connect_timeout: duration("connect_timeout_ns", http.connect_timeout_ns)?,
            read_timeout: duration("read_timeout_ns", http.read_timeout_ns)?,
            head_bytes_max: http.head_bytes_max,
            body_bytes_max: http.body_bytes_max,
            request_ids: http.request_ids,
            cookies: http.cookies,
            trace_millionths: part("http.trace_millionths", http.trace_millionths)?,
        },
        connect: connect_from_wire(message.connect.ok_or_else(|| missing("plan.connect"))?)?,
        scenarios,
        setup,
        teardown,
        data,
        metrics,
        thresholds: Vec::new(),
        agents: AgentsWanted::default(),
    })
}

fn part(field: &'static str, millionths: u32) -> Result<u32, ConvertError> {
    at_most(field, millionths as usize, 1_000_000)?;
    Ok(millionths)
}

fn chore_to_wire(chore: &Chore) -> Option<wire::Chore> {
    let of = |chore: &Chore| wire::Chore { steps: step::to_wire(&chore.steps), timeout_ns: ns(chore.timeout) };
    (*chore != Chore::default()).then(|| of(chore))
}

fn chore_from_wire(message: Option<wire::Chore>, metrics: usize) -> Result<Chore, ConvertError> {
    let Some(wire::Chore { steps, timeout_ns }) = message else { return Ok(Chore::default()) };
    Ok(Chore {
        steps: step::from_wire(steps, metrics, NESTING_MAX)?,
        timeout: duration("chore.timeout_ns", timeout_ns)?,
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
            users: connect.tls.users.iter().map(client_cert_to_wire).collect(),
        }),
    }
}

fn client_cert_to_wire(of: &ClientCert) -> wire::ClientCert {
    wire::ClientCert { cert_pem: of.cert_pem.clone().into(), key_pem: of.key_pem.clone().into() }
}

fn connect_from_wire(message: wire::Connect) -> Result<Connect, ConvertError> {
    at_most("connect.hosts", message.hosts.len(), LIST_MAX)?;
    let tls = message.tls.unwrap_or_default();
    at_most("connect.tls.users", tls.users.len(), USER_CERTS_MAX)?;
    let client_cert =
        |of: wire::ClientCert| ClientCert { cert_pem: of.cert_pem.to_vec(), key_pem: of.key_pem.to_vec() };
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
            users: tls.users.into_iter().map(client_cert).collect(),
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
        steps: step::to_wire(&scenario.steps),
        keep_session: scenario.keep_session,
        vars: vars::to_wire(&scenario.vars),
        feeders: scenario.feeders.iter().map(|place| (*place).into()).collect(),
    }
}

fn scenario_from_wire(message: wire::Scenario, (metrics, feeders): (usize, usize)) -> Result<Scenario, ConvertError> {
    name("scenario.name", &message.name)?;
    let connections = match message.connections() {
        wire::Connections::Pool => Connections::Pool,
        wire::Connections::PerUser => Connections::PerUser,
        wire::Connections::New => Connections::New,
        wire::Connections::Unspecified => {
            return Err(invalid("scenario.connections", "pool, per-user or new", message.connections));
        }
    };
    let feeder = |place: u32| {
        let known = u16::try_from(place).ok().filter(|place| usize::from(*place) < feeders);
        known.ok_or_else(|| invalid("scenario.feeders", format!("less than {feeders}"), place))
    };
    at_most("scenario.feeders", message.feeders.len(), feeders)?;
    Ok(Scenario {
        connections,
        keep_session: message.keep_session,
        vars: vars::from_wire(message.vars)?,
        feeders: message.feeders.into_iter().map(feeder).collect::<Result<_, _>>()?,
        name: message.name,
        executor: executor_from_wire(message.executor.ok_or_else(|| missing("scenario.executor"))?)?,
        start_delay: duration("start_delay_ns", message.start_delay_ns)?,
        graceful_stop: duration("graceful_stop_ns", message.graceful_stop_ns)?,
        warm_up: duration("warm_up_ns", message.warm_up_ns)?,
        steps: step::from_wire(message.steps, metrics, NESTING_MAX)?,
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

pub(super) fn url_to_wire(url: &Url) -> wire::Url {
    wire::Url { tls: url.tls, host: url.host.clone(), port: url.port.into(), path: url.path.clone() }
}

pub(super) fn url_from_wire(message: wire::Url) -> Result<Url, ConvertError> {
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

pub(super) fn name(field: &'static str, name: &str) -> Result<(), ConvertError> {
    if name.is_empty() {
        return Err(missing(field));
    }
    at_most(field, name.len(), NAME_BYTES_MAX)
}

pub(super) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn duration(field: &'static str, value_ns: u64) -> Result<Duration, ConvertError> {
    let duration = Duration::from_nanos(value_ns);
    if duration <= DURATION_MAX { Ok(duration) } else { Err(invalid(field, "at most 366 days", value_ns)) }
}
