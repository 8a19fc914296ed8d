//! Every key that a plan file may have, described once: the reader refuses what does not stand here, and the schema
//! is made from it.

use std::time::Duration;

use super::limits::{
    AGENTS_MAX, ITERATIONS_MAX, PROFILE_MAX, REDIRECTS_MAX, STAGES_MAX, THINK_MAX, THRESHOLDS_MAX, TIMEOUT_MAX,
    USERS_MAX,
};
use muster_proto::plan::{SCENARIOS_MAX, STEPS_MAX, VARS_MAX};

/// A map with fixed keys.
pub(super) struct Table {
    pub(super) about: &'static str,
    pub(super) keys: &'static [Key],
    /// Keys that plan files will have but that this version does not support.
    pub(super) later: &'static [&'static str],
}

/// A key and what may stand behind it.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Other spellings, such as k6's.
    pub(super) also: &'static [&'static str],
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    pub(super) required: bool,
}

/// What may stand behind a key.
pub(super) enum Kind {
    Text,
    Flag,
    Whole {
        min: u64,
        max: u64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Rate,
    Size {
        min: u64,
        max: u64,
    },
    /// A part of a whole.
    Part,
    Address,
    /// A status such as 200, `2xx` or `200-299`.
    Status,
    /// A pause such as `1s` or `1s..3s`.
    Pause,
    /// A pass/fail line.
    Threshold,
    OneOf(&'static [&'static str]),
    /// An executor, by any of its names.
    Executor,
    Table(&'static Table),
    /// One of several maps; which one follows from the keys.
    Tables(&'static [&'static Table]),
    /// A list of at least one and so many.
    List {
        of: &'static Self,
        max: usize,
    },
    /// A map from names of the user's choice.
    Map {
        of: &'static Self,
        max: usize,
    },
    AnyOf(&'static [Self]),
    Anything,
}

/// An executor, what it cannot do without, and what it takes beside the keys that all scenarios have.
pub(super) struct ExecutorKeys {
    pub(super) name: &'static str,
    /// Other spellings, such as k6's.
    pub(super) also: &'static [&'static str],
    pub(super) needs: &'static [&'static str],
    /// Of which it needs one, and takes no other.
    pub(super) needs_one: &'static [&'static str],
    pub(super) takes: &'static [&'static str],
}

impl ExecutorKeys {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.also.contains(&name)
    }

    /// Whether a key belongs to it, or to all.
    pub(super) fn takes(&self, name: &str) -> bool {
        [OF_ALL_SCENARIOS, self.needs, self.needs_one, self.takes].iter().any(|names| names.contains(&name))
    }
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, also: &[], kind, about, required: false }
}

