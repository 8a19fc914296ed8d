//! Keys of scenarios.

use muster_proto::plan::VARS_MAX;

use super::{CONNECTIONS, DELAY, ExecutorKeys, Kind, LIST_OF_STEPS, PROFILE, TAGS, Table, USERS, key};
use crate::plan_file::limits::{ITERATIONS_MAX, STAGES_MAX, USERS_MAX};
use crate::plan_file::preset;

/// `scenarios.<name>`.
pub(in crate::plan_file) static SCENARIO: Table = Table {
    about: "A load profile and the steps it repeats",
    keys: &[
        key("executor", Kind::Executor, "The kind of profile; a scenario has one, or a preset"),
        key("preset", Kind::OneOf(preset::NAMES), "A named kind of test, which stands for the stages of a profile"),
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
            "choose",
            WEIGHTS,
            "Make one of these steps or groups in each iteration, by weight; all others are always made",
        ),
        key(
            "keep_session",
            Kind::Flag,
            "Whether users keep cookies and captures from one iteration to the next, in a closed model; `false` unless said",
        ),
        key(
            "vars",
            Kind::Map { of: &Kind::Anything, max: VARS_MAX },
            "Variables that its templates can name, which go before the plan's",
        ),
        key("tags", TAGS, "By which thresholds can select its requests: names and values"),
        key("steps", LIST_OF_STEPS, "What one iteration does, in order").required(),
    ],
    named: &[],
    later: &["setup", "teardown", "data", "env", "exec", "options", "placement"],
};

/// Weights of steps, by their names.
const WEIGHTS: Kind = Kind::Map { of: &Kind::Whole { min: 1, max: 1_000_000 }, max: 1_000 };

/// The keys of all scenarios, whatever their executor.
pub(in crate::plan_file) static OF_ALL: &[&str] = &[
    "executor",
    "start_delay",
    "graceful_stop",
    "warm_up",
    "connections",
    "choose",
    "keep_session",
    "vars",
    "tags",
    "steps",
];

/// The executors.
pub(in crate::plan_file) static EXECUTORS: &[ExecutorKeys] = &[
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

/// A preset, which takes the place of an executor.
pub(in crate::plan_file) static PRESET: ExecutorKeys = ExecutorKeys {
    name: "preset",
    also: &[],
    needs: &["preset"],
    needs_one: &["rate", "users"],
    takes: &["duration", "arrivals", "max_users"],
};

/// Executors that plan files will have but that this version does not support.
pub(in crate::plan_file) static EXECUTORS_LATER: &[&str] =
    &["find-capacity", "hold-connections", "externally-controlled"];

/// `scenarios.<name>.stages[]`.
pub(in crate::plan_file) static STAGE: Table = Table {
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
    named: &[],
    later: &[],
};
