//! What is said of shared iterations.

use super::{ConvertError, invalid};
use crate::supply::{Allotted, Wanting};
use crate::wire;

/// How an agent stands.
#[must_use]
pub fn wanting_to_wire(wanting: &Wanting) -> wire::Wanting {
    let Wanting { scenario, allotted, returned, more } = *wanting;
    wire::Wanting { scenario: scenario as u32, allotted, returned, more }
}

/// How an agent stands, in a plan of so many scenarios.
///
/// # Errors
/// [`ConvertError`] when there is no such scenario, or when more is given back than was allotted.
pub fn wanting_from_wire(message: &wire::Wanting, scenarios: usize) -> Result<Wanting, ConvertError> {
    let wire::Wanting { allotted, returned, more, .. } = *message;
    if returned > allotted {
        return Err(invalid("returned", format!("{allotted} at most"), returned));
    }
    Ok(Wanting { scenario: scenario_from_wire(message.scenario, scenarios)?, allotted, returned, more })
}

/// What an agent may begin.
#[must_use]
pub fn allotments_to_wire(allotted: &[Allotted]) -> wire::Allotments {
    let to_wire = |&Allotted { scenario, iterations, last }: &Allotted| wire::Allotted {
        scenario: scenario as u32,
        iterations,
        last,
    };
    wire::Allotments { allotted: allotted.iter().map(to_wire).collect() }
}

/// What an agent may begin, in a plan of so many scenarios.
///
/// # Errors
/// [`ConvertError`] when there is no such scenario.
pub fn allotments_from_wire(message: &wire::Allotments, scenarios: usize) -> Result<Vec<Allotted>, ConvertError> {
    let from_wire = |&wire::Allotted { scenario, iterations, last }: &wire::Allotted| {
        Ok(Allotted { scenario: scenario_from_wire(scenario, scenarios)?, iterations, last })
    };
    message.allotted.iter().map(from_wire).collect()
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
        let wanting = Wanting { scenario: 1, allotted: 9, returned: 4, more: true };
        assert_eq!(wanting_from_wire(&wanting_to_wire(&wanting), 2), Ok(wanting));
        assert!(wanting_from_wire(&wanting_to_wire(&wanting), 1).is_err());
        assert!(wanting_from_wire(&wire::Wanting { returned: 10, ..wanting_to_wire(&wanting) }, 2).is_err());
        let allotted = Allotted { scenario: 1, iterations: u64::MAX, last: true };
        let both = [Allotted { scenario: 0, ..allotted }, allotted];
        assert_eq!(allotments_from_wire(&allotments_to_wire(&both), 2), Ok(both.to_vec()));
        assert!(allotments_from_wire(&allotments_to_wire(&both), 1).is_err());
    }
}
