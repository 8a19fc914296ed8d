//! Rows of data.

use super::plan::name;
use super::{ConvertError, at_most, invalid};
use crate::plan::{FEEDERS_MAX, Feeder, OnEnd, Order, ROWS_MAX, Rows, Sharing};
use crate::wire;

pub(super) fn to_wire(feeders: &[Feeder]) -> Vec<wire::Feeder> {
    feeders.iter().map(one_to_wire).collect()
}

fn one_to_wire(feeder: &Feeder) -> wire::Feeder {
    let order = match feeder.order {
        Order::Sequential => wire::RowOrder::Sequential,
        Order::Shuffle => wire::RowOrder::Shuffle,
        Order::Random => wire::RowOrder::Random,
    };
    wire::Feeder {
        name: feeder.name.clone(),
        rows: feeder.rows.0.clone(),
        order: order as i32,
        every_agent: feeder.share == Sharing::EveryAgent,
        stops: feeder.on_end == OnEnd::Stop,
    }
}

pub(super) fn from_wire(messages: Vec<wire::Feeder>) -> Result<Vec<Feeder>, ConvertError> {
    at_most("data", messages.len(), FEEDERS_MAX)?;
    messages.into_iter().map(one_from_wire).collect()
}

fn one_from_wire(message: wire::Feeder) -> Result<Feeder, ConvertError> {
    name("feeder.name", &message.name)?;
    at_most("feeder.rows", message.rows.iter().filter(|byte| **byte == b'\n').count(), ROWS_MAX)?;
    let order = match message.order() {
        wire::RowOrder::Sequential => Order::Sequential,
        wire::RowOrder::Shuffle => Order::Shuffle,
        wire::RowOrder::Random => Order::Random,
        wire::RowOrder::Unspecified => {
            return Err(invalid("feeder.order", "sequential, shuffle or random", message.order));
        }
    };
    Ok(Feeder {
        order,
        share: if message.every_agent { Sharing::EveryAgent } else { Sharing::Unique },
        on_end: if message.stops { OnEnd::Stop } else { OnEnd::Recycle },
        name: message.name,
        rows: Rows(message.rows),
    })
}
