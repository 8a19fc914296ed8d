//! An assignment being carried out: what the engine measures becomes deltas and, at the end, closing totals.

use std::convert::Infallible;

use muster_proto::measurement::{Delta, Totals};
use muster_proto::supply::{Allotted, Wanting};

use crate::engine::part::Gauges;
use crate::generator::Generator;
use crate::outbox::{AckError, Outbox};

/// What there is to tell the coordinator.
#[derive(Debug)]
pub enum News {
    /// There is more for [`Duty::next_unsent`].
    Measured,
    /// How it stands with iterations that users share.
    Wanting(Wanting),
    /// All was sent; the books are closed.
    Closing {
        /// Everything counted, apart from the deltas.
        totals: Totals,
        /// First arrival's moment minus the moment at which it was due, in nanoseconds.
        start_error_ns: Option<i64>,
    },
    /// A step of the plan ends the whole run.
    Enough,
    /// The books can never be closed, and why.
    Broken(&'static str),
}

/// An assignment being carried out.
pub struct Duty<G> {
    generator: G,
    outbox: Outbox,
    gauges: Vec<Gauges>,
    collected_all: bool,
    closed: bool,
    /// Whether the coordinator at the other end is the one that allots what users share.
    may_want: bool,
    /// Whether the coordinator at the other end was told that a step ends the run.
    told_enough: bool,
}

impl<G: Generator> Duty<G> {
    /// What this generator, which is prepared, will measure.
    pub fn new(generator: G) -> Self {
        let (outbox, gauges) = (Outbox::default(), Vec::new());
        Self { generator, outbox, gauges, collected_all: false, closed: false, may_want: true, told_enough: false }
    }

    /// What is left of an assignment that was carried out: all that was put into this outbox, and these books.
    pub fn left(generator: G, outbox: Outbox, gauges: Gauges) -> Self {
        Self {
            generator,
            outbox,
            gauges: vec![gauges],
            collected_all: true,
            closed: false,
            may_want: false,
            told_enough: true,
        }
    }

    /// The generator, to start and stop it.
    pub fn generator(&self) -> &G {
        &self.generator
    }

    /// The next thing to tell. Waits for ever once the books are closed. May be given up and called again.
    pub async fn next(&mut self) -> News {
        let (alarm, supplies, enough) = (self.generator.alarm(), self.generator.supplies(), self.generator.enough());
        let news = tokio::select! {
            biased;
            () = alarm.goes_off() => None,
            wanting = supplies.wanting(), if self.may_want => Some(News::Wanting(wanting)),
            () = enough.said(), if !self.told_enough => {
                self.told_enough = true;
                Some(News::Enough)
            }
            news = self.next_measured() => Some(news),
        };
        // A worker that panics ends its measurements too, so their end alone does not say that all is well.
        match (alarm.reason(), news) {
            (None, Some(news)) => news,
            (reason, _) => News::Broken(reason.unwrap_or_default()),
        }
    }

    async fn next_measured(&mut self) -> News {
        loop {
            if self.outbox.has_unsent() {
                return News::Measured;
            }
            if !self.collected_all {
                self.collect().await;
            } else if self.closed || !self.outbox.is_empty() {
                return std::future::pending().await;
            } else if !self.generator.is_whole() {
                self.closed = true;
                return News::Broken("a part of what it measured is lost");
            } else {
                self.closed = true;
                return self.closing();
            }
        }
    }

    /// Goes on taking what is measured while there is nobody to tell it. Never ends; may be given up at any time.
    pub async fn keep_collecting(&mut self) -> Infallible {
        while !self.collected_all {
            self.collect().await;
        }
        std::future::pending().await
    }

    async fn collect(&mut self) {
        let Some((slice, health)) = self.generator.next().await else {
            self.collected_all = true;
            return;
        };
        self.gauges.clone_from(&slice.gauges);
        slice.measured().for_each(|(windows, measured)| self.outbox.put(windows, measured, health));
        self.generator.give_back(slice);
        self.generator.keep(&self.outbox);
    }

    /// The next delta that was not yet sent over the present stream; it counts as sent from here.
    pub fn next_unsent(&mut self) -> Option<&Delta> {
        self.outbox.next_unsent()
    }

    /// Notes that everything up to this delta is in the result.
    ///
    /// # Errors
    /// [`AckError`] when there is nothing with that number.
    pub fn acknowledge(&mut self, seq: u64) -> Result<(), AckError> {
        let numbered = self.outbox.last_seq();
        self.outbox.acknowledge(seq)?;
        // The open delta may have got its number by that.
        if self.outbox.last_seq() != numbered {
            self.generator.keep(&self.outbox);
        }
        Ok(())
    }

