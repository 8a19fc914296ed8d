//! Rows of data.

use super::plan::name;
use super::{ConvertError, at_most, invalid};
use crate::plan::{
    ContentHash, FEEDERS_MAX, Feeder, OnEnd, Order, PIECE_BYTES_MAX, ROWS_BYTES_MAX, ROWS_MAX, RowsId, Sharing,
};
use crate::wire;

/// The longest name of a file, in bytes: what systems take for a path.
const FILE_NAME_BYTES_MAX: usize = 4096;

pub(super) fn to_wire(feeders: &[Feeder]) -> Vec<wire::Feeder> {
    feeders.iter().map(one_to_wire).collect()
}

fn one_to_wire(feeder: &Feeder) -> wire::Feeder {
    let order = match feeder.order {
        Order::Sequential => wire::RowOrder::Sequential,
        Order::Shuffle => wire::RowOrder::Shuffle,
        Order::Random => wire::RowOrder::Random,
    };
    let share = match feeder.share {
        Sharing::Unique => wire::RowSharing::Unique,
        Sharing::PerUser => wire::RowSharing::PerUser,
        Sharing::EveryAgent => wire::RowSharing::EveryAgent,
    };
    wire::Feeder {
        name: feeder.name.clone(),
        file: feeder.file.clone(),
        sha256: feeder.rows.hash.0.to_vec().into(),
        bytes: feeder.rows.bytes,
        count: feeder.rows.count,
        order: order as i32,
        share: share as i32,
        stops: feeder.on_end == OnEnd::Stop,
    }
}

pub(super) fn from_wire(messages: Vec<wire::Feeder>) -> Result<Vec<Feeder>, ConvertError> {
    at_most("data", messages.len(), FEEDERS_MAX)?;
    messages.into_iter().map(one_from_wire).collect()
}

fn one_from_wire(message: wire::Feeder) -> Result<Feeder, ConvertError> {
    name("feeder.name", &message.name)?;
    at_most("feeder.file", message.file.len(), FILE_NAME_BYTES_MAX)?;
    let rows = rows(&message)?;
    let order = match message.order() {
        wire::RowOrder::Sequential => Order::Sequential,
        wire::RowOrder::Shuffle => Order::Shuffle,
        wire::RowOrder::Random => Order::Random,
        wire::RowOrder::Unspecified => {
            return Err(invalid("feeder.order", "sequential, shuffle or random", message.order));
        }
    };
    let share = match message.share() {
        wire::RowSharing::Unique => Sharing::Unique,
        wire::RowSharing::PerUser => Sharing::PerUser,
        wire::RowSharing::EveryAgent => Sharing::EveryAgent,
        wire::RowSharing::Unspecified => {
            return Err(invalid("feeder.share", "unique, per-user or every-agent", message.share));
        }
    };
    Ok(Feeder {
        order,
        share,
        on_end: if message.stops { OnEnd::Stop } else { OnEnd::Recycle },
        name: message.name,
        file: message.file,
        rows,
    })
}

/// Which rows a feeder has. A row is one byte and a line feed at least.
fn rows(message: &wire::Feeder) -> Result<RowsId, ConvertError> {
    let (bytes, count) = (message.bytes, message.count);
    if count == 0 || count > ROWS_MAX {
        return Err(invalid("feeder.count", format!("from 1 to {ROWS_MAX}"), count));
    }
    if bytes < 2 * count || bytes > ROWS_BYTES_MAX {
        return Err(invalid("feeder.bytes", format!("from {} to {ROWS_BYTES_MAX}", 2 * count), bytes));
    }
    Ok(RowsId { hash: hash("feeder.sha256", &message.sha256)?, bytes, count })
}

fn hash(field: &'static str, bytes: &[u8]) -> Result<ContentHash, ConvertError> {
    bytes.try_into().map(ContentHash).map_err(|_| invalid(field, "32 bytes", bytes.len()))
}

/// A piece of some rows, which is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of which rows.
    pub hash: ContentHash,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How long it may be, in bytes: from 1 to [`PIECE_BYTES_MAX`].
    pub bytes: u32,
}

/// A wish as a message.
#[must_use]
pub fn wanted_to_wire(wanted: &Wanted) -> wire::Wanted {
    let Wanted { hash, offset, bytes } = *wanted;
    wire::Wanted { sha256: hash.0.to_vec().into(), offset, bytes }
}

/// A message as a wish.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn wanted_from_wire(message: &wire::Wanted) -> Result<Wanted, ConvertError> {
    let wire::Wanted { ref sha256, offset, bytes } = *message;
    if bytes == 0 || bytes > PIECE_BYTES_MAX {
        return Err(invalid("bytes", format!("from 1 to {PIECE_BYTES_MAX}"), bytes));
    }
    Ok(Wanted { hash: hash("sha256", sha256)?, offset, bytes })
}
