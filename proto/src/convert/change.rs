//! Shares that are given to an agent, or taken away from it, while load is generated.

use super::{ConvertError, invalid};
use crate::share::{Share, ShareChange};
use crate::wire;

/// A change as a message.
#[must_use]
pub fn change_to_wire(change: &ShareChange) -> wire::Change {
    let ShareChange { number, revoked, at_ns, shares } = change;
    let shares = shares.iter().map(|share| share.to_bytes().into()).collect();
    wire::Change { number: *number, revoked: *revoked, at_ns: *at_ns, shares }
}

/// A message as a change, for a plan of so many scenarios.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn change_from_wire(message: &wire::Change, scenarios: usize) -> Result<ShareChange, ConvertError> {
    if message.number == 0 {
        return Err(invalid("number", "1 or more", 0));
    }
    if message.shares.len() != scenarios {
        return Err(invalid("shares", format!("{scenarios}, one per scenario"), message.shares.len()));
    }
    let shares = message.shares.iter().map(|bytes| Share::from_bytes(bytes)).collect::<Result<_, _>>()?;
    Ok(ShareChange { number: message.number, revoked: message.revoked, at_ns: message.at_ns, shares })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_arrive_as_they_were_sent_and_nonsense_is_refused() {
        let shares = Share::full().deal(&[1, 2]);
        let change = ShareChange { number: 3, revoked: true, at_ns: 5_000, shares };
        let message = change_to_wire(&change);
        assert_eq!(change_from_wire(&message, 2), Ok(change));
        assert!(change_from_wire(&message, 1).is_err());
        assert!(change_from_wire(&wire::Change { number: 0, ..message.clone() }, 2).is_err());
        let short = wire::Change { shares: vec![vec![0; 3].into(), vec![0; 3].into()], ..message };
        assert!(change_from_wire(&short, 2).is_err());
    }
}