    /// Takes in what its users may begin who share their iterations; `None` when there is no such scenario.
    #[must_use]
    pub fn allot(&self, allotted: &Allotted) -> Option<()> {
        self.generator.supplies().allot(allotted)
    }

    /// The coordinator goes on with the run and knows what it allotted, so that it can be asked for more. One that starts the
    /// run anew says what is to be done instead.
    pub fn want_again(&mut self) {
        if !self.may_want {
            self.may_want = true;
            self.generator.supplies().say_again();
        }
    }

    /// Goes on over a new stream, whose other end has everything up to this delta.
    ///
    /// # Errors
    /// [`AckError`] when there is nothing with that number.
    pub fn resume(&mut self, applied_seq: u64) -> Result<(), AckError> {
        self.acknowledge(applied_seq)?;
        self.outbox.rewind();
        self.may_want = false;
        self.told_enough = false;
        self.closed = false;
        Ok(())
    }

    fn closing(&self) -> News {
        let mut totals = Totals { last_seq: self.outbox.last_seq(), ..Totals::default() };
        for gauges in &self.gauges {
            totals.add(&gauges.totals);
        }
        // The worst of the workers bounds the agent.
        let errors = self.gauges.iter().filter_map(|gauges| gauges.start_error_ns);
        News::Closing { totals, start_error_ns: errors.max_by_key(|error| error.unsigned_abs()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use muster_proto::convert::AssignmentMessage;
    use muster_proto::id::RunId;
    use muster_proto::plan::{Connections, Executor, Plan, Scenario, Step, Think};
    use muster_proto::share::Share;

    use super::*;
    use crate::engine::lease::Lease;
    use crate::engine::start::EngineConfig;
    use crate::generator::Workers;
    use crate::guard::Guard;

    /// An assignment whose users share iterations.
    fn shared() -> Duty<Workers> {
        let second = Duration::from_secs(1);
        let executor = Executor::SharedIterations { users: 2, iterations: 10, max_duration: second };
        let scenario = Scenario {
            name: "together".to_owned(),
            executor,
            start_delay: Duration::ZERO,
            graceful_stop: second,
            warm_up: Duration::ZERO,
            connections: Connections::PerUser,
            keep_session: false,
            vars: Vec::new(),
            feeders: Vec::new(),
            steps: vec![Step::Think(Think::Even(second, second))],
        };
        prepared(vec![scenario])
    }

    /// An assignment without any load, whose workers end as soon as they begin.
    fn nothing_to_do() -> Duty<Workers> {
        prepared(Vec::new())
    }

    fn prepared(scenarios: Vec<Scenario>) -> Duty<Workers> {
        let shares = vec![Share::full(); scenarios.len()];
        let plan = Plan { name: "test".to_owned(), seed: 42, scenarios, ..Plan::default() };
        let assignment =
            AssignmentMessage { run_id: RunId::generate(), plan, shares, amendments: Vec::new(), found: Vec::new() };
        let config = EngineConfig {
            workers: 2,
            pin: false,
            guard: Arc::new(Guard::default()),
            witness: None,
            agent: "agent".into(),
        };
        Duty::new(Workers::prepare(assignment, &config, &Lease::endless()).unwrap())
    }

    #[tokio::test]
    async fn a_panicking_worker_is_told_in_place_of_closed_books() {
        for panics in [false, true] {
            let mut duty = nothing_to_do();
            if panics {
                let alarm = duty.generator().alarm();
                let panicking = thread::spawn(move || {
                    let _alarm = alarm;
                    panic!("for the test");
                });
                assert!(panicking.join().is_err());
            }
            duty.generator().abort();
            assert_eq!(matches!(duty.next().await, News::Broken(_)), panics);
        }
    }

    #[tokio::test]
    async fn a_coordinator_is_asked_for_more_only_once_it_has_gone_on_with_the_run() {
        let mut duty = shared();
        let asks = |news: &News| matches!(news, News::Wanting(Wanting { allotted: 0, more: true, .. }));
        assert!(asks(&duty.next().await));
        duty.resume(0).unwrap();
        tokio::select! {
            biased;
            news = duty.next() => panic!("{news:?}, to one that may start the run anew"),
            () = std::future::ready(()) => {},
        }
        duty.want_again();
        assert!(asks(&duty.next().await));
    }
}
