//! An agent's part in a run, which outlives the stream on which it was assigned.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use muster_proto::change::Change;
use muster_proto::convert::{AssignmentMessage, Performed};
use muster_proto::id::RunId;
use muster_proto::plan::Plan;
use muster_proto::schedule::ReshapeError;

use super::surroundings::Surroundings;
use crate::cache::Pieces;
use crate::clock_offset::ClockOffset;
use crate::duty::{Duty, News};
use crate::engine::changes::Stuck;
use crate::engine::lease::Lease;
use crate::engine::start::EngineConfig;
use crate::generator::{ChangeError, Generator, PrepareError};

/// How many changes are remembered, for a coordinator that asks again because it did not hear the answer.
const CHANGED_MAX: usize = 256;

/// What an agent has been told to do, and how far it is.
pub(super) struct Part<S: Surroundings> {
    /// The run that it belongs to, once something was assigned.
    pub(super) run: Option<RunId>,
    /// Whether the agent's process has ended, so that only what it left is told.
    pub(super) has_ended: bool,
    /// How many scenarios its plan has.
    pub(super) scenarios: usize,
    /// Which start of the run's coordinator was heard last. An earlier one was replaced, and must not be obeyed.
    pub(super) epoch: u64,
    /// Until when load may be generated. It has ended until the coordinator extends it.
    pub(super) lease: Lease,
    /// How far the coordinator's clock is from ours.
    pub(super) offset: ClockOffset,
    /// What is being carried out.
    pub(super) duty: Option<Box<Duty<S::Generator>>>,
    /// Whether the coordinator waits to hear that it is prepared.
    pub(super) owes_ready: bool,
    /// When its load began or begins, by our clock, once that was told.
    pub(super) started_at_ns: Option<u64>,
    /// How the last changes of what it is to do were made, the latest one last.
    changed: VecDeque<Changed>,
    /// An assignment being prepared, apart from the conversation, which must go on meanwhile.
    preparing: Option<Preparing<S::Generator>>,
    /// What is made once per run, while it is being made. Apart from the conversation, too.
    performing: Option<Performing>,
}

/// How a change of what an agent is to do was made.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    /// Its number.
    pub(super) number: u64,
    /// From when on, in nanoseconds since the run's start.
    pub(super) at_ns: u64,
    /// Why it was not made, if the agent's operator does not allow it.
    pub(super) refusal: Option<String>,
}

/// How preparing went.
pub(super) type Prepared<G> = Result<G, PrepareError>;

type Preparing<G> = Pin<Box<dyn Future<Output = Prepared<G>> + Send>>;

type Performing = Pin<Box<dyn Future<Output = Performed> + Send>>;

/// Why a change of what an agent is to do is not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeFault {
    /// Nothing is held yet, or a change before it is missing.
    #[error("a change out of turn")]
    OutOfTurn,
    /// It makes no sense.
    #[error("a change that makes no sense: {0}")]
    Senseless(ReshapeError),
    /// The generator is of no use any more.
    #[error(transparent)]
    Stuck(Stuck),
}

/// What comes next of preparing or carrying out, whichever the part is at.
pub(super) enum Progress<G> {
    /// Preparing has ended.
    Prepared(Prepared<G>),
    /// What is made once per run has been made.
    Performed(Performed),
    /// There is something to tell.
    News(News),
}

impl<S: Surroundings> Part<S> {
    /// No part yet.
    pub(super) fn none() -> Self {
        let (lease, offset) = (Lease::until(0), ClockOffset::default());
        Self {
            run: None,
            has_ended: false,
            scenarios: 0,
            epoch: 0,
            lease,
            offset,
            duty: None,
            owes_ready: false,
            started_at_ns: None,
            changed: VecDeque::new(),
            preparing: None,
            performing: None,
        }
    }

    /// What is left of a part in a run, of an agent whose process has ended.
    pub(super) fn left(run: RunId, duty: Duty<S::Generator>) -> Self {
        let duty = Some(Box::new(duty));
        Self { run: Some(run), has_ended: true, duty, started_at_ns: Some(0), ..Self::none() }
    }

