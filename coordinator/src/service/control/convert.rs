//! Orders as messages, and back.

use std::time::Duration;

use muster_proto::plan::{Rate, USERS_MAX};
use muster_proto::wire::{self, order, set_level};

use crate::run::order::{Level, NOTE_CHARS_MAX, Order};

/// An order as a message.
pub(crate) fn order_to_wire(order: &Order) -> wire::Order {
    let what = match order {
        Order::Set { scenario, level, over } => {
            let level = match level {
                Level::Rate(rate) => set_level::Level::Rate(rate.0),
                Level::Users(users) => set_level::Level::Users(*users),
            };
            let over_ns = u64::try_from(over.as_nanos()).unwrap_or(u64::MAX);
            order::What::Set(wire::SetLevel { scenario: scenario.clone(), level: Some(level), over_ns })
        }
        Order::Pause => order::What::Pause(true),
        Order::Resume => order::What::Resume(true),
        Order::Stop { now } => order::What::Halt(wire::Halt { now: *now }),
        Order::Annotate(text) => order::What::Annotate(text.clone()),
    };
    wire::Order { what: Some(what) }
}

/// A message as an order; why it is none, for whoever gave it to read.
pub(crate) fn order_from_wire(message: wire::Order) -> Result<Order, String> {
    Ok(match message.what.ok_or("an unknown order; install the same version on both sides")? {
        order::What::Set(wire::SetLevel { scenario, level, over_ns }) => {
            let level = match level.ok_or("a level is missing: a rate, or users")? {
                set_level::Level::Rate(rate) if Rate(rate) > Rate::MAX => {
                    return Err(format!("a rate of at most {}/s is possible", Rate::MAX.as_per_second()));
                }
                set_level::Level::Rate(rate) => Level::Rate(Rate(rate)),
                set_level::Level::Users(users) if users > USERS_MAX => {
                    return Err(format!("{USERS_MAX} users are possible at most"));
                }
                set_level::Level::Users(users) => Level::Users(users),
            };
            Order::Set { scenario, level, over: Duration::from_nanos(over_ns) }
        }
        order::What::Pause(_) => Order::Pause,
        order::What::Resume(_) => Order::Resume,
        order::What::Halt(wire::Halt { now }) => Order::Stop { now },
        order::What::Annotate(text) => Order::Annotate(text.chars().take(NOTE_CHARS_MAX).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_arrive_as_they_were_given() {
        let set = |level| Order::Set { scenario: "list".to_owned(), level, over: Duration::from_secs(3) };
        for order in [
            set(Level::Rate(Rate::per_second(5))),
            set(Level::Users(7)),
            Order::Pause,
            Order::Resume,
            Order::Stop { now: true },
            Order::Annotate("deployed".to_owned()),
        ] {
            assert_eq!(order_from_wire(order_to_wire(&order)), Ok(order));
        }
        let too_fast = order_to_wire(&set(Level::Rate(Rate(u64::MAX))));
        assert!(order_from_wire(too_fast).is_err());
        let too_many = order_to_wire(&set(Level::Users(USERS_MAX + 1)));
        assert!(order_from_wire(too_many).is_err());
        assert!(order_from_wire(wire::Order { what: None }).is_err());
    }
}
