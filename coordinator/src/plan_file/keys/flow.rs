//! Keys of steps that steer what an iteration does.

use muster_proto::plan::{AT_ONCE_MAX, ROUNDS_MAX};

use super::{DELAY, Kind, LIST_OF_STEPS, REQUEST, THINK, Table, key};

/// The words by which steps are known that are no requests.
pub(in crate::plan_file) static BLOCKS: [&str; 11] =
    ["think", "pace", "set", "stop", "group", "if", "repeat", "while", "foreach", "choose", "parallel"];

/// All kinds of steps.
pub(in crate::plan_file) static STEPS: [&Table; 12] =
    [&REQUEST, &THINK, &PACE, &SET, &STOP, &GROUP, &IF, &REPEAT, &WHILE, &FOREACH, &CHOOSE, &PARALLEL];

const ROUNDS: Kind = Kind::Whole { min: 1, max: ROUNDS_MAX as u64 };
const ROUNDS_ABOUT: &str = "The most rounds, beyond which there are none; 10000 unless said";

/// A step that keeps a pace.
pub(in crate::plan_file) static PACE: Table = Table {
    about: "A pause until so long after the iteration began, or after the last such pause ended",
    keys: &[key("pace", DELAY, "How long after").required()],
    named: &[],
    later: &[],
};

/// A step that gives values to names.
pub(in crate::plan_file) static SET: Table = Table {
    about: "Values for names that later templates use",
    keys: &[key("set", Kind::Map { of: &Kind::Text, max: 100 }, "Names and values, which may be templates").required()],
    named: &[],
    later: &[],
};

/// A step that ends the iteration.
pub(in crate::plan_file) static STOP: Table = Table {
    about: "The end of the iteration, or of the run",
    keys: &[key(
        "stop",
        Kind::OneOf(&["completed", "failed", "run"]),
        "How the iteration counts; `run` ends the whole run, with it as completed",
    )
    .required()],
    named: &[],
    later: &[],
};

/// Steps whose time is measured together.
pub(in crate::plan_file) static GROUP: Table = Table {
    about: "Steps whose time is measured together",
    keys: &[
        key("group", Kind::Text, "What it is called").required(),
        key("steps", LIST_OF_STEPS, "What it is made of").required(),
    ],
    named: &[],
    later: &[],
};

/// Steps that are made if something is true.
pub(in crate::plan_file) static IF: Table = Table {
    about: "Steps that are made if something is true",
    keys: &[
        key("if", Kind::Text, "An expression, such as `stock > 0`").required(),
        key("then", LIST_OF_STEPS, "What is made if it is true").required(),
        key("else", LIST_OF_STEPS, "What is made if not"),
    ],
    named: &[],
    later: &[],
};

/// Steps that are made so often.
pub(in crate::plan_file) static REPEAT: Table = Table {
    about: "Steps that are made over and over, so often",
    keys: &[
        key("repeat", Kind::Text, "How often: a number, or an expression").required(),
        key("as", Kind::Text, "The name of the round's number, from 0"),
        key("max", ROUNDS, ROUNDS_ABOUT),
        key("steps", LIST_OF_STEPS, "What is made in each round").required(),
    ],
    named: &[],
    later: &[],
};

/// Steps that are made while something is true.
pub(in crate::plan_file) static WHILE: Table = Table {
    about: "Steps that are made over and over, while something is true",
    keys: &[
        key("while", Kind::Text, "An expression, such as `status == \"pending\"`, asked before each round").required(),
        key("as", Kind::Text, "The name of the round's number, from 0"),
        key("max", ROUNDS, ROUNDS_ABOUT),
        key("steps", LIST_OF_STEPS, "What is made in each round").required(),
    ],
    named: &[],
    later: &[],
};

/// Steps that are made for each element of a list.
pub(in crate::plan_file) static FOREACH: Table = Table {
    about: "Steps that are made for each element of a list",
    keys: &[
        key("foreach", Kind::Text, "The list: an expression").required(),
        key("as", Kind::Text, "The name of the element").required(),
        key("max", ROUNDS, ROUNDS_ABOUT),
        key("steps", LIST_OF_STEPS, "What is made for each").required(),
    ],
    named: &[],
    later: &[],
};

/// One of several, by weight.
pub(in crate::plan_file) static CHOOSE: Table = Table {
    about: "One of several, by weight",
    keys: &[
        key("choose", Kind::List { of: &Kind::Table(&CHOICE), max: 1_000 }, "What there is to choose from").required()
    ],
    named: &[],
    later: &[],
};

/// `choose[]`.
pub(in crate::plan_file) static CHOICE: Table = Table {
    about: "One of several",
    keys: &[
        key("weight", Kind::Whole { min: 1, max: 1_000_000 }, "How likely it is, in proportion to the others")
            .required(),
        key("steps", LIST_OF_STEPS, "What it is made of").required(),
    ],
    named: &[],
    later: &[],
};

/// Requests that are made at the same time.
pub(in crate::plan_file) static PARALLEL: Table = Table {
    about: "Requests that are made at the same time, as a browser loads a page",
    keys: &[
        key("parallel", Kind::List { of: &Kind::Table(&REQUEST), max: 1_000 }, "The requests").required(),
        key("at_once", Kind::Whole { min: 1, max: AT_ONCE_MAX as u64 }, "The most at once; 6 unless said"),
    ],
    named: &[],
    later: &[],
};
