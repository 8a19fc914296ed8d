//! What is said about numbers that users share.

use super::{ConvertError, at_most, invalid};
use crate::supply::{Allotted, BLOCK_MAX, Block, NUMBERS_MAX, RETURNS_MAX, Wanting};
use crate::wire;

/// How an agent stands.
#[must_use]
pub fn wanting_to_wire(wanting: &Wanting) -> wire::Wanting {
    let Wanting { scenario, allotted, ref returned, more } = *wanting;
    let returned = returned.iter().copied().map(block_to_wire).collect();
    wire::Wanting { scenario: scenario as u32, allotted, returned, more }
}

/// How an agent stands, in a plan of so many scenarios.
///
/// # Errors
/// [`ConvertError`] when there is no such scenario, when more is given back than was allotted, or what can be no numbers.
pub fn wanting_from_wire(message: &wire::Wanting, scenarios: usize) -> Result<Wanting, ConvertError> {
    let wire::Wanting { allotted, more, .. } = *message;
    at_most("returned", message.returned.len(), RETURNS_MAX)?;
    let returned = message.returned.iter().map(block_from_wire).collect::<Result<Vec<_>, _>>()?;
    let all: u64 = returned.iter().map(|block| block.count).sum();
    if all > allotted {
        return Err(invalid("returned", format!("{allotted} at most"), all));
    }
    Ok(Wanting { scenario: scenario_from_wire(message.scenario, scenarios)?, allotted, returned, more })
}

/// What an agent may use.
#[must_use]
pub fn allotments_to_wire(allotted: &[Allotted]) -> wire::Allotments {
    let to_wire = |&Allotted { scenario, allotted, block, last }: &Allotted| wire::Allotted {
        scenario: scenario as u32,
        allotted,
        block: Some(block_to_wire(block)),
        last,
    };
    wire::Allotments { allotted: allotted.iter().map(to_wire).collect() }
}

/// What an agent may use, in a plan of so many scenarios.
///
/// # Errors
/// [`ConvertError`] when there is no such scenario, or what can be no numbers.
pub fn allotments_from_wire(message: &wire::Allotments, scenarios: usize) -> Result<Vec<Allotted>, ConvertError> {
    let from_wire = |message: &wire::Allotted| {
        let wire::Allotted { scenario, allotted, ref block, last } = *message;
        let block = block_from_wire(&block.unwrap_or_default())?;
        Ok(Allotted { scenario: scenario_from_wire(scenario, scenarios)?, allotted, block, last })
    };
    message.allotted.iter().map(from_wire).collect()
}

fn block_to_wire(Block { first, count }: Block) -> wire::Block {
    wire::Block { first, count }
}

fn block_from_wire(message: &wire::Block) -> Result<Block, ConvertError> {
    let wire::Block { first, count } = *message;
    if count > BLOCK_MAX {
        return Err(invalid("block.count", format!("{BLOCK_MAX} at most"), count));
    }
    if first > NUMBERS_MAX - count {
        return Err(invalid("block.first", format!("{NUMBERS_MAX} at most, with its count"), first));
    }
    Ok(Block { first, count })
}

fn scenario_from_wire(scenario: u32, scenarios: usize) -> Result<usize, ConvertError> {
    let place = scenario as usize;
    let known = (place < scenarios).then_some(place);
    known.ok_or_else(|| invalid("scenario", format!("less than {scenarios}"), scenario))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_nonsense_is_refused() {
        let returned = vec![Block { first: 3, count: 3 }, Block { first: 0, count: 1 }];
        let wanting = Wanting { scenario: 1, allotted: 9, returned, more: true };
        let message = wanting_to_wire(&wanting);
        assert_eq!(wanting_from_wire(&message, 2), Ok(wanting));
        assert!(wanting_from_wire(&message, 1).is_err(), "no such scenario");
        assert!(wanting_from_wire(&wire::Wanting { allotted: 3, ..message.clone() }, 2).is_err(), "more than it has");
        let blocks = vec![wire::Block::default(); RETURNS_MAX + 1];
        assert!(wanting_from_wire(&wire::Wanting { returned: blocks, ..message }, 2).is_err());
        let block = Block { first: NUMBERS_MAX - BLOCK_MAX, count: BLOCK_MAX };
        let allotted = Allotted { scenario: 1, allotted: u64::MAX, block, last: true };
        let both = [Allotted { scenario: 0, ..allotted }, allotted];
        assert_eq!(allotments_from_wire(&allotments_to_wire(&both), 2), Ok(both.to_vec()));
        assert!(allotments_from_wire(&allotments_to_wire(&both), 1).is_err());
        for block in [Block { first: block.first + 1, ..block }, Block { first: 0, count: BLOCK_MAX + 1 }] {
            let beyond = [Allotted { scenario: 0, block, ..allotted }];
            assert!(allotments_from_wire(&allotments_to_wire(&beyond), 2).is_err(), "{block:?}");
        }
    }
}
