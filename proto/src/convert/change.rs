//! Changes of what an agent is to do, while load is generated.

use super::plan::{rate_stages_from_wire, rate_stages_to_wire, user_stages_from_wire, user_stages_to_wire};
use super::{ConvertError, at_most, invalid, missing};
use crate::change::{AMENDMENTS_MAX, Amendment, Change, Handed, Reshape, Stages, What};
use crate::schedule::Load;
use crate::share::Share;
use crate::wire;

/// A change as a message.
#[must_use]
pub fn change_to_wire(change: &Change) -> wire::Change {
    let what = match &change.what {
        What::Granted(handed) => wire::change::What::Granted(handed_to_wire(handed)),
        What::Revoked(shares) => wire::change::What::Revoked(shares_to_wire(shares)),
        What::Reshaped(reshape) => wire::change::What::Reshaped(reshape_to_wire(reshape)),
    };
    wire::Change { number: change.number, at_ns: change.at_ns, what: Some(what) }
}

/// A message as a change, for a plan of so many scenarios.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn change_from_wire(message: &wire::Change, scenarios: usize) -> Result<Change, ConvertError> {
    if message.number == 0 {
        return Err(invalid("number", "1 or more", 0));
    }
    let what = match message.what.as_ref().ok_or_else(|| missing("what"))? {
        wire::change::What::Granted(handed) => What::Granted(handed_from_wire(handed, scenarios)?),
        wire::change::What::Revoked(shares) => What::Revoked(shares_from_wire(shares, scenarios)?),
        wire::change::What::Reshaped(reshape) => What::Reshaped(reshape_from_wire(reshape, scenarios)?),
    };
    Ok(Change { number: message.number, at_ns: message.at_ns, what })
}

fn handed_to_wire(handed: &Handed) -> wire::Handed {
    let passed = handed.passed.iter().map(|load| load.to_bytes().to_vec().into()).collect();
    wire::Handed { shares: Some(shares_to_wire(&handed.shares)), passed }
}

fn handed_from_wire(message: &wire::Handed, scenarios: usize) -> Result<Handed, ConvertError> {
    let shares = shares_from_wire(message.shares.as_ref().ok_or_else(|| missing("shares"))?, scenarios)?;
    if message.passed.len() != scenarios {
        return Err(invalid("passed", format!("{scenarios}, one per scenario"), message.passed.len()));
    }
    let load = |bytes: &[u8]| {
        let bytes = bytes.try_into().map_err(|_| invalid("passed", "16 bytes", bytes.len()))?;
        Ok(Load::from_bytes(bytes))
    };
    let passed = message.passed.iter().map(|bytes| load(bytes)).collect::<Result<_, ConvertError>>()?;
    Ok(Handed { shares, passed })
}

fn shares_to_wire(shares: &[Share]) -> wire::Shares {
    wire::Shares { shares: shares.iter().map(|share| share.to_bytes().into()).collect() }
}

fn shares_from_wire(message: &wire::Shares, scenarios: usize) -> Result<Vec<Share>, ConvertError> {
    if message.shares.len() != scenarios {
        return Err(invalid("shares", format!("{scenarios}, one per scenario"), message.shares.len()));
    }
    Ok(message.shares.iter().map(|bytes| Share::from_bytes(bytes)).collect::<Result<_, _>>()?)
}

pub(super) fn amendments_to_wire(amendments: &[Amendment]) -> Vec<wire::Amendment> {
    let amendment = |Amendment { at_ns, reshape }: &Amendment| wire::Amendment {
        at_ns: *at_ns,
        reshape: Some(reshape_to_wire(reshape)),
    };
    amendments.iter().map(amendment).collect()
}

