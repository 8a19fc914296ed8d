//! Double entry: what was counted one way must equal what was counted another way.

mod lost;
mod undone;

use muster_proto::measurement::SkipReason;

use crate::run::record::{AgentRecord, Ending, RunRecord};
use crate::run::timeline::{AgentTotals, Counts, named_totals};

/// The books of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Books {
    /// The whole cluster's account: the sum of the agents'.
    pub total: Account,
    /// One account an agent, in the order of the run's agents.
    pub agents: Vec<Account>,
    /// Samples that lost agents may have taken with them, untold.
    pub lost: Lost,
    /// Deltas that arrived again and were not counted again.
    pub duplicates_refused: u64,
    /// Iterations that the shares of lost agents would still have made, as near as the plan tells.
    pub undone: u64,
    /// Arrivals that agents did not come to before they left, in a run that nobody else ended early.
    pub abandoned: u64,
}

/// What somebody did, and the laws that it obeys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What was told. Arrivals that waited when an agent died count as skipped, its loss the reason.
    pub counts: Counts,
    /// Iterations begun of which nobody will ever know how they ended.
    pub unknown_iterations: u64,
    /// Requests begun of which nobody will ever know how they ended.
    pub unknown_requests: u64,
    /// What must be equal.
    pub laws: Vec<Law>,
}

/// Two numbers that must be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Law {
    /// Which numbers, such as `due = started + skipped`.
    pub name: String,
    /// The left one.
    pub left: u64,
    /// The right one.
    pub right: u64,
}

impl Law {
    fn new(name: impl Into<String>, left: u64, right: u64) -> Self {
        Self { name: name.into(), left, right }
    }

    /// Whether the numbers are equal.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.left == self.right
    }
}

/// A range that holds a number nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// At least so many.
    pub low: u64,
    /// At most so many, if the agent went no faster at the end than it ever told of or was asked to.
    pub high: u64,
}

impl Books {
    /// Keeps the books of a run that has ended.
    #[must_use]
    pub fn of(record: &RunRecord) -> Self {
        let nothing = AgentTotals::default();
        let told = |index: usize| record.timeline.agents().get(index).unwrap_or(&nothing);
        let indexed = || record.agents.iter().enumerate();
        let agents: Vec<Account> =
            indexed().map(|(index, agent)| Account::of_agent(agent, told(index), record.began)).collect();
        let lost = indexed().map(|(index, agent)| lost::with(agent, told(index), record));
        let total = Account::of_cluster(record, &agents);
        let abandoned = total.counts.skipped[SkipReason::Stopped as usize];
        Self {
            lost: lost.fold(Lost::default(), |sum, lost| Lost { low: sum.low + lost.low, high: sum.high + lost.high }),
            total,
            abandoned: if record.ending == Ending::Completed { abandoned } else { 0 },
            agents,
            duplicates_refused: record.agents.iter().map(|agent| agent.duplicates_refused).sum(),
            undone: undone::iterations(record),
        }
    }

    /// Every law, the cluster's first.
    pub fn laws(&self) -> impl Iterator<Item = &Law> {
        self.total.laws.iter().chain(self.agents.iter().flat_map(|agent| &agent.laws))
    }

    /// Whether every law holds.
    #[must_use]
    pub fn balance(&self) -> bool {
        self.laws().all(Law::holds)
    }

    /// The part of the load, 0 to 1, that was lost or left undone because agents or their leases were lost, or agents left.
    #[must_use]
    pub fn undelivered_fraction(&self) -> f64 {
        let Account { counts, unknown_iterations, unknown_requests, .. } = &self.total;
        let skipped = |reason: SkipReason| counts.skipped[reason as usize];
        let unstarted = skipped(SkipReason::Lease) + skipped(SkipReason::AgentLost) + self.abandoned;
        let undone = self.undone + unknown_iterations + unstarted + counts.unleased;
        let untold = unknown_requests + self.lost.high;
        fraction(undone, counts.due + self.undone).max(fraction(untold, counts.sent + self.lost.high))
    }
}