impl Key {
    const fn also(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const TIMEOUT: Kind = Kind::Duration { min: MILLISECOND, max: TIMEOUT_MAX };
const PROFILE: Kind = Kind::Duration { min: MILLISECOND, max: PROFILE_MAX };
const HOLD: Kind = Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(60) };
const DELAY: Kind = Kind::Duration { min: Duration::ZERO, max: PROFILE_MAX };
const USERS: Kind = Kind::Whole { min: 1, max: USERS_MAX };
const REDIRECTS: Kind = Kind::Whole { min: 0, max: REDIRECTS_MAX };
const VALUES: Kind = Kind::AnyOf(&[Kind::Text, Kind::List { of: &Kind::Text, max: 100 }]);
const HEADERS: Kind = Kind::Map { of: &VALUES, max: super::limits::HEADERS_MAX };
const PAIRS: Kind = Kind::Map { of: &VALUES, max: 1_000 };
const ADDRESSES: Kind = Kind::AnyOf(&[Kind::Address, Kind::List { of: &Kind::Address, max: 1_000 }]);
const CONNECTIONS: Kind = Kind::OneOf(&["pool", "per-user", "new"]);

/// What a plan file is.
pub(super) static FILE: Kind = Kind::Table(&PLAN);

/// The whole file.
pub(super) static PLAN: Table = Table {
    about: "A test plan of Muster",
    keys: &[
        key("name", Kind::Text, "What the report calls the test; the file's name unless said"),
        key("target", Kind::Text, "The base URL, in front of every step's path"),
        key("seed", Kind::Whole { min: 0, max: u64::MAX }, "What all randomness is derived from; 42 unless said"),
        key("vars", Kind::Map { of: &Kind::Anything, max: VARS_MAX }, "Variables that templates can name"),
        key("http", Kind::Table(&HTTP), "How HTTP is spoken"),
        key("connect", Kind::Table(&CONNECT), "How connections are made"),
        key("scenarios", Kind::Map { of: &Kind::Table(&SCENARIO), max: SCENARIOS_MAX }, "Load profiles, by name")
            .required(),
        key(
            "thresholds",
            Kind::List { of: &Kind::Threshold, max: THRESHOLDS_MAX },
            "Pass/fail lines over the merged result, such as `http_req_duration{scenario:a}: p(99) < 250ms for 10s`",
        ),
        key("agents", Kind::Table(&AGENTS), "What the run asks of its agents"),
    ],
    later: &["secrets", "data", "setup", "teardown", "observe", "loss_tolerance", "journal_max"],
};

/// `http`.
pub(super) static HTTP: Table = Table {
    about: "How HTTP is spoken, for all requests",
    keys: &[
        key("version", Kind::OneOf(&["auto", "1.1"]), "`auto` unless said; this version speaks HTTP/1.1"),
        key("timeout", TIMEOUT, "How long a request may take, from sent to done; 10s unless said"),
        key("connect_timeout", TIMEOUT, "How long look-up, connect and TLS may take; 10s unless said"),
        key("read_timeout", TIMEOUT, "How long the target may be silent; 60s unless said"),
        key("headers", HEADERS, "Header fields of every request; a step's own go before them"),
        key("redirects", REDIRECTS, "How many redirects a request follows; 0 unless said"),
        key("max_head", Kind::Size { min: 1 << 10, max: 1 << 20 }, "The largest response head; 64KiB unless said"),
        key("max_body", Kind::Size { min: 0, max: 1 << 30 }, "The largest response body; 64MiB unless said"),
        key("request_ids", Kind::Flag, "Number each request in `x-request-id`; `false` unless said"),
    ],
    later: &["cookies", "compression", "retries"],
};

/// `connect`.
pub(super) static CONNECT: Table = Table {
    about: "How connections are made",
    keys: &[
        key("hosts", Kind::Map { of: &ADDRESSES, max: 10_000 }, "Addresses for names, in place of a look-up"),
        key("source", ADDRESSES, "Local addresses to send from, in turn"),
        key(
            "connections",
            CONNECTIONS,
            "Who shares connections: `pool` in open models and `per-user` in closed ones unless said",
        ),
        key("proxy", Kind::Text, "An HTTP proxy as `http://host:port`, or `none`"),
        key(
            "dns",
            Kind::AnyOf(&[Kind::OneOf(&["once"]), Kind::Table(&DNS)]),
            "How long a looked-up address is used; `once` is one look-up per run",
        ),
        key("tls", Kind::Table(&TLS), "TLS settings"),
    ],
    later: &["keepalive", "max_connections"],
};

/// `connect.dns`, where it is a map.
pub(super) static DNS: Table = Table {
    about: "How long a looked-up address is used",
    keys: &[key(
        "every",
        Kind::Duration { min: Duration::from_secs(1), max: PROFILE_MAX },
        "Look up anew after this time",
    )
    .required()],
    later: &["servers"],
};

/// `connect.tls`.
pub(super) static TLS: Table = Table {
    about: "TLS settings; files are found from the plan's folder",
    keys: &[
        key("ca", Kind::Text, "A PEM file with authorities to trust beside the public ones"),
        key("cert", Kind::Text, "A PEM file with the client's certificate chain"),
        key("key", Kind::Text, "A PEM file with the client certificate's private key"),
        key("insecure", Kind::Flag, "Accept any certificate"),
    ],
    later: &["min_version", "max_version", "ciphers", "server_name", "alpn"],
};

/// `scenarios.<name>`.
pub(super) static SCENARIO: Table = Table {
    about: "A load profile and the steps it repeats",
    keys: &[
        key("executor", Kind::Executor, "The kind of profile").required(),
        key("arrivals", Kind::OneOf(&["uniform", "poisson"]), "How arrivals are spread; `uniform` unless said"),
        key("rate", Kind::Rate, "Arrivals per time, such as `500/s`"),
        key("users", USERS, "How many users, over the whole cluster").also(&["vus"]),
        key("iterations", Kind::Whole { min: 1, max: ITERATIONS_MAX }, "How many iterations, of each user or of all"),
        key("stages", Kind::List { of: &Kind::Table(&STAGE), max: STAGES_MAX }, "The profile, stretch by stretch"),
        key("duration", PROFILE, "How long the profile lasts"),
        key("max_duration", PROFILE, "When users who are not done are stopped; 10m unless said").also(&["maxDuration"]),
        key("start_delay", DELAY, "How long after the run's start the profile begins").also(&["startTime"]),
        key("graceful_stop", DELAY, "How long iterations may take once the profile has ended; 30s unless said")
            .also(&["gracefulStop"]),
        key("warm_up", DELAY, "The beginning that is measured and shown but not judged"),
        key("max_users", USERS, "The most users of an open model at once; 10000 unless said").also(&["maxVUs"]),
        key("connections", CONNECTIONS, "Who shares connections"),
        key("start_rate", Kind::Rate, "The rate at which a ramp, or what is set by hand, begins; 0/s unless said")
            .also(&["startRate"]),
        key(
            "start_users",
            Kind::Whole { min: 0, max: USERS_MAX },
            "The users with which a ramp, or what is set by hand, begins; 0 unless said",
        )
        .also(&["startVUs"]),
        key(
            "steps",
            Kind::List { of: &Kind::Tables(&[&REQUEST, &THINK]), max: STEPS_MAX },
            "What one iteration does, in order",
        )
        .required(),
    ],
    later: &[
        "choose",
        "keep_session",
        "setup",
        "teardown",
        "vars",
        "data",
        "tags",
        "env",
        "exec",
        "options",
        "placement",
    ],
};

/// The keys of all scenarios, whatever their executor.
pub(super) static OF_ALL_SCENARIOS: &[&str] =
    &["executor", "start_delay", "graceful_stop", "warm_up", "connections", "steps"];

/// The executors.
pub(super) static EXECUTORS: &[ExecutorKeys] = &[
    ExecutorKeys {
        name: "constant-arrival-rate",
        also: &[],
        needs: &["rate", "duration"],
        needs_one: &[],
        takes: &["arrivals", "max_users"],
    },
    ExecutorKeys {
        name: "ramping-arrival-rate",
        also: &[],
        needs: &["stages"],
        needs_one: &[],
        takes: &["arrivals", "max_users", "start_rate"],
    },
    ExecutorKeys {
        name: "constant-users",
        also: &["constant-vus"],
        needs: &["users", "duration"],
        needs_one: &[],
        takes: &[],
    },
    ExecutorKeys {
        name: "ramping-users",
        also: &["ramping-vus"],
        needs: &["stages"],
        needs_one: &[],
        takes: &["start_users"],
    },
    ExecutorKeys {
        name: "per-user-iterations",
        also: &["per-vu-iterations"],
        needs: &["users", "iterations"],
        needs_one: &[],
        takes: &["max_duration"],
    },
    ExecutorKeys {
        name: "shared-iterations",
        also: &[],
        needs: &["users", "iterations"],
        needs_one: &[],
        takes: &["max_duration"],
    },
    ExecutorKeys {
        name: "manual",
        also: &[],
        needs: &[],
        needs_one: &["start_rate", "start_users"],
        takes: &["duration", "arrivals", "max_users"],
    },
];

/// Executors that plan files will have but that this version does not support.
pub(super) static EXECUTORS_LATER: &[&str] = &["find-capacity", "hold-connections", "externally-controlled"];

/// `scenarios.<name>.stages[]`.
pub(super) static STAGE: Table = Table {
    about: "A stretch over which the rate, or the number of users, changes linearly",
    keys: &[
        key("duration", DELAY, "How long it lasts; 0s is a jump").required(),
        key(
            "target",
            Kind::AnyOf(&[Kind::Rate, Kind::Whole { min: 0, max: USERS_MAX }]),
            "What it ends with: a rate such as `500/s`, or a number of users",
        )
        .required(),
    ],
    later: &[],
};

/// The methods that a step may use as its key.
pub(super) static METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// A step that talks to the target.
pub(super) static REQUEST: Table = Table {
    about: "A request: `get: /path`, or `method` and `url`",
    keys: &[
        key("name", Kind::Text, "The series under which it is measured; method and path unless said"),
        key("get", Kind::Text, "GET this URL, or this path of the target"),
        key("post", Kind::Text, "POST to this URL, or this path of the target"),
        key("put", Kind::Text, "PUT to this URL, or this path of the target"),
        key("patch", Kind::Text, "PATCH this URL, or this path of the target"),
        key("delete", Kind::Text, "DELETE this URL, or this path of the target"),
        key("head", Kind::Text, "HEAD of this URL, or of this path of the target"),
        key("options", Kind::Text, "OPTIONS of this URL, or of this path of the target"),
        key("method", Kind::Text, "Any other method"),
        key("url", Kind::Text, "Where a request with `method` goes"),
        key("query", PAIRS, "Parameters to append to the URL, percent-encoded"),
        key("headers", HEADERS, "Header fields beside those of `http.headers`"),
        key("body", Kind::AnyOf(&[Kind::Text, Kind::Table(&BODY_FILE)]), "The body, as text or from a file"),
        key("json", Kind::Anything, "The body, as a value to be sent as JSON"),
        key("form", PAIRS, "The body, as fields of a form"),
        key("expect", Kind::Table(&EXPECT), "What the response must be"),
        key("redirects", REDIRECTS, "How many redirects it follows"),
        key("timeout", TIMEOUT, "How long it may take, from sent to done"),
    ],
    later: &[
        "capture",
        "choose",
        "group",
        "repeat",
        "if",
        "while",
        "websocket",
        "grpc",
        "html",
        "checks",
        "auth",
        "cookies",
        "retry",
        "multipart",
        "weight",
        "trace",
        "connect",
    ],
};

/// A step that pauses.
pub(super) static THINK: Table = Table {
    about: "A pause of the user",
    keys: &[key("think", Kind::Pause, "How long: `1s`, or evenly drawn from `1s..3s`").required()],
    later: &[],
};

/// The longest pause, for the reader of [`Kind::Pause`].
pub(super) const PAUSE_MAX: Duration = THINK_MAX;

/// `body`, where it is a map.
pub(super) static BODY_FILE: Table = Table {
    about: "A body from a file",
    keys: &[key("file", Kind::Text, "A file in the plan's folder; sent as it is").required()],
    later: &[],
};

/// `expect`.
pub(super) static EXPECT: Table = Table {
    about: "What the response must be for the request to count as successful",
    keys: &[key(
        "status",
        Kind::AnyOf(&[Kind::Status, Kind::List { of: &Kind::Status, max: 100 }]),
        "Statuses: 200, `2xx`, `200-299`, or a list of them; 200 to 399 unless said",
    )],
    later: &["body", "header", "json", "html", "duration", "fail", "regex"],
};

/// `agents`.
pub(super) static AGENTS: Table = Table {
    about: "What the run asks of its agents",
    keys: &[
        key(
            "start_when",
            Kind::Whole { min: 1, max: AGENTS_MAX },
            "Start once so many agents are ready; 1 unless said",
        ),
        key(
            "on_loss",
            Kind::OneOf(&["redistribute", "degrade", "fail"]),
            "What happens when an agent is lost; `redistribute` unless said: the others take its load over",
        ),
        key(
            "loss_tolerance",
            Kind::Part,
            "How much of the load may be lost or left undone for want of an agent before the run fails; 1% unless said",
        ),
        key(
            "hold",
            HOLD,
            "How long an agent that is cut off goes on with its load; 1s unless said. Nobody can take it over sooner",
        ),
    ],
    later: &["placement"],
};
