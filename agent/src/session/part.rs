//! An agent's part in a run, which outlives the stream on which it was assigned.

use std::future::Future;

use muster_proto::convert::AssignmentMessage;
use muster_proto::id::RunId;
use tokio::task::{JoinError, JoinHandle};

use crate::clock_offset::ClockOffset;
use crate::duty::{Duty, DutyError, News};
use crate::engine::lease::Lease;
use crate::engine::start::EngineConfig;

/// What an agent has been told to do, and how far it is.
pub(super) struct Part {
    /// The run that it belongs to, once something was assigned.
    pub(super) run: Option<RunId>,
    /// Which start of the run's coordinator was heard last. An earlier one was replaced, and must not be obeyed.
    pub(super) epoch: u64,
    /// Until when load may be generated. It has ended until the coordinator extends it.
    pub(super) lease: Lease,
    /// How far the coordinator's clock is from ours.
    pub(super) offset: ClockOffset,
    /// What is being carried out.
    pub(super) duty: Option<Box<Duty>>,
    /// Whether its load has been told to begin.
    pub(super) started: bool,
    /// An assignment being prepared, apart from the conversation, which must go on meanwhile.
    preparing: Option<JoinHandle<Result<Box<Duty>, DutyError>>>,
}

/// How preparing went.
pub(super) type Prepared = Result<Result<Box<Duty>, DutyError>, JoinError>;

/// What comes next of preparing or carrying out, whichever the part is at.
pub(super) enum Progress {
    /// Preparing has ended.
    Prepared(Prepared),
    /// There is something to tell.
    News(News),
}

impl Part {
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
    pub(super) fn prepare(&mut self, assignment: AssignmentMessage, config: &EngineConfig) {
        self.run = Some(assignment.run_id);
        let (engine, lease) = (config.clone(), self.lease.clone());
        let prepare = move || Duty::prepare(assignment, &engine, &lease).map(Box::new);
        self.preparing = Some(tokio::task::spawn_blocking(prepare));
    }

    /// Lets the load begin at this moment of the coordinator's clock, unless it has begun. `None` when there is nothing to
    /// begin.
    pub(super) fn start(&mut self, at_ns: u64) -> Option<()> {
        let duty = self.duty.as_ref()?;
        if !std::mem::replace(&mut self.started, true) {
            duty.engine().start(self.offset.estimate().to_ours_ns(at_ns));
        }
        Some(())
    }

    /// How preparing went, once it has ended.
    async fn next_prepared(&mut self) -> Prepared {
        let Some(preparing) = &mut self.preparing else { return std::future::pending().await };
        let prepared = preparing.await;
        self.preparing = None;
        prepared
    }

    /// Waits for something while what is measured is kept, with nobody to tell it.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let Some(duty) = &mut self.duty else { return work.await };
        tokio::select! {
            done = work => done,
            never = duty.keep_collecting() => match never {},
        }
    }

    /// Waits for the next step forward. May be given up and called again.
    pub(super) async fn progress(&mut self) -> Progress {
        match &mut self.duty {
            Some(duty) => Progress::News(duty.next().await),
            None => Progress::Prepared(self.next_prepared().await),
        }
    }
}
