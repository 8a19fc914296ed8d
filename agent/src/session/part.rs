//! An agent's part in a run, which outlives the stream on which it was assigned.

use std::future::Future;
use std::pin::Pin;

use muster_proto::convert::AssignmentMessage;
use muster_proto::id::RunId;

use super::surroundings::Surroundings;
use crate::clock_offset::ClockOffset;
use crate::duty::{Duty, News};
use crate::engine::lease::Lease;
use crate::engine::start::EngineConfig;
use crate::generator::{Generator, PrepareError};

/// What an agent has been told to do, and how far it is.
pub(super) struct Part<S: Surroundings> {
    /// The run that it belongs to, once something was assigned.
    pub(super) run: Option<RunId>,
    /// Which start of the run's coordinator was heard last. An earlier one was replaced, and must not be obeyed.
    pub(super) epoch: u64,
    /// Until when load may be generated. It has ended until the coordinator extends it.
    pub(super) lease: Lease,
    /// How far the coordinator's clock is from ours.
    pub(super) offset: ClockOffset,
    /// What is being carried out.
    pub(super) duty: Option<Box<Duty<S::Generator>>>,
    /// Whether its load has been told to begin.
    pub(super) started: bool,
    /// An assignment being prepared, apart from the conversation, which must go on meanwhile.
    preparing: Option<Preparing<S::Generator>>,
}

/// How preparing went.
pub(super) type Prepared<G> = Result<G, PrepareError>;

type Preparing<G> = Pin<Box<dyn Future<Output = Prepared<G>> + Send>>;

/// What comes next of preparing or carrying out, whichever the part is at.
pub(super) enum Progress<G> {
    /// Preparing has ended.
    Prepared(Prepared<G>),
    /// There is something to tell.
    News(News),
}

impl<S: Surroundings> Part<S> {
    /// No part yet.
    pub(super) fn none() -> Self {
        let (lease, offset) = (Lease::until(0), ClockOffset::default());
        Self { run: None, epoch: 0, lease, offset, duty: None, started: false, preparing: None }
    }

    /// Whether there is load that a broken stream leaves behind.
    pub(super) fn is_underway(&self) -> bool {
        self.duty.is_some() && self.started
    }

    /// Begins to prepare what was assigned.
    pub(super) fn prepare(&mut self, assignment: AssignmentMessage, config: &EngineConfig, surroundings: &S) {
        self.run = Some(assignment.run_id);
        let (engine, lease, surroundings) = (config.clone(), self.lease.clone(), surroundings.clone());
        self.preparing = Some(Box::pin(async move { surroundings.prepare(assignment, engine, lease).await }));
    }

    /// Lets the load begin at this moment of the coordinator's clock, unless it has begun. `None` when there is nothing to
    /// begin.
    pub(super) fn start(&mut self, at_ns: u64) -> Option<()> {
        let duty = self.duty.as_ref()?;
        if !std::mem::replace(&mut self.started, true) {
            duty.generator().start(self.offset.estimate().to_ours_ns(at_ns));
        }
        Some(())
    }

    /// How preparing went, once it has ended.
    async fn next_prepared(&mut self) -> Prepared<S::Generator> {
        let Some(preparing) = &mut self.preparing else { return std::future::pending().await };
        let prepared = preparing.await;
        self.preparing = None;
        prepared
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
        match &mut self.duty {
            Some(duty) => Progress::News(duty.next().await),
            None => Progress::Prepared(self.next_prepared().await),
        }
    }
}
