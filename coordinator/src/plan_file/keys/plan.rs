//! Keys of the plan as a whole.

use std::time::Duration;

use muster_proto::plan::{FEEDERS_MAX, SCENARIOS_MAX, VARS_MAX};

use super::{
    ADDRESSES, AUTH, CONNECTIONS, HEADERS, HOLD, Kind, LIST_OF_STEPS, REDIRECTS, SCENARIO, TIMEOUT, Table, key,
};
use crate::plan_file::limits::{AGENTS_MAX, NODES_MAX, PROFILE_MAX, THRESHOLDS_MAX};

/// What a plan file is.
pub(in crate::plan_file) static FILE: Kind = Kind::Table(&PLAN);

/// The whole file.
pub(in crate::plan_file) static PLAN: Table = Table {
    about: "A test plan of Muster",
    keys: &[
        key("name", Kind::Text, "What the report calls the test; the file's name unless said"),
        key("target", Kind::Text, "The base URL, in front of every step's path"),
        key("seed", Kind::Whole { min: 0, max: u64::MAX }, "What all randomness is derived from; 42 unless said"),
        key("vars", Kind::Map { of: &Kind::Anything, max: VARS_MAX }, "Variables that templates can name"),
        key(
            "secrets",
            Kind::Map { of: &Kind::Table(&SECRET), max: VARS_MAX },
            "Variables whose values stand in the environment, and in no report or journal",
        ),
        key(
            "data",
            Kind::Map { of: &Kind::Table(&FEEDER), max: FEEDERS_MAX },
            "Rows of data, of which each iteration uses one, by the names that templates use",
        ),
        key("http", Kind::Table(&HTTP), "How HTTP is spoken"),
        key("connect", Kind::Table(&CONNECT), "How connections are made"),
        key("setup", LIST_OF_STEPS, "Steps that one agent makes once, before the load"),
        key("setup_timeout", TIMEOUT, "How long the setup may take; 60s unless said").also(&["setupTimeout"]),
        key("scenarios", Kind::Map { of: &Kind::Table(&SCENARIO), max: SCENARIOS_MAX }, "Load profiles, by name")
            .required(),
        key("teardown", LIST_OF_STEPS, "Steps that one agent makes once, after the load, however it ended"),
        key("teardown_timeout", TIMEOUT, "How long the teardown may take; 60s unless said").also(&["teardownTimeout"]),
        key(
            "thresholds",
            Kind::List { of: &Kind::Threshold, max: THRESHOLDS_MAX },
            "Pass/fail lines over the merged result, such as `http_req_duration{scenario:a}: p(99) < 250ms for 10s`",
        ),
        key("agents", Kind::Table(&AGENTS), "What the run asks of its agents"),
    ],
    named: &[],
    later: &["observe", "loss_tolerance", "journal_max"],
};

/// `secrets.<name>`.
pub(in crate::plan_file) static SECRET: Table = Table {
    about: "A variable whose value does not stand in the plan",
    keys: &[key("env", Kind::Text, "The variable of the environment that has it, where the run is started").required()],
    named: &[],
    later: &["file", "command"],
};

/// `data.<name>`.
pub(in crate::plan_file) static FEEDER: Table = Table {
    about: "Rows of data, of which each iteration uses one",
    keys: &[
        key("file", Kind::Text, "A file in the plan's folder: `.csv`, `.tsv`, `.jsonl`, `.ndjson` or `.json`"),
        key("rows", Kind::List { of: &Kind::Anything, max: NODES_MAX }, "The rows themselves, in place of a file"),
        key("order", Kind::OneOf(&["sequential", "shuffle", "random"]), "In which order; `sequential` unless said"),
        key(
            "share",
            Kind::OneOf(&["unique", "per-user", "every-agent"]),
            "Who uses them: all users of all agents, no row twice; each user rows of its own; or each agent all of them; `unique` unless said",
        ),
        key(
            "on_end",
            Kind::OneOf(&["recycle", "stop"]),
            "What happens when all have been used: again from the beginning (unless said), or no further iteration",
        ),
        key("delimiter", Kind::Text, "What stands between the values of a CSV file; `,` unless said"),
        key(
            "columns",
            Kind::List { of: &Kind::Text, max: 1_000 },
            "The columns of a CSV file without a first row of names",
        ),
    ],
    named: &[],
    later: &["url", "compression"],
};

/// `http`.
pub(in crate::plan_file) static HTTP: Table = Table {
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
        key("auth", Kind::Table(&AUTH), "Who requests say they come from; a step's own goes before it"),
        key("cookies", Kind::Flag, "Whether users keep the cookies that targets set; `true` unless said"),
        key("request_ids", Kind::Flag, "Number each request in `x-request-id`; `false` unless said"),
        key(
            "trace",
            Kind::Part,
            "Which part of the iterations carries a `traceparent`, such as `1%`; none unless said",
        ),
    ],
    named: &[],
    later: &["compression", "retries"],
};

/// `connect`.
pub(in crate::plan_file) static CONNECT: Table = Table {
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
    named: &[],
    later: &["keepalive", "max_connections"],
};

/// `connect.dns`, where it is a map.
pub(in crate::plan_file) static DNS: Table = Table {
    about: "How long a looked-up address is used",
    keys: &[key(
        "every",
        Kind::Duration { min: Duration::from_secs(1), max: PROFILE_MAX },
        "Look up anew after this time",
    )
    .required()],
    named: &[],
    later: &["servers"],
};

/// `connect.tls`.
pub(in crate::plan_file) static TLS: Table = Table {
    about: "TLS settings; files are found from the plan's folder",
    keys: &[
        key("ca", Kind::Text, "A PEM file with authorities to trust beside the public ones"),
        key("cert", Kind::Text, "A PEM file with the client's certificate chain"),
        key("key", Kind::Text, "A PEM file with the client certificate's private key"),
        key(
            "users",
            Kind::Text,
            "A folder with client certificates (`NAME.pem` or `NAME.crt`, the key in it or in `NAME.key`) that users present in turn",
        ),
        key("insecure", Kind::Flag, "Accept any certificate"),
    ],
    named: &[],
    later: &["min_version", "max_version", "ciphers", "server_name", "alpn"],
};

/// `agents`.
pub(in crate::plan_file) static AGENTS: Table = Table {
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
    named: &[],
    later: &["placement"],
};
