//! How a run goes on under another coordinator.

use muster_agent::planted::planted;
use muster_proto::id::RunId;

use super::super::holdings::Holdings;
use super::super::pool::Pool;
use super::super::record::Absence;
use super::losing::LEASE_MARGIN_NS;
use super::{Phase, Run, Timeline};

/// How long an agent may take to find another coordinator before its silence counts, in nanoseconds. One that looks for
/// it tries every 6.5 s at least, where a try gets no answer at all.
pub(super) const RETURN_MAX_NS: u64 = 10_000_000_000;

impl Run {
    /// Another coordinator goes on. Every stream is broken, so whatever an agent was told or said without an answer will
    /// be told and said again.
    pub(super) fn resumed(&mut self, by_wall_clock: bool, lacks_secrets: bool, now_ns: u64) {
        self.absence.resumed += u32::from(!planted("epoch-forgotten"));
        self.absence.total_ns += now_ns.saturating_sub(self.ticked_ns);
        self.absence.by_wall_clock |= by_wall_clock;
        self.lacks_secrets = lacks_secrets;
        (self.ticked_ns, self.conducted_since_ns) = (now_ns, now_ns);
        self.resume_chores(now_ns);
        match self.phase {
            Phase::Gathering { .. } | Phase::Preparing { .. } => self.gather_anew(now_ns),
            Phase::Running { .. } => self.expect_agents_back(now_ns),
            Phase::TearingDown { .. } | Phase::Ended { .. } => {}
        }
    }

    /// An agent whose stream broke before the start has forgotten what it was to prepare, and joins as a newcomer.
    fn gather_anew(&mut self, now_ns: u64) {
        self.phase = Phase::Gathering { since_ns: now_ns };
        self.agents.clear();
        self.timeline = Timeline::new(&self.settings.plan);
        self.holdings = Holdings::none(&self.settings.plan);
        self.pools = Pool::all_of(&self.settings.plan);
    }

    /// An agent that nobody could hear may have any lease that it can have asked for until now, so its lease and the
    /// margin count from here. It may take longer than that to find us, which harms nobody.
    fn expect_agents_back(&mut self, now_ns: u64) {
        if planted("return-not-awaited") {
            return;
        }
        let silence_max_ns = self.settings.lease_ns.saturating_add(LEASE_MARGIN_NS);
        let counts_from_ns = now_ns.saturating_add(RETURN_MAX_NS.saturating_sub(silence_max_ns));
        self.agents.iter_mut().for_each(|agent| agent.heard_ns = counts_from_ns);
    }

    /// Which start of a coordinator is at work, from 1.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        u64::from(self.absence.resumed) + 1
    }

    /// When nobody coordinated it.
    #[must_use]
    pub fn absence(&self) -> Absence {
        self.absence
    }

    /// The least number that no stream to an agent ever had.
    #[must_use]
    pub fn next_link(&self) -> u64 {
        if planted("streams-numbered-anew") { 0 } else { self.next_link }
    }

    /// How many agents something is still expected of.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.agents.iter().filter(|agent| agent.is_awaited()).count()
    }

    /// Which run it is.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.settings.id
    }

    /// How long an agent that is cut off may go on generating load, in nanoseconds.
    #[must_use]
    pub fn lease_ns(&self) -> u64 {
        self.settings.lease_ns
    }
}