pub(super) fn amendments_from_wire(
    amendments: &[wire::Amendment],
    scenarios: usize,
) -> Result<Vec<Amendment>, ConvertError> {
    at_most("amendments", amendments.len(), AMENDMENTS_MAX)?;
    let amendment = |message: &wire::Amendment| {
        let reshape = message.reshape.as_ref().ok_or_else(|| missing("amendment.reshape"))?;
        Ok(Amendment { at_ns: message.at_ns, reshape: reshape_from_wire(reshape, scenarios)? })
    };
    amendments.iter().map(amendment).collect()
}

fn reshape_to_wire(reshape: &Reshape) -> wire::Reshape {
    let stages = match &reshape.stages {
        Stages::Rate(stages) => wire::reshape::Stages::Rate(wire::RateStages { stages: rate_stages_to_wire(stages) }),
        Stages::Users(stages) => wire::reshape::Stages::Users(wire::UserStages { stages: user_stages_to_wire(stages) }),
    };
    wire::Reshape { scenario: u32::try_from(reshape.scenario).unwrap_or(u32::MAX), stages: Some(stages) }
}

fn reshape_from_wire(message: &wire::Reshape, scenarios: usize) -> Result<Reshape, ConvertError> {
    let scenario = message.scenario as usize;
    if scenario >= scenarios {
        return Err(invalid("scenario", format!("less than {scenarios}"), scenario));
    }
    let stages = match message.stages.as_ref().ok_or_else(|| missing("stages"))? {
        wire::reshape::Stages::Rate(rate) => Stages::Rate(rate_stages_from_wire(&rate.stages)?),
        wire::reshape::Stages::Users(users) => Stages::Users(user_stages_from_wire(&users.stages)?),
    };
    Ok(Reshape { scenario, stages })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::{Rate, RateStage, UserStage};

    #[test]
    fn changes_arrive_as_they_were_sent_and_nonsense_is_refused() {
        let shares = Share::full().deal(&[1, 2]);
        let duration = Duration::from_secs(3);
        let rate = vec![RateStage { duration, from: Rate::per_second(1), to: Rate::per_second(5) }];
        let users = vec![UserStage { duration, from: 7, to: 7 }];
        for what in [
            What::Granted(Handed { shares: shares.clone(), passed: vec![Load::default(), Load::from_bytes([7; 16])] }),
            What::Revoked(shares),
            What::Reshaped(Reshape { scenario: 0, stages: Stages::Rate(rate) }),
            What::Reshaped(Reshape { scenario: 1, stages: Stages::Users(users) }),
        ] {
            let change = Change { number: 3, at_ns: 5_000, what };
            let message = change_to_wire(&change);
            assert_eq!(change_from_wire(&message, 2), Ok(change));
            assert!(change_from_wire(&message, 0).is_err());
            assert!(change_from_wire(&wire::Change { number: 0, ..message.clone() }, 2).is_err());
            assert!(change_from_wire(&wire::Change { what: None, ..message }, 2).is_err());
        }
        let change = |what| wire::Change { number: 1, at_ns: 0, what: Some(what) };
        let short = wire::Shares { shares: vec![vec![0; 3].into(), vec![0; 3].into()] };
        assert!(change_from_wire(&change(wire::change::What::Revoked(short)), 2).is_err());
        let handed = handed_to_wire(&Handed::new(Share::full().deal(&[1, 2])));
        for passed in [vec![vec![0; 16].into()], vec![vec![0; 16].into(), vec![0; 15].into()]] {
            let short = wire::Handed { passed, ..handed.clone() };
            assert!(change_from_wire(&change(wire::change::What::Granted(short)), 2).is_err());
        }
        let stage = wire::RateStage { duration_ns: 1, from: u64::MAX, to: 0 };
        let stages = Some(wire::reshape::Stages::Rate(wire::RateStages { stages: vec![stage] }));
        let too_fast = wire::Reshape { scenario: 0, stages };
        assert!(change_from_wire(&change(wire::change::What::Reshaped(too_fast)), 2).is_err());
        let shapeless = wire::Reshape { scenario: 0, stages: None };
        assert!(change_from_wire(&change(wire::change::What::Reshaped(shapeless)), 2).is_err());
    }
}