fn fraction(part: u64, whole: u64) -> f64 {
    if part == 0 { 0.0 } else { part as f64 / whole.max(part) as f64 }
}

impl Account {
    fn of_agent(agent: &AgentRecord, told: &AgentTotals, began: bool) -> Self {
        let mut account = Self { counts: told.counts, ..Self::default() };
        account.miss(told.missed);
        if agent.totals.is_none() || agent.has_ended {
            account.write_off();
        }
        account.laws = account.conservation_laws();
        match &agent.totals {
            Some(totals) => account.laws.push(closing_law(&told.counts, &named_totals(totals))),
            None if began && agent.lost_at_ns.is_none() => account.laws.push(Law::new("closing totals arrived", 0, 1)),
            None => {}
        }
        account
    }

    /// Arrivals that nobody told of fell due, and were never started as far as anybody knows.
    fn miss(&mut self, count: u64) {
        self.counts.due += count;
        self.counts.skipped[SkipReason::AgentLost as usize] += count;
    }

    /// Whoever never closed its account, or left it to be closed, took what was waiting and in flight with it.
    fn write_off(&mut self) {
        let counts = &mut self.counts;
        let waiting = counts.due.saturating_sub(counts.started + counts.skipped_total());
        counts.skipped[SkipReason::AgentLost as usize] += waiting;
        self.unknown_iterations = counts.started.saturating_sub(counts.ended());
        self.unknown_requests = counts.sent.saturating_sub(counts.outcomes());
    }

    fn of_cluster(record: &RunRecord, agents: &[Self]) -> Self {
        let (mut cluster, mut seconds) = (Self::default(), Counts::default());
        for agent in agents {
            cluster.counts.merge(&agent.counts);
            cluster.unknown_iterations += agent.unknown_iterations;
            cluster.unknown_requests += agent.unknown_requests;
        }
        cluster.miss(record.timeline.unheld());
        let mut told = Self::default();
        told.miss(record.timeline.unheld());
        for agent in record.timeline.agents().iter().take(agents.len()) {
            told.counts.merge(&agent.counts);
            told.miss(agent.missed);
        }
        let told = told.counts;
        record.timeline.intervals().iter().for_each(|interval| seconds.merge(&interval.counts));
        let reported = record.timeline.counts();
        cluster.laws = cluster.conservation_laws();
        cluster.laws.push(compared("sum of agents = report", &told.named(), &reported.named()));
        cluster.laws.push(compared("sum of seconds = report", &seconds.named(), &reported.named()));
        cluster
    }

    fn conservation_laws(&self) -> Vec<Law> {
        let counts = &self.counts;
        vec![
            Law::new("due = started + skipped", counts.due, counts.started + counts.skipped_total()),
            Law::new(
                "started = completed + failed + cut off + unknown",
                counts.started,
                counts.ended() + self.unknown_iterations,
            ),
            Law::new("sent = outcomes + unknown", counts.sent, counts.outcomes() + self.unknown_requests),
        ]
    }

    /// Whether every law holds.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.laws.iter().all(Law::holds)
    }
}

fn closing_law(told: &Counts, closing: &[(&'static str, u64)]) -> Law {
    compared("sum of deltas = closing total", &told.named(), closing)
}

/// One law for many pairs: it shows the first that differs, or else how much was sent.
fn compared(name: &str, left: &[(&'static str, u64)], right: &[(&'static str, u64)]) -> Law {
    let mut pairs = left.iter().zip(right);
    match pairs.find(|(a, b)| a.1 != b.1) {
        Some((a, b)) => Law::new(format!("{name} ({})", a.0), a.1, b.1),
        None => {
            let sent = left.iter().find(|(name, _)| *name == "sent").map_or(0, |(_, count)| *count);
            Law::new(name, sent, sent)
        }
    }
}
