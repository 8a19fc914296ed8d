//! What a finding must be, prepared.

use jsonschema::Validator;
use muster_proto::plan::Condition;
use regex::Regex;
use serde_json::Value as Json;

use super::found::Found;
use super::probe::regex;

/// What a finding is compared with, prepared for its condition.
pub(super) enum Operand {
    Nothing,
    Json(Json),
    Number(f64),
    Text(String),
    Regex(Regex),
    Statuses(Vec<(u16, u16)>),
    Schema(Box<Validator>),
}

impl Operand {
    /// Reads an operand.
    ///
    /// # Errors
    /// What it should have been, in words.
    pub(super) fn new(condition: Condition, text: &str) -> Result<Self, String> {
        Ok(match condition {
            Condition::Equal | Condition::NotEqual => Self::Json(json(text)?),
            Condition::Less | Condition::LessOrEqual | Condition::Greater | Condition::GreaterOrEqual => {
                Self::Number(text.trim().parse().map_err(|_| "no number".to_owned())?)
            }
            Condition::Contains | Condition::NotContains | Condition::StartsWith | Condition::EndsWith => {
                Self::Text(text.to_owned())
            }
            Condition::Matches | Condition::NotMatches => {
                Self::Regex(regex(text).map_err(|error| format!("no regular expression: {error}"))?)
            }
            Condition::Empty | Condition::NotEmpty | Condition::Exists | Condition::Absent => Self::Nothing,
            Condition::Status => Self::Statuses(statuses(text)?),
            Condition::Schema => {
                let validator = jsonschema::options().build(&json(text)?);
                Self::Schema(Box::new(validator.map_err(|error| format!("no JSON Schema: {error}"))?))
            }
        })
    }

    /// Whether what was found is so. Of several findings each must be, but for [`Condition::Absent`], of which there
    /// must be none.
    pub(super) fn holds(&self, condition: Condition, found: &[Found<'_>]) -> bool {
        match condition {
            Condition::Absent => found.is_empty(),
            _ => !found.is_empty() && found.iter().all(|found| self.holds_for(condition, found)),
        }
    }

    fn holds_for(&self, condition: Condition, found: &Found<'_>) -> bool {
        match (condition, self) {
            (Condition::Equal, Self::Json(json)) => found.equals(json),
            (Condition::NotEqual, Self::Json(json)) => !found.equals(json),
            (Condition::Less, Self::Number(bound)) => found.as_number().is_some_and(|number| number < *bound),
            (Condition::LessOrEqual, Self::Number(bound)) => found.as_number().is_some_and(|number| number <= *bound),
            (Condition::Greater, Self::Number(bound)) => found.as_number().is_some_and(|number| number > *bound),
            (Condition::GreaterOrEqual, Self::Number(bound)) => {
                found.as_number().is_some_and(|number| number >= *bound)
            }
            (Condition::Contains, Self::Text(text)) => found.contains(text),
            (Condition::NotContains, Self::Text(text)) => !found.contains(text),
            (Condition::StartsWith, Self::Text(text)) => found.as_text().starts_with(text.as_str()),
            (Condition::EndsWith, Self::Text(text)) => found.as_text().ends_with(text.as_str()),
            (Condition::Matches, Self::Regex(regex)) => regex.is_match(&found.as_text()),
            (Condition::NotMatches, Self::Regex(regex)) => !regex.is_match(&found.as_text()),
            (Condition::Empty, _) => found.length() == Some(0),
            (Condition::NotEmpty, _) => found.length() != Some(0),
            (Condition::Exists, _) => true,
            (Condition::Status, Self::Statuses(ranges)) => {
                let within = |&(low, high): &(u16, u16)| {
                    found.as_number().is_some_and(|status| (f64::from(low)..=f64::from(high)).contains(&status))
                };
                ranges.iter().any(within)
            }
            (Condition::Schema, Self::Schema(validator)) => match found {
                Found::Json(json) => validator.is_valid(json),
                other => validator.is_valid(&other.to_json()),
            },
            _ => false,
        }
    }

    /// What a JSON schema says against it, if this is one.
    pub(super) fn objection(&self, found: &[Found<'_>]) -> Option<String> {
        let Self::Schema(validator) = self else { return None };
        let error = found.iter().find_map(|found| {
            let json = found.to_json();
            validator.iter_errors(&json).next().map(|error| format!("{} at {}", error, error.instance_path()))
        });
        error.map(|text| text.trim_end_matches(" at ").to_owned())
    }
}

fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))
}

/// Ranges such as `200-299`, with commas between.
fn statuses(text: &str) -> Result<Vec<(u16, u16)>, String> {
    let range = |range: &str| {
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
    };
    text.split(',').map(range).collect::<Option<_>>().ok_or_else(|| format!("wanted statuses, found `{text}`"))
}
