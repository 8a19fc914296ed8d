//! Which of a scenario's steps an iteration makes: one of those that `choose` names, by weight.

use muster_proto::plan::{Choice, Step};

use super::reader::{Field, Reader};
use super::suggest::did_you_mean;
use super::tree::quoted;

/// Puts a choice in the place of the first of the steps that it names.
pub(super) fn among(reader: &mut Reader, field: &Field<'_>, steps: Vec<Step>) -> Option<Vec<Step>> {
    let known: Vec<String> = steps.iter().filter_map(name_of).map(str::to_owned).collect();
    let before = reader.mistakes.len();
    let mut weights = Vec::new();
    for (name, field) in reader.named(field) {
        let weight = reader.whole_u32(&field);
        match known.iter().filter(|known| *known == name).count() {
            1 => weights.extend(weight.map(|weight| (name, weight))),
            0 => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let mistake = reader.at_key(&field, format!("there is no step {}", quoted(name)));
                mistake.help(did_you_mean(name, &known));
            }
            _ => {
                reader.at_key(&field, format!("several steps are called {}", quoted(name)));
            }
        }
    }
    if weights.is_empty() || reader.mistakes.len() > before {
        return None;
    }
    let mut choices = Vec::new();
    let mut place = None;
    let mut others = Vec::new();
    for step in steps {
        let weight = name_of(&step).and_then(|name| weights.iter().find(|(chosen, _)| *chosen == name));
        match weight.map(|(_, weight)| *weight) {
            None => others.push(step),
            Some(weight) => {
                place.get_or_insert(others.len());
                choices.push(Choice { weight, steps: vec![step] });
            }
        }
    }
    others.insert(place.unwrap_or_default(), Step::Choose(choices));
    Some(others)
}

fn name_of(step: &Step) -> Option<&str> {
    match step {
        Step::Request(request) => Some(&request.name),
        Step::Group(group) => Some(&group.name),
        _ => None,
    }
}
