//! What an iteration does, step by step.

use std::time::Duration;

use super::{Request, Think};

/// The most blocks that stand within each other.
pub const NESTING_MAX: usize = 16;
/// The most rounds of a loop.
pub const ROUNDS_MAX: u32 = 1_000_000;
/// The most requests that a user makes at once.
pub const AT_ONCE_MAX: u32 = 100;

/// One action of an iteration, or several.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Talk to the target.
    Request(Box<Request>),
    /// Pause.
    Think(Think),
    /// Pause until so long after the iteration began, or after the last such pause ended.
    Pace(Duration),
    /// Give values to names: names, and templates or texts.
    Set(Vec<(String, String)>),
    /// End the iteration.
    Stop(Stop),
    /// Steps whose time is measured together.
    Group(Group),
    /// Steps that are made if something is true.
    If(Box<Branch>),
    /// Steps that are made over and over.
    Loop(Box<Loop>),
    /// One of several, by their weights.
    Choose(Vec<Choice>),
    /// Requests that are made at the same time, as a browser loads a page.
    Parallel(Parallel),
}

/// How an iteration ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As one that went through all its steps.
    Completed,
    /// As one that has failed.
    Failed,
    /// As one that went through all its steps, and with it the whole run: nothing new begins.
    Run,
}

/// Steps whose time is measured together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name; groups within it are called by both.
    pub name: String,
    /// What it is made of.
    pub steps: Vec<Step>,
}

/// Steps that are made if something is true.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// An expression.
    pub condition: String,
    /// What is made if it is true.
    pub then: Vec<Step>,
    /// What is made if not.
    pub otherwise: Vec<Step>,
}

/// Steps that are made over and over.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// How often.
    pub rounds: Rounds,
    /// By which name the round's number, from 0, or the element of the list can be called.
    pub name: Option<String>,
    /// The most rounds. What there would be beyond is left out.
    pub max: u32,
    /// What is made in each.
    pub steps: Vec<Step>,
}

/// How often a loop goes round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rounds {
    /// So often: an expression.
    Times(String),
    /// While it is true: an expression.
    While(String),
    /// Once for each element of a list: an expression.
    Each(String),
}

/// One of several.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// How likely it is, in proportion to the others.
    pub weight: u32,
    /// What it is made of.
    pub steps: Vec<Step>,
}

/// Requests that are made at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct Parallel {
    /// The requests.
    pub requests: Vec<Request>,
    /// The most at once. At least 1.
    pub at_once: u32,
}

impl Step {
    /// The steps within it, list by list.
    #[must_use]
    pub fn blocks(&self) -> Vec<&[Self]> {
        match self {
            Self::Group(group) => vec![&group.steps],
            Self::If(branch) => vec![&branch.then, &branch.otherwise],
            Self::Loop(of) => vec![&of.steps],
            Self::Choose(choices) => choices.iter().map(|choice| &choice.steps[..]).collect(),
            Self::Request(_) | Self::Think(_) | Self::Pace(_) | Self::Set(_) | Self::Stop(_) | Self::Parallel(_) => {
                Vec::new()
            }
        }
    }

    /// The same, to be changed.
    pub fn blocks_mut(&mut self) -> Vec<&mut Vec<Self>> {
        match self {
            Self::Group(group) => vec![&mut group.steps],
            Self::If(branch) => vec![&mut branch.then, &mut branch.otherwise],
            Self::Loop(of) => vec![&mut of.steps],
            Self::Choose(choices) => choices.iter_mut().map(|choice| &mut choice.steps).collect(),
            Self::Request(_) | Self::Think(_) | Self::Pace(_) | Self::Set(_) | Self::Stop(_) | Self::Parallel(_) => {
                Vec::new()
            }
        }
    }
}

/// Shows every step, those within others after them.
pub fn each_step<'s>(steps: &'s [Step], show: &mut impl FnMut(&'s Step)) {
    for step in steps {
        show(step);
        step.blocks().into_iter().for_each(|steps| each_step(steps, show));
    }
}

/// How many steps there are, those within others included.
#[must_use]
pub fn steps_total(steps: &[Step]) -> usize {
    let mut total = 0;
    each_step(steps, &mut |step| {
        total += 1;
        if let Step::Parallel(parallel) = step {
            total += parallel.requests.len();
        }
    });
    total
}

/// Leaves out what only pauses to think.
pub(super) fn leave_out_thinking(steps: &mut Vec<Step>) {
    steps.retain(|step| !matches!(step, Step::Think(_)));
    steps.iter_mut().flat_map(Step::blocks_mut).for_each(leave_out_thinking);
}

/// The requests of these steps, in the order of the plan.
pub(super) fn requests(steps: &[Step]) -> Vec<&Request> {
    let mut requests = Vec::new();
    each_step(steps, &mut |step| match step {
        Step::Request(request) => requests.push(&**request),
        Step::Parallel(parallel) => requests.extend(&parallel.requests),
        _ => {}
    });
    requests
}

/// The same, to be changed.
pub(super) fn requests_mut<'s>(steps: &'s mut [Step], requests: &mut Vec<&'s mut Request>) {
    for step in steps {
        match step {
            Step::Request(request) => requests.push(request),
            Step::Parallel(parallel) => requests.extend(&mut parallel.requests),
            step => step.blocks_mut().into_iter().for_each(|steps| requests_mut(steps, requests)),
        }
    }
}

/// The names of what iterations find out, each once, in the order of the plan.
pub(super) fn slots(steps: &[Step]) -> Vec<String> {
    let mut slots: Vec<String> = Vec::new();
    let mut add = |name: &String| {
        if !slots.contains(name) {
            slots.push(name.clone());
        }
    };
    each_step(steps, &mut |step| match step {
        Step::Request(request) => request.captures.iter().for_each(|capture| add(&capture.name)),
        Step::Parallel(parallel) => {
            parallel.requests.iter().flat_map(|request| &request.captures).for_each(|capture| add(&capture.name));
        }
        Step::Set(values) => values.iter().for_each(|(name, _)| add(name)),
        Step::Loop(of) => of.name.iter().for_each(&mut add),
        _ => {}
    });
    slots
}

/// The names of groups, each with those around it, each once, in the order of the plan.
pub(crate) fn groups(steps: &[Step], around: &str, groups: &mut Vec<String>) {
    for step in steps {
        let within = match step {
            Step::Group(group) => group_path(around, &group.name),
            _ => around.to_owned(),
        };
        if matches!(step, Step::Group(_)) && !groups.contains(&within) {
            groups.push(within.clone());
        }
        step.blocks().into_iter().for_each(|steps| self::groups(steps, &within, groups));
    }
}

/// What a group is called that stands within another, if it does.
#[must_use]
pub fn group_path(around: &str, name: &str) -> String {
    if around.is_empty() { name.to_owned() } else { format!("{around}/{name}") }
}

/// The most requests that these steps make, each as often as this says.
pub(super) fn requests_max(steps: &[Step], each: &impl Fn(&Request) -> u64) -> u64 {
    let of_step = |step: &Step| {
        let within = step.blocks().into_iter().map(|steps| requests_max(steps, each));
        match step {
            Step::Request(request) => each(request),
            Step::Parallel(parallel) => parallel.requests.iter().map(each).fold(0, u64::saturating_add),
            Step::If(_) | Step::Choose(_) => within.max().unwrap_or(0),
            Step::Loop(of) => within.sum::<u64>().saturating_mul(of.max.into()),
            _ => within.fold(0, u64::saturating_add),
        }
    };
    steps.iter().map(of_step).fold(0, u64::saturating_add)
}
