//! Steps, and steps within steps.

use super::plan::{LIST_MAX, duration, name, ns};
use super::request::{request_from_wire, request_to_wire};
use super::{ConvertError, at_most, invalid, missing};
use crate::plan::{AT_ONCE_MAX, Branch, Choice, Group, Loop, Parallel, ROUNDS_MAX, Rounds, Step, Stop, Think};
use crate::wire;
use crate::wire::r#loop::Rounds as WireRounds;
use crate::wire::step::Step as WireStep;
use crate::wire::think::Think as WireThink;

pub(super) fn to_wire(steps: &[Step]) -> Vec<wire::Step> {
    steps.iter().map(|step| wire::Step { step: Some(one_to_wire(step)) }).collect()
}

fn one_to_wire(step: &Step) -> WireStep {
    match step {
        Step::Request(request) => WireStep::Request(request_to_wire(request)),
        Step::Think(think) => WireStep::Think(think_to_wire(*think)),
        Step::Pace(pace) => WireStep::PaceNs(ns(*pace)),
        Step::Set(values) => {
            let value = |(name, value): &(String, String)| wire::Tag { name: name.clone(), value: value.clone() };
            WireStep::Set(wire::Set { values: values.iter().map(value).collect() })
        }
        Step::Stop(Stop::Completed) => WireStep::Stop(wire::Ending::Completed as i32),
        Step::Stop(Stop::Failed) => WireStep::Stop(wire::Ending::Failed as i32),
        Step::Stop(Stop::Run) => WireStep::Stop(wire::Ending::Run as i32),
        Step::Group(group) => WireStep::Group(wire::Group { name: group.name.clone(), steps: to_wire(&group.steps) }),
        Step::If(branch) => WireStep::Branch(wire::Branch {
            condition: branch.condition.clone(),
            then: to_wire(&branch.then),
            otherwise: to_wire(&branch.otherwise),
        }),
        Step::Loop(of) => WireStep::Loop(wire::Loop {
            rounds: Some(match &of.rounds {
                Rounds::Times(times) => WireRounds::Times(times.clone()),
                Rounds::While(condition) => WireRounds::While(condition.clone()),
                Rounds::Each(list) => WireRounds::Each(list.clone()),
            }),
            name: of.name.clone(),
            max: of.max,
            steps: to_wire(&of.steps),
        }),
        Step::Choose(choices) => {
            let choice = |choice: &Choice| wire::Choice { weight: choice.weight, steps: to_wire(&choice.steps) };
            WireStep::Choose(wire::Choose { choices: choices.iter().map(choice).collect() })
        }
        Step::Parallel(parallel) => WireStep::Parallel(wire::Parallel {
            requests: parallel.requests.iter().map(request_to_wire).collect(),
            at_once: parallel.at_once,
        }),
    }
}

/// Steps with at most so many blocks within each other.
pub(super) fn from_wire(messages: Vec<wire::Step>, metrics: usize, nesting: usize) -> Result<Vec<Step>, ConvertError> {
    messages.into_iter().map(|message| one_from_wire(message, metrics, nesting)).collect()
}

fn one_from_wire(message: wire::Step, metrics: usize, nesting: usize) -> Result<Step, ConvertError> {
    let within = |steps: Vec<wire::Step>| match nesting.checked_sub(1) {
        Some(nesting) => from_wire(steps, metrics, nesting),
        None => Err(invalid("step", "fewer blocks within each other", "more")),
    };
    Ok(match message.step.ok_or_else(|| missing("step"))? {
        WireStep::Request(request) => Step::Request(Box::new(request_from_wire(request, metrics)?)),
        WireStep::Think(think) => Step::Think(think_from_wire(&think)?),
        WireStep::PaceNs(pace_ns) => Step::Pace(duration("pace_ns", pace_ns)?),
        WireStep::Set(set) => {
            at_most("set", set.values.len(), LIST_MAX)?;
            set.values.iter().try_for_each(|value| name("set.name", &value.name))?;
            Step::Set(set.values.into_iter().map(|value| (value.name, value.value)).collect())
        }
        WireStep::Stop(stop) => match wire::Ending::try_from(stop) {
            Ok(wire::Ending::Completed) => Step::Stop(Stop::Completed),
            Ok(wire::Ending::Failed) => Step::Stop(Stop::Failed),
            Ok(wire::Ending::Run) => Step::Stop(Stop::Run),
            Ok(wire::Ending::Unspecified) | Err(_) => return Err(invalid("stop", "completed, failed or run", stop)),
        },
        WireStep::Group(group) => {
            name("group.name", &group.name)?;
            Step::Group(Group { name: group.name, steps: within(group.steps)? })
        }
        WireStep::Branch(branch) => Step::If(Box::new(Branch {
            condition: branch.condition,
            then: within(branch.then)?,
            otherwise: within(branch.otherwise)?,
        })),
        WireStep::Loop(of) => Step::Loop(Box::new(Loop {
            rounds: match of.rounds.ok_or_else(|| missing("loop.rounds"))? {
                WireRounds::Times(times) => Rounds::Times(times),
                WireRounds::While(condition) => Rounds::While(condition),
                WireRounds::Each(list) => Rounds::Each(list),
            },
            name: of.name,
            max: up_to("loop.max", of.max, ROUNDS_MAX)?,
            steps: within(of.steps)?,
        })),
        WireStep::Choose(choose) => {
            at_most("choices", choose.choices.len(), LIST_MAX)?;
            let choice = |choice: wire::Choice| {
                Ok(Choice { weight: up_to("choice.weight", choice.weight, u32::MAX)?, steps: within(choice.steps)? })
            };
            Step::Choose(choose.choices.into_iter().map(choice).collect::<Result<_, ConvertError>>()?)
        }
        WireStep::Parallel(parallel) => {
            let requests = parallel.requests.into_iter().map(|request| request_from_wire(request, metrics));
            Step::Parallel(Parallel {
                requests: requests.collect::<Result<_, _>>()?,
                at_once: up_to("parallel.at_once", parallel.at_once, AT_ONCE_MAX)?,
            })
        }
    })
}

fn think_to_wire(think: Think) -> wire::Think {
    wire::Think {
        think: Some(match think {
            Think::Even(min, max) => WireThink::Even(wire::Even { min_ns: ns(min), max_ns: ns(max) }),
            Think::Exponential(mean) => WireThink::ExponentialNs(ns(mean)),
            Think::Normal(mean, deviation) => {
                WireThink::Normal(wire::Normal { mean_ns: ns(mean), deviation_ns: ns(deviation) })
            }
        }),
    }
}

fn think_from_wire(message: &wire::Think) -> Result<Think, ConvertError> {
    Ok(match message.think.as_ref().ok_or_else(|| missing("think"))? {
        WireThink::Even(even) => {
            let (min, max) = (duration("think.min_ns", even.min_ns)?, duration("think.max_ns", even.max_ns)?);
            if max < min {
                return Err(invalid("think.max_ns", format!("{} or more", even.min_ns), even.max_ns));
            }
            Think::Even(min, max)
        }
        WireThink::ExponentialNs(mean_ns) => Think::Exponential(duration("think.exponential_ns", *mean_ns)?),
        WireThink::Normal(normal) => Think::Normal(
            duration("think.mean_ns", normal.mean_ns)?,
            duration("think.deviation_ns", normal.deviation_ns)?,
        ),
    })
}

fn up_to(field: &'static str, value: u32, max: u32) -> Result<u32, ConvertError> {
    if (1..=max).contains(&value) { Ok(value) } else { Err(invalid(field, format!("from 1 to {max}"), value)) }
}
