//! The plan of `muster run URL`: one request, repeated.

use std::path::Path;
use std::time::Duration;

use muster_proto::plan::{
    Arrivals, Body, Connect, Connections, Executor, Plan, Rate, RateStage, Request, Scenario, Shape, Step, Templates,
    Tls, UserStage,
};

use super::Secrets;
use super::keys::Kind;
use super::limits::{
    BODY_BYTES_MAX, GRACEFUL_STOP_DEFAULT, MAX_USERS_DEFAULT, PROFILE_MAX, SEED_DEFAULT, TIMEOUT_DEFAULT, TIMEOUT_MAX,
    USERS_MAX,
};
use super::mistakes::Mistakes;
use super::preset::Preset;
use super::reader::{Field, Reader};
use super::tree::Node;
use super::units::format_duration;
use super::{headers, request, url};

/// The users of a quick plan, unless it says so.
pub const QUICK_USERS: u32 = 10;
/// How long a quick plan lasts, unless it says so.
pub const QUICK_DURATION: Duration = Duration::from_secs(10);

/// What a command line says about a plan. Whatever is left out has a default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuickPlan {
    /// Where the requests go; `http://` may be left out.
    pub url: String,
    /// `GET` unless said, or `POST` where there is a body.
    pub method: Option<String>,
    /// Header fields, by name and value.
    pub headers: Vec<(String, String)>,
    /// What each request carries.
    pub body: Option<Vec<u8>>,
    /// Arrivals at this rate, however slow the target is (open model). Excludes `users`.
    pub rate: Option<Rate>,
    /// So many users, one request after the other (closed model); [`QUICK_USERS`] unless said.
    pub users: Option<u32>,
    /// A kind of test, up to that rate or those users.
    pub preset: Option<&'static Preset>,
    /// How long; as the kind of test has it, or else [`QUICK_DURATION`], unless said.
    pub duration: Option<Duration>,
    /// How long a request may take.
    pub timeout: Option<Duration>,
    /// What all randomness is derived from.
    pub seed: Option<u64>,
    /// Accept any certificate.
    pub insecure: bool,
}

/// The plan that a command line describes: one scenario named `default` with one request, named after its method and
/// path.
///
/// # Errors
/// Everything that is wrong with it, at once, by the names of the command line's flags.
pub fn quick(wanted: QuickPlan) -> Result<Plan, Mistakes> {
    let mut reader = Reader::new(Path::new(""), Secrets::LookedUp);
    let plan = read(&mut reader, wanted);
    let mistakes = reader.mistakes;
    plan.filter(|_| mistakes.is_empty()).ok_or_else(|| Mistakes::new("the command line", "", mistakes))
}

fn read(reader: &mut Reader, wanted: QuickPlan) -> Option<Plan> {
    let url = Node::text(&wanted.url);
    let url = url::typed(reader, &Field::root(&url, "URL", &Kind::Text));
    let method = wanted.method.unwrap_or_else(|| if wanted.body.is_some() { "POST" } else { "GET" }.to_owned());
    let method = request::method(reader, &Field::root(&Node::text(&method), "--method", &Kind::Text));
    let headers = headers(reader, &wanted.headers);
    let usual = wanted.preset.map_or(QUICK_DURATION, |preset| preset.duration);
    let executor = executor(reader, (wanted.rate, wanted.users), wanted.preset, wanted.duration.unwrap_or(usual));
    let body = wanted.body.unwrap_or_default();
    if body.len() as u64 > BODY_BYTES_MAX {
        reader.note("--body", None, format!("wanted a body of at most {BODY_BYTES_MAX} bytes, found {}", body.len()));
    }
    let timeout = wanted.timeout.unwrap_or(TIMEOUT_DEFAULT);
    within(reader, "--timeout", timeout, TIMEOUT_MAX);
    let (url, method, executor) = (url?, method?, executor?);
    let connections = if executor.is_open() { Connections::Pool } else { Connections::PerUser };
    let name = format!("{}{}", url.authority(), url.path.split('?').next().unwrap_or_default());
    let templates = Templates { head: request::has_templates(&url, &headers), body: false };
    let request = Request {
        headers,
        body: Body(body.into()),
        templates,
        timeout,
        ..Request::new(request::default_name(&method, &url.to_string()), method, url)
    };
    let scenario = Scenario {
        name: "default".to_owned(),
        executor,
        start_delay: Duration::ZERO,
        graceful_stop: GRACEFUL_STOP_DEFAULT,
        warm_up: Duration::ZERO,
        connections,
        keep_session: false,
        vars: Vec::new(),
        feeders: Vec::new(),
        steps: vec![Step::Request(Box::new(request))],
    };
    Some(Plan {
        name: super::shortened(&name),
        seed: wanted.seed.unwrap_or(SEED_DEFAULT),
        connect: Connect { tls: Tls { insecure: wanted.insecure, ..Tls::default() }, ..Connect::default() },
        scenarios: vec![scenario],
        ..Plan::default()
    })
}

fn headers(reader: &mut Reader, headers: &[(String, String)]) -> headers::Headers {
    let mut read = headers::Headers::new();
    for (name, value) in headers {
        let value = Node::text(value);
        read.extend(headers::one(reader, &Field::root(&value, "--header", &Kind::Text), name));
    }
    headers::check_count(reader, "--header", None, read.len());
    read
}

fn executor(
    reader: &mut Reader,
    (rate, users): (Option<Rate>, Option<u32>),
    preset: Option<&'static Preset>,
    duration: Duration,
) -> Option<Executor> {
    let before = reader.mistakes.len();
    within(reader, "--duration", duration, PROFILE_MAX);
    if rate.is_some() && users.is_some() {
        let mistake = reader.note("--users", None, "wanted a rate or a number of users, found both");
        mistake.help("`--rate` is an open model, `--users` a closed one");
    }
    if rate.is_some_and(|rate| rate.0 == 0 || rate > Rate::MAX) {
        reader.note(
            "--rate",
            None,
            format!("wanted a rate above 0/s and up to {}", super::units::format_rate(Rate::MAX)),
        );
    }
    let count = users.unwrap_or(QUICK_USERS);
    if !(1..=USERS_MAX).contains(&u64::from(count)) {
        reader.note("--users", None, format!("wanted a whole number from 1 to {USERS_MAX}, found `{count}`"));
    }
    let shape = if preset.is_some() { Shape::Ramping } else { Shape::Constant };
    (reader.mistakes.len() == before).then(|| match rate {
        Some(rate) => {
            let constant = || vec![RateStage { duration, from: rate, to: rate }];
            let stages = preset.map_or_else(constant, |preset| preset.rates(rate, duration));
            Executor::ArrivalRate { stages, arrivals: Arrivals::Uniform, max_users: MAX_USERS_DEFAULT, shape }
        }
        None => {
            let constant = || vec![UserStage { duration, from: count, to: count }];
            Executor::Users { stages: preset.map_or_else(constant, |preset| preset.users(count, duration)), shape }
        }
    })
}

fn within(reader: &mut Reader, flag: &str, duration: Duration, max: Duration) {
    if duration < Duration::from_millis(1) || duration > max {
        let (most, found) = (format_duration(max), format_duration(duration));
        reader.note(flag, None, format!("wanted a duration from 1ms to {most}, found `{found}`"));
    }
}
