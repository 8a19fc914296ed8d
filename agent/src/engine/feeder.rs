//! Which row of data an iteration uses.
//!
//! What all agents share is dealt by number: an arrival uses the row of its ordinal, and of users who each make as many
//! iterations, each uses one in as many as there are users. So nobody has to ask anybody, and it is the same on however
//! many agents. Users who iterate at their own pace use the rows of the numbers that are allotted to them (see `supply`).

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;

use minijinja::Value;
use muster_proto::plan::{Arrivals, Executor, Feeder, OnEnd, Order, Plan, Sharing};
use muster_proto::schedule::{PoissonOrdinals, Stream};

use super::random::{Draws, Key};
use super::rows::Rows;
use super::template::{Names, Variables};

/// A feeder with its rows, the same for all workers.
pub struct Table {
    feeder: Feeder,
    rows: Arc<Rows>,
}

impl Table {
    /// The feeders of a plan, by their places, with these rows; or the name of the first one whose rows they are not.
    ///
    /// # Errors
    /// That name.
    pub fn all(plan: &Plan, rows: &[Arc<Rows>]) -> Result<Vec<Arc<Self>>, String> {
        let with_rows = plan.data.iter().enumerate().map(|(place, feeder)| {
            let rows = rows.get(place).filter(|rows| rows.id() == feeder.rows).ok_or_else(|| feeder.name.clone())?;
            Ok(Arc::new(Self { feeder: feeder.clone(), rows: Arc::clone(rows) }))
        });
        with_rows.collect()
    }

    /// How many rows there are.
    fn len(&self) -> u64 {
        self.rows.id().count
    }

    /// A row.
    fn row(&self, number: u64, buffer: &mut Vec<u8>) -> io::Result<Value> {
        Ok(serde_json::from_slice(self.rows.row(number, buffer)?)?)
    }
}

/// How a scenario's iterations are numbered for rows that no two may use.
enum Numbering {
    /// By the iteration's identity, which is its ordinal.
    Ordinal,
    /// By how many come before it.
    Poisson(RefCell<PoissonOrdinals>),
    /// By user, and the user's own iterations: so many users take turns.
    ByUser(u64),
    /// By the number that it was allotted.
    Allotted,
}

impl Numbering {
    fn of(executor: &Executor, stream: Stream) -> Self {
        match executor {
            Executor::ArrivalRate { arrivals: Arrivals::Uniform, .. } => Self::Ordinal,
            Executor::ArrivalRate { .. } => Self::Poisson(RefCell::new(PoissonOrdinals::new(stream))),
            Executor::PerUserIterations { .. } => Self::by_user(executor),
            Executor::Users { .. } | Executor::SharedIterations { .. } => Self::Allotted,
        }
    }

    fn by_user(executor: &Executor) -> Self {
        Self::ByUser(u64::from(executor.users_max()).max(1))
    }

    fn number(&self, id: u64, allotted: u64) -> u64 {
        match self {
            Self::Ordinal => id,
            Self::Poisson(ordinals) => ordinals.borrow_mut().of(id),
            Self::ByUser(users) => {
                let (user, own) = (id >> 32, id & u64::from(u32::MAX));
                own.saturating_mul(*users).saturating_add(user)
            }
            Self::Allotted => allotted,
        }
    }
}

/// The feeders of a scenario, as one worker goes through them.
pub(super) struct Feeding {
    /// For rows that all share, and for those that are a user's own.
    numbering: Numbering,
    by_user: Numbering,
    feeds: Vec<Feed>,
    /// What a row is read into that is not in memory.
    buffer: RefCell<Vec<u8>>,
}

struct Feed {
    table: Arc<Table>,
    slot: usize,
    /// The next row of an agent's own that is this worker's, and how many workers take turns.
    next: Cell<u64>,
    workers: u64,
    /// Its place among the plan's, which sets apart what is drawn.
    place: u16,
}

impl Feeding {
    /// Those of a scenario, for one of so many workers.
    pub(super) fn new(
        (plan, scenario): (&Plan, usize),
        tables: &[Arc<Table>],
        names: &Names,
        (worker, workers): (usize, usize),
    ) -> Self {
        let stream = Stream { seed: plan.seed, scenario: scenario as u32 };
        let feed = |place: &u16| {
            let table = Arc::clone(tables.get(usize::from(*place))?);
            let slot = names.slot(&table.feeder.name)?;
            Some(Feed { table, slot, next: Cell::new(worker as u64), workers: workers as u64, place: *place })
        };
        let scenario = &plan.scenarios[scenario];
        let feeds = scenario.feeders.iter().filter_map(feed).collect();
        let executor = &scenario.executor;
        let numbering = Numbering::of(executor, stream);
        // Arrivals are nobody's.
        let by_user = if executor.is_open() { Numbering::of(executor, stream) } else { Numbering::by_user(executor) };
        Self { numbering, by_user, feeds, buffer: RefCell::default() }
    }

