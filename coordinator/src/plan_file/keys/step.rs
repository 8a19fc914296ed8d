//! Keys of steps.

use std::time::Duration;

use muster_proto::plan::FINDINGS_MAX;

use super::{DELAY, HEADERS, Kind, PAIRS, REDIRECTS, TAGS, TIMEOUT, Table, key};
use crate::plan_file::limits::THINK_MAX;

/// The methods that a step may use as its key.
pub(in crate::plan_file) static METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// A step that talks to the target.
pub(in crate::plan_file) static REQUEST: Table = Table {
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
        key("auth", Kind::Table(&AUTH), "Who it says it comes from; goes before that of `http`"),
        key("query", PAIRS, "Parameters to append to the URL, percent-encoded"),
        key("headers", HEADERS, "Header fields beside those of `http.headers`"),
        key("body", Kind::AnyOf(&[Kind::Text, Kind::Table(&BODY_FILE)]), "The body, as text or from a file"),
        key("json", Kind::Anything, "The body, as a value to be sent as JSON"),
        key("form", PAIRS, "The body, as fields of a form"),
        key(
            "multipart",
            PARTS,
            "The body, as parts by name: texts, and files in the plan's folder (`multipart/form-data`)",
        ),
        key("expect", Kind::Table(&EXPECT), "What the response must be"),
        key(
            "capture",
            CAPTURES,
            "What is kept of the response for the rest of the iteration, by the names that templates use",
        ),
        key(
            "metrics",
            Kind::Map { of: &Kind::Table(&METRIC), max: FINDINGS_MAX },
            "Metrics of your own that are noted after the response, by name",
        ),
        key("tags", TAGS, "By which thresholds can select it: names and values"),
        key("redirects", REDIRECTS, "How many redirects it follows"),
        key("timeout", TIMEOUT, "How long it may take, from sent to done"),
        key(
            "retry",
            Kind::AnyOf(&[RETRIES, Kind::Table(&RETRY)]),
            "How often it is made again when it was not as expected; each time is a request of its own",
        ),
    ],
    named: &[],
    later: &["websocket", "grpc", "html", "cookies", "weight", "trace", "connect"],
};

/// A step that pauses.
pub(in crate::plan_file) static THINK: Table = Table {
    about: "A pause of the user",
    keys: &[key(
        "think",
        Kind::AnyOf(&[Kind::Pause, Kind::Table(&THINK_DRAWN)]),
        "How long: `1s`, evenly drawn from `1s..3s`, or drawn from a distribution",
    )
    .required()],
    named: &[],
    later: &[],
};

const RETRIES: Kind = Kind::Whole { min: 0, max: 100 };

/// `retry`, where it is a map.
pub(in crate::plan_file) static RETRY: Table = Table {
    about: "How often a request is made again",
    keys: &[
        key("times", RETRIES, "So often at most").required(),
        key("pause", DELAY, "How long after it ended; 100ms unless said"),
    ],
    named: &[],
    later: &["backoff", "on"],
};

/// `think`, where it is a map.
pub(in crate::plan_file) static THINK_DRAWN: Table = Table {
    about: "A pause that is drawn from a distribution",
    keys: &[
        key("normal", PAUSE, "The mean of a normal distribution"),
        key("deviation", PAUSE, "Its standard deviation"),
        key("exponential", PAUSE, "The mean of an exponential distribution"),
    ],
    named: &[],
    later: &["lognormal", "pareto", "poisson"],
};

const PAUSE: Kind = Kind::Duration { min: Duration::ZERO, max: THINK_MAX };

/// The longest pause, for the reader of [`Kind::Pause`].
pub(in crate::plan_file) const PAUSE_MAX: Duration = THINK_MAX;

/// `body`, where it is a map.
pub(in crate::plan_file) static BODY_FILE: Table = Table {
    about: "A body from a file",
    keys: &[key("file", Kind::Text, "A file in the plan's folder; sent as it is").required()],
    named: &[],
    later: &[],
};

const PARTS: Kind = Kind::Map { of: &Kind::AnyOf(&[PART_VALUE, Kind::List { of: &PART_VALUE, max: 100 }]), max: 1_000 };
const PART_VALUE: Kind = Kind::AnyOf(&[Kind::Text, Kind::Table(&PART)]);

/// A part of `multipart`, where it is a map.
pub(in crate::plan_file) static PART: Table = Table {
    about: "A part of a body: a file, or a text",
    keys: &[
        key("file", Kind::Text, "A file in the plan's folder; sent as it is"),
        key("text", Kind::Text, "A text, in place of a file"),
        key("type", Kind::Text, "What it is; `application/octet-stream` for a file unless said"),
        key("name", Kind::Text, "What the file is called; its own name unless said"),
    ],
    named: &[],
    later: &["headers", "json"],
};

/// `auth`.
pub(in crate::plan_file) static AUTH: Table = Table {
    about: "Who a request says it comes from, as its `authorization`",
    keys: &[
        key("basic", Kind::Table(&BASIC), "By name and password (RFC 7617)"),
        key("bearer", Kind::Text, "By a token (RFC 6750)"),
        key("aws", Kind::Table(&AWS), "By a signature for a service of AWS (Signature Version 4)"),
        key("oauth2", Kind::Table(&OAUTH2), "By a token that each agent fetches and renews (RFC 6749, 4.4)"),
    ],
    named: &[],
    later: &["digest", "ntlm"],
};