    /// Whether there is something prepared, or load, that a broken stream leaves behind: the start may be on its way.
    pub(super) fn is_underway(&self) -> bool {
        self.duty.is_some()
    }

    /// Begins to prepare what was assigned, with rows of data that are asked for.
    pub(super) fn prepare(
        &mut self,
        assignment: AssignmentMessage,
        pieces: impl Pieces + 'static,
        config: &EngineConfig,
        surroundings: &S,
    ) {
        // What was prepared for a coordinator that has forgotten it is of no use.
        (self.duty, self.owes_ready) = (None, false);
        self.run = Some(assignment.run_id);
        self.scenarios = assignment.shares.len();
        let (engine, lease, surroundings) = (config.clone(), self.lease.clone(), surroundings.clone());
        self.preparing = Some(Box::pin(async move { surroundings.prepare(assignment, pieces, engine, lease).await }));
    }

    /// Begins to make what is made once per run.
    pub(super) fn perform(&mut self, plan: Plan, config: &EngineConfig, surroundings: &S) {
        let (config, surroundings) = (config.clone(), surroundings.clone());
        self.performing = Some(Box::pin(async move { surroundings.perform(plan, config).await }));
    }

    /// Gives up what was being made once per run: whoever asked for it cannot hear of it any more.
    pub(super) fn give_up_performing(&mut self) {
        self.performing = None;
    }

    /// Lets the load begin at this moment of the coordinator's clock, unless it has begun. `None` when there is nothing to
    /// begin.
    pub(super) fn start(&mut self, at_ns: u64) -> Option<()> {
        let duty = self.duty.as_mut()?;
        duty.want_again();
        if self.started_at_ns.is_none() {
            let at_ns = self.offset.estimate().to_ours_ns(at_ns);
            self.started_at_ns = Some(at_ns);
            duty.generator().start(at_ns);
        }
        Some(())
    }

    /// Makes a change, unless this was done before, and returns what is to be answered.
    ///
    /// # Errors
    /// Why the coordinator, or this agent, cannot go on.
    pub(super) fn change(&mut self, change: &Change) -> Result<Changed, ChangeFault> {
        if let Some(made) = self.changed.iter().find(|made| made.number == change.number) {
            return Ok(made.clone());
        }
        let next = self.changed.back().map_or(1, |last| last.number + 1);
        let duty = self.duty.as_ref().filter(|_| self.started_at_ns.is_some());
        let duty = duty.filter(|_| change.number == next).ok_or(ChangeFault::OutOfTurn)?;
        let made = duty.generator().change(change).map_err(|error| match error {
            ChangeError::Senseless(error) => ChangeFault::Senseless(error),
            ChangeError::Stuck(stuck) => ChangeFault::Stuck(stuck),
        })?;
        let refusal = made.refusal.map(|refusal| refusal.to_string());
        let made = Changed { number: change.number, at_ns: made.at_ns, refusal };
        if self.changed.len() == CHANGED_MAX {
            self.changed.pop_front();
        }
        self.changed.push_back(made.clone());
        Ok(made)
    }

    /// Waits for something while what is measured is kept, with nobody to tell it.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let Some(duty) = &mut self.duty else { return work.await };
        tokio::select! {
            biased;
            done = work => done,
            never = duty.keep_collecting() => match never {},
        }
    }

    /// Waits for the next step forward. May be given up and called again.
    pub(super) async fn progress(&mut self) -> Progress<S::Generator> {
        let Self { duty, preparing, performing, .. } = self;
        tokio::select! {
            biased;
            performed = ended(performing) => Progress::Performed(performed),
            news = next_of(duty) => Progress::News(news),
            prepared = ended(preparing), if duty.is_none() => Progress::Prepared(prepared),
        }
    }
}

/// What comes of something that is under way, which is over then. Waits for ever if nothing is.
async fn ended<T>(work: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    let Some(working) = work else { return std::future::pending().await };
    let outcome = working.await;
    *work = None;
    outcome
}

async fn next_of<G: Generator>(duty: &mut Option<Box<Duty<G>>>) -> News {
    match duty {
        Some(duty) => duty.next().await,
        None => std::future::pending().await,
    }
}