    /// Whether there is a row for this iteration, which was allotted this number if any, wherever it needs one.
    pub(super) fn has_rows(&self, id: u64, allotted: u64) -> bool {
        let has_row = |feed: &Feed| {
            feed.table.feeder.on_end == OnEnd::Recycle || self.number(feed, id, allotted) < feed.table.len()
        };
        self.feeds.iter().all(has_row)
    }

    /// Keeps the rows of an iteration, which was allotted this number if any, for its templates.
    ///
    /// # Errors
    /// When one cannot be read any more.
    pub(super) fn feed(&self, key: Key, allotted: u64, variables: &mut Variables) -> io::Result<()> {
        for feed in &self.feeds {
            let number = self.number(feed, key.iteration, allotted);
            if feed.table.feeder.share == Sharing::EveryAgent {
                feed.next.set(number + feed.workers);
            }
            let row = feed.table.row(feed.place_of(number, key), &mut self.buffer.borrow_mut())?;
            variables.set(feed.slot, row);
        }
        Ok(())
    }

    /// The number of the row that it is the iteration's turn to use, before it is put in order.
    fn number(&self, feed: &Feed, id: u64, allotted: u64) -> u64 {
        match feed.table.feeder.share {
            Sharing::EveryAgent => feed.next.get(),
            Sharing::Unique => self.numbering.number(id, allotted),
            Sharing::PerUser => self.by_user.number(id, allotted),
        }
    }
}

impl Feed {
    /// Where the row stands that has this number.
    fn place_of(&self, number: u64, key: Key) -> u64 {
        let rows = self.table.len().max(1);
        let drawn = Key { step: usize::MAX / 2 - usize::from(self.place), ..key };
        match self.table.feeder.order {
            Order::Sequential => number % rows,
            Order::Random => ((u128::from(Draws::of(drawn).next()) * u128::from(rows)) >> 64) as u64,
            // Each time around in another order.
            Order::Shuffle => shuffled(number % rows, rows, Key { iteration: number / rows, round: 0, ..drawn }),
        }
    }
}

/// The place of a number below a bound in a permutation of all of them: a Feistel network over the next power of four,
/// gone through again for as long as it leads beyond the bound (Black and Rogaway, "Ciphers with arbitrary finite
/// domains", 2002).
fn shuffled(number: u64, bound: u64, key: Key) -> u64 {
    const ROUNDS: usize = 4;
    let half = (u64::BITS - (bound - 1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1_u64 << half) - 1;
    let mut draws = Draws::of(key);
    let keys: [u64; ROUNDS] = std::array::from_fn(|_| draws.next());
    let mut at = number;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for key in keys {
            let mixed = Draws::from(right ^ key).next() & mask;
            (left, right) = (right, left ^ mixed);
        }
        at = left << half | right;
        if at < bound {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_shuffled_order_has_each_row_once(bound in 1..3_000_u64, pass: u64, seed: u64) {
            let key = Key { stream: Stream { seed, scenario: 0 }, iteration: pass, ..Key::default() };
            let mut places: Vec<u64> = (0..bound).map(|number| shuffled(number, bound, key)).collect();
            let is_moved = places.iter().enumerate().any(|(number, place)| number as u64 != *place);
            places.sort_unstable();
            prop_assert!(places.into_iter().eq(0..bound));
            prop_assert!(is_moved || bound < 10);
        }

        #[test]
        fn users_share_rows_out_among_themselves(users in 1..50_u64, each in 1..50_u64) {
            let numbering = Numbering::ByUser(users);
            let iterations = (0..users).flat_map(|user| (0..each).map(move |own| user << 32 | own));
            let mut rows: Vec<u64> = iterations.map(|iteration| numbering.number(iteration, 0)).collect();
            rows.sort_unstable();
            prop_assert!(rows.into_iter().eq(0..users * each));
        }
    }

    fn feeder(rows: &Rows) -> Feeder {
        let (name, file, rows) = ("x".to_owned(), String::new(), rows.id());
        Feeder { name, file, rows, order: Order::Sequential, share: Sharing::Unique, on_end: OnEnd::Stop }
    }

    #[test]
    fn a_feeder_goes_with_its_own_rows_and_no_others() {
        let rows = |text: &str| Arc::new(Rows::of_text(text).unwrap());
        let (mine, others) = (rows("{\"a\":1}\n{\"a\":2}\n"), rows("{\"a\":1}\n{\"a\":3}\n"));
        let plan = Plan { data: vec![feeder(&mine)], ..Plan::default() };
        assert_eq!(Table::all(&plan, &[others]).err().as_deref(), Some("x"));
        assert_eq!(Table::all(&plan, &[]).err().as_deref(), Some("x"));
        let tables = Table::all(&plan, &[mine]).unwrap();
        assert_eq!(tables[0].len(), 2);
        let row = tables[0].row(1, &mut Vec::new()).unwrap();
        assert_eq!(row.get_attr("a").unwrap(), Value::from(2));
        assert!(tables[0].row(2, &mut Vec::new()).is_err());
    }

    #[test]
    fn what_is_no_json_is_no_row() {
        let rows = Arc::new(Rows::of_text("{\n").unwrap());
        let table = Table { feeder: feeder(&rows), rows };
        assert!(table.row(0, &mut Vec::new()).is_err());
    }
}
