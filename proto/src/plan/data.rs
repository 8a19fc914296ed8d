//! Rows of data that iterations use.

use bytes::Bytes;

/// The most feeders of a plan.
pub const FEEDERS_MAX: usize = 100;
/// The most rows of a feeder.
pub const ROWS_MAX: usize = 1_000_000;

/// Rows of data, of which each iteration uses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feeder {
    /// Its name, by which templates call the row.
    pub name: String,
    /// Its rows.
    pub rows: Rows,
    /// In which order they are used.
    pub order: Order,
    /// Who uses them.
    pub share: Sharing,
    /// What happens when all have been used.
    pub on_end: OnEnd,
}

/// Rows, each as JSON on a line of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows(pub Bytes);

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

/// Who uses rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// The whole cluster together: no row is used by two.
    #[default]
    Unique,
    /// Every agent, each all of them.
    EveryAgent,
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