/// `auth.basic`.
pub(in crate::plan_file) static BASIC: Table = Table {
    about: "A name and a password",
    keys: &[key("user", Kind::Text, "The name").required(), key("password", Kind::Text, "The password").required()],
    named: &[],
    later: &[],
};

/// `auth.aws`.
pub(in crate::plan_file) static AWS: Table = Table {
    about: "Keys of AWS, and what they are for",
    keys: &[
        key("region", Kind::Text, "The region, such as `eu-central-1`").required(),
        key("service", Kind::Text, "The service, such as `execute-api` or `s3`").required(),
        key("access_key", Kind::Text, "The key by which the signer is known").required(),
        key("secret_key", Kind::Text, "The key that signs").required(),
        key("session_token", Kind::Text, "The token of keys that last for a time only"),
    ],
    named: &[],
    later: &["profile", "role"],
};

/// `auth.oauth2`.
pub(in crate::plan_file) static OAUTH2: Table = Table {
    about: "Where tokens come from, and who asks for them",
    keys: &[
        key("token", Kind::Text, "Where they are given: a path of the target, or a URL").required(),
        key("client_id", Kind::Text, "Who asks").required(),
        key("client_secret", Kind::Text, "What proves it").required(),
        key("scope", Kind::Text, "What for"),
        key("audience", Kind::Text, "For whom, where the service wants to know"),
        key(
            "client",
            Kind::OneOf(&["basic", "body"]),
            "How the client says who it is: by its `authorization` (unless said), or in the body",
        ),
    ],
    named: &[],
    later: &["refresh_token", "authorization_code", "password"],
};

/// `expect`.
pub(in crate::plan_file) static EXPECT: Table = Table {
    about: "What the response must be; each line is counted as a check by its name",
    keys: &[
        key(
            "status",
            Kind::AnyOf(&[Kind::Status, Kind::List { of: &Kind::Status, max: 100 }]),
            "Statuses: 200, `2xx`, `200-299`, or a list of them; anything else is a failure. 200 to 399 unless said",
        ),
        key("body", EXPECTATIONS, "What the body must be, as text"),
        key("size", EXPECTATIONS, "The body's size, such as `< 10KiB`"),
        key("time", EXPECTATIONS, "The response time, such as `< 500ms`"),
        key(
            "schema",
            Kind::AnyOf(&[Kind::Table(&BODY_FILE), Kind::Anything]),
            "A JSON Schema for the body, here or in a file",
        ),
        key("fail", Kind::Flag, "Whether the request has failed when one of these lines has; `false` unless said"),
    ],
    named: &[
        key("header", EXPECTATIONS, "What a header field must be: `header content-type`"),
        key("cookie", EXPECTATIONS, "What a cookie that is set must be: `cookie sid`"),
        key("json", EXPECTATIONS, "What a JSONPath finds in the body: `json $.items[0].id`"),
        key("regex", EXPECTATIONS, "What a regular expression finds in the body: its first group, or all of it"),
        key("css", EXPECTATIONS, "What a CSS selector finds in the body: the text within, or an `@attribute`"),
    ],
    later: &["html", "duration"],
};

/// What something must be, or several such things.
const EXPECTATIONS: Kind = Kind::AnyOf(&[Kind::Expectation, Kind::List { of: &Kind::Expectation, max: FINDINGS_MAX }]);

const CAPTURES: Kind = Kind::Map { of: &Kind::AnyOf(&[Kind::Text, Kind::Table(&CAPTURE)]), max: FINDINGS_MAX };

/// `capture.<name>`, where it is a map.
pub(in crate::plan_file) static CAPTURE: Table = Table {
    about: "What is kept of a response",
    keys: &[
        key("from", Kind::Text, "Where it is found: `json $.id`, `header x-id`, `cookie sid`, `regex id=(.*)`, `css input @value`, `status` or `body`")
            .required(),
        key("pick", Kind::OneOf(&["first", "last", "random", "all"]), "Which of several; `first` unless said"),
        key(
            "missing",
            Kind::OneOf(&["fail", "skip", "go-on"]),
            "What if there is none: the iteration ends and has failed (unless said), ends without failing, or goes on",
        ),
        key("default", Kind::Anything, "A value that stands in its place if there is none"),
    ],
    named: &[],
    later: &[],
};

/// The kinds of metrics of a plan's own.
pub(in crate::plan_file) static METRIC_KINDS: [&str; 4] = ["trend", "counter", "rate", "gauge"];

/// `metrics.<name>`.
pub(in crate::plan_file) static METRIC: Table = Table {
    about: "A metric of your own: one of these kinds, and what it is worth now",
    keys: &[
        key("trend", Kind::Text, "A number, 0 or more, of which the distribution is kept"),
        key("counter", Kind::Text, "A number, 0 or more, that is added up"),
        key("rate", Kind::Text, "`true` or `false`, of which the share is kept"),
        key("gauge", Kind::Text, "A number of which the last, lowest and highest are kept"),
    ],
    named: &[],
    later: &[],
};
