//! Steps that are no requests, in words.

use muster_proto::plan::{Choice, Rounds, Step, Stop, Think};

use crate::plan_file::format_duration;

/// What a step does, in a few words; nothing of a request. Expressions are shown only where they stay with their writer.
#[must_use]
pub(crate) fn in_words(step: &Step, with_expressions: bool) -> String {
    let shown = |expression: &str| if with_expressions { format!(" {expression}") } else { String::new() };
    match step {
        Step::Request(_) => String::new(),
        Step::Think(think) => format!("think {}", pause(*think)),
        Step::Pace(pace) => format!("pace {}", format_duration(*pace)),
        Step::Set(values) => {
            let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
            format!("set {}", names.join(", "))
        }
        Step::Stop(Stop::Completed) => "stop completed".to_owned(),
        Step::Stop(Stop::Failed) => "stop failed".to_owned(),
        Step::Stop(Stop::Run) => "stop the run".to_owned(),
        Step::Group(group) => format!("group {}", group.name),
        Step::If(branch) => format!("if{}", shown(&branch.condition)),
        Step::Loop(of) => {
            let (word, source) = match &of.rounds {
                Rounds::Times(times) => ("repeat", times),
                Rounds::While(condition) => ("while", condition),
                Rounds::Each(list) => ("foreach", list),
            };
            let name = of.name.as_ref().map_or_else(String::new, |name| format!(" as {name}"));
            format!("{word}{}{name}, at most {} rounds", shown(source), of.max)
        }
        Step::Choose(_) => "choose one".to_owned(),
        Step::Parallel(parallel) => format!("parallel, {} at once", parallel.at_once),
    }
}

fn pause(think: Think) -> String {
    match think {
        Think::Even(min, max) if min == max => format_duration(min),
        Think::Even(min, max) => format!("{} to {}", format_duration(min), format_duration(max)),
        Think::Exponential(mean) => format!("{} on average, exponential", format_duration(mean)),
        Think::Normal(mean, deviation) => {
            format!("{} on average, normal, deviation {}", format_duration(mean), format_duration(deviation))
        }
    }
}

/// The lists of steps within a step, each under a few words.
#[must_use]
pub(crate) fn blocks(step: &Step) -> Vec<(String, &[Step])> {
    match step {
        Step::If(branch) if !branch.otherwise.is_empty() => {
            vec![("then".to_owned(), &branch.then), ("else".to_owned(), &branch.otherwise)]
        }
        Step::If(branch) => vec![("then".to_owned(), &branch.then)],
        Step::Choose(choices) => {
            let sum: u64 = choices.iter().map(|choice| u64::from(choice.weight)).sum();
            let words = |choice: &Choice| format!("{} of {sum}", choice.weight);
            choices.iter().map(|choice| (words(choice), &choice.steps[..])).collect()
        }
        step => step.blocks().into_iter().map(|steps| (String::new(), steps)).collect(),
    }
}
