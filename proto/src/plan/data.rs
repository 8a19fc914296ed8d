//! Rows of data that iterations use.

use std::fmt;

/// The most feeders of a plan.
pub const FEEDERS_MAX: usize = 100;
/// The most rows of a feeder.
pub const ROWS_MAX: u64 = 100_000_000;
/// The longest row, as JSON, in bytes.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// The most that the rows of a feeder take together, as JSON, in bytes. That is more than the file from which they are read
/// may be, because each row names its columns.
pub const ROWS_BYTES_MAX: u64 = 16 << 30;
/// The most bytes of rows that travel in one message.
pub const PIECE_BYTES_MAX: u32 = 1 << 20;

/// Rows of data, of which each iteration uses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feeder {
    /// Its name, by which templates call the row.
    pub name: String,
    /// The file from which its rows were read, as the plan names it; empty if they stand in the plan itself.
    pub file: String,
    /// Which rows it has.
    pub rows: RowsId,
    /// In which order they are used.
    pub order: Order,
    /// Who uses them.
    pub share: Sharing,
    /// What happens when all have been used.
    pub on_end: OnEnd,
}

impl Feeder {
    /// Whether rows are dealt out over the whole cluster, so that whoever needs one must know which nobody else uses.
    #[must_use]
    pub fn is_dealt(&self) -> bool {
        // Rows that are drawn anew each time, and never end, are nobody's.
        self.share == Sharing::Unique && (self.order, self.on_end) != (Order::Random, OnEnd::Recycle)
    }
}

/// Which rows: each is JSON on a line of its own, which ends with a line feed, and this is what all lines make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsId {
    /// The SHA-256 of the lines.
    pub hash: ContentHash,
    /// How many bytes they are.
    pub bytes: u64,
    /// How many rows they are.
    pub count: u64,
}

/// The SHA-256 of some content, which tells it from any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    /// In 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// In which order rows are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they stand.
    #[default]
    Sequential,
    /// As they were shuffled, each once before any is used again.
    Shuffle,
    /// Any, drawn anew each time.
    Random,
}

impl Order {
    /// Its name in plans.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Shuffle => "shuffle",
            Self::Random => "random",
        }
    }
}

/// Who uses rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// The whole cluster together: no row is used by two.
    #[default]
    Unique,
    /// The whole cluster together, but each user has rows of its own: one in as many as there are users.
    PerUser,
    /// Every agent, each all of them.
    EveryAgent,
}

impl Sharing {
    /// Its name in plans.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::PerUser => "per-user",
            Self::EveryAgent => "every-agent",
        }
    }
}

/// What happens when all rows have been used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnEnd {
    /// They are used again.
    #[default]
    Recycle,
    /// Whoever needs one begins no further iteration.
    Stop,
}

impl OnEnd {
    /// Its name in plans.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recycle => "recycle",
            Self::Stop => "stop",
        }
    }
}
