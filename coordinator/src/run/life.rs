//! A run's whole life: `apply` is told what happened and answers what to do. No IO, no clock, no lock.

mod broken;
mod chores;
mod handing;
mod joining;
mod left;
mod losing;
mod orders;
mod pulse;
mod resuming;
mod settling;
mod standing;
mod state;
mod stopping;
mod supplying;

use std::collections::BTreeMap;

use chores::Chores;
use muster_agent::planted::planted;
use muster_proto::change::{Amendment, Handed};
use muster_proto::id::RunId;
use muster_proto::measurement::{Delta, Totals, WINDOW_NS};
use muster_proto::plan::Plan;
use muster_proto::share::Share;
use muster_proto::split;
use orders::Pause;
use serde::{Deserialize, Serialize};
pub use standing::{Doing, Member, Presence, Standing};
pub use state::RunState;

use super::agent::{Agent, State};
use super::event::{ClockReading, Command, Event, Link, Manner};
use super::holdings::Holdings;
use super::pool::Pool;
use super::record::{Absence, Annotation, Ending, RunRecord};
use super::timeline::{COUNTED_MAX, Second, Timeline};
use crate::exit::ExitCode;
use crate::verdict::Judge;

/// The start is at least this long after the last agent is ready, in nanoseconds.
const START_LEAD_MIN_NS: u64 = 50_000_000;
/// ... and at least so many of the longest round trips,
const START_LEAD_ROUND_TRIPS: u64 = 5;
/// ... but no longer than this, whatever an agent says of its round trip.
const START_LEAD_MAX_NS: u64 = 10_000_000_000;
/// How far an agent's windows may be ahead of our clock, in nanoseconds; nobody measures the future.
const AHEAD_MAX_NS: u64 = 5_000_000_000;
/// How long agents may take to prepare, in nanoseconds.
const PREPARE_MAX_NS: u64 = 60_000_000_000;
/// How long after the plan's end agents may still be sending, in nanoseconds.
const CLOSING_MAX_NS: u64 = 30_000_000_000;

/// What a run is told at its beginning.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Which run it is.
    pub id: RunId,
    /// What to do.
    pub plan: Plan,
    /// What the user noted about it.
    pub tags: BTreeMap<String, String>,
    /// Whether an invalid run fails even if nothing is judged.
    pub strict: bool,
    /// How long an agent that is cut off may go on generating load, in nanoseconds.
    pub lease_ns: u64,
    /// How long to wait for enough agents, in nanoseconds.
    pub gather_max_ns: u64,
}

/// How far a run has come. Moments are of the coordinator's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Gathering {
        since_ns: u64,
    },
    Preparing {
        since_ns: u64,
    },
    Running {
        start_ns: u64,
    },
    /// The load has ended.
    TearingDown {
        start_ns: Option<u64>,
        end_ns: u64,
    },
    Ended {
        start_ns: Option<u64>,
        end_ns: u64,
    },
}

/// A run's whole life.
#[derive(Clone, Debug)]
pub struct Run {
    settings: RunSettings,
    phase: Phase,
    agents: Vec<Agent>,
    /// How many were let in, those that left before the run included.
    welcomed: u32,
    holdings: Holdings,
    /// What is left of iterations that all users of a scenario share, and who has the rest.
    pools: Vec<Pool>,
    /// What is made once, before the load and after it.
    chores: Chores,
    /// Whether agents hold other parts of the load than they are entitled to.
    wants_balance: bool,
    /// What nobody can hold.
    unheld: Handed,
    /// Whether the plan's secrets are not known here any more, so that nobody else can be told what to do.
    lacks_secrets: bool,
    /// How the plan's profiles went on, in order.
    amendments: Vec<Amendment>,
    /// Whether, and how, its user has paused it.
    pause: Option<Pause>,
    /// What is to be remembered for the report.
    annotations: Vec<Annotation>,
    /// When shares last went from hand to hand, in nanoseconds of run time.
    handed_on_ns: u64,
    timeline: Timeline,
    judge: Judge,
    /// How it will have ended; set by the first thing that ends it.
    ending: Option<Ending>,
    /// What agents were told last, and when.
    stopping: Option<(Manner, u64)>,
    commands: Vec<Command>,
    /// The seconds that closed by what happened last.
    closed: Vec<Second>,
    /// The end of the latest window that any agent told of, in nanoseconds of run time.
    told_ns: u64,
    /// When time was last known to go by.
    ticked_ns: u64,
    /// Since when the present coordinator is at work.
    conducted_since_ns: u64,
    /// When nobody was.
    absence: Absence,
    /// The least number that no stream ever had.
    next_link: u64,
}

impl Run {
    /// A run that waits for its agents from now on.
    #[must_use]
    pub fn new(settings: RunSettings, now_ns: u64) -> Self {
        Self {
            holdings: Holdings::none(&settings.plan),
            pools: Pool::all_of(&settings.plan),
            chores: Chores::of(&settings.plan),
            wants_balance: false,
            unheld: Handed::default(),
            lacks_secrets: false,
            amendments: Vec::new(),
            pause: None,
            annotations: Vec::new(),
            handed_on_ns: 0,
            timeline: Timeline::new(&settings.plan),
            judge: Judge::new(&settings.plan),
            phase: Phase::Gathering { since_ns: now_ns },
            agents: Vec::new(),
            welcomed: 0,
            ending: None,
            stopping: None,
            commands: Vec::new(),
            closed: Vec::new(),
            told_ns: 0,
            ticked_ns: now_ns,
            conducted_since_ns: now_ns,
            absence: Absence::default(),
            next_link: 0,
            settings,
        }
    }

    /// What follows from something that happened at this moment of the coordinator's clock.
    pub fn apply(&mut self, event: Event, now_ns: u64) -> Vec<Command> {
        self.closed.clear();
        match event {
            Event::Joined(link, newcomer) => self.join(link, newcomer, now_ns),
            Event::Heard(link, pulse) => self.pulse(link, &pulse, now_ns),
            Event::Changed { link, number, at_ns, refusal } => self.changed(link, number, at_ns, refusal, now_ns),
            Event::Ready(link, clock) => self.ready(link, clock, now_ns),
            Event::Unable { link, reason, by_policy } => self.unable(link, &reason, by_policy, now_ns),
            Event::Performed(link, performed) => self.performed(link, performed, now_ns),
            Event::Enough(link) => self.enough(link, now_ns),
            Event::Wanting(link, wanting) => self.wanting(link, &wanting, now_ns),
            Event::Delta(link, delta) => self.measured(link, &delta, now_ns),
            Event::Closing { link, totals, start_error_ns } => self.closing(link, totals, start_error_ns, now_ns),
            Event::Leaving(link) => self.leave(link, now_ns),
            Event::Gone(link, reason) => self.gone(link, &reason, now_ns),
            Event::Expelled(link, reason) => self.expel(link, &reason, now_ns),
            Event::Stop => self.stop_by_user(now_ns),
            Event::Ordered(ticket, order) => self.order(ticket, order, now_ns),
            Event::Tick => self.tick(now_ns),
            Event::Resumed { by_wall_clock, lacks_secrets } => self.resumed(by_wall_clock, lacks_secrets, now_ns),
            Event::Unstorable(reason) => self.unstorable(reason, now_ns),
            Event::Interrupted => self.interrupted(now_ns),
        }
        self.supply(now_ns);
        self.end_if_done(now_ns);
        std::mem::take(&mut self.commands)
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// The start on the coordinator's clock, once it is set.
    #[must_use]
    pub fn start_ns(&self) -> Option<u64> {
        match self.phase {
            Phase::Running { start_ns } => Some(start_ns),
            Phase::TearingDown { start_ns, .. } | Phase::Ended { start_ns, .. } => start_ns,
            Phase::Gathering { .. } | Phase::Preparing { .. } => None,
        }
    }

    /// What was measured until now.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.settings.plan
    }

    /// How many agents have joined, those that were lost included.
    #[must_use]
    pub fn joined(&self) -> usize {
        self.agents.len()
    }

    /// Everything that a report needs, with the start in RFC 3339.
    #[must_use]
    pub fn into_record(self, started_at: String) -> RunRecord {
        let duration_ns = match self.phase {
            Phase::Ended { start_ns: Some(start_ns), end_ns } => end_ns.saturating_sub(start_ns),
            _ => 0,
        };
        RunRecord {
            began: self.start_ns().is_some(),
            id: self.settings.id,
            plan: self.settings.plan,
            started_at,
            duration_ns,
            tags: self.settings.tags,
            strict: self.settings.strict,
            ending: self.ending.unwrap_or(Ending::Completed),
            teardown_failure: self.chores.teardown_failure,
            absence: self.absence,
            amendments: self.amendments,
            annotations: self.annotations,
            pools: self.pools,
            agents: self.agents.into_iter().map(|agent| agent.record).collect(),
            timeline: self.timeline,
            judge: self.judge,
        }
    }

    fn assign(&mut self, now_ns: u64) {
        self.phase = Phase::Preparing { since_ns: now_ns };
        let weights: Vec<u32> = self.agents.iter().map(|agent| agent.record.weight).collect();
        let scenarios = self.settings.plan.scenarios.iter();
        let dealt = scenarios.map(|scenario| split::deal(&scenario.executor, &Share::full(), &weights));
        let dealt: Vec<Vec<Share>> = dealt.collect();
        for (index, agent) in self.agents.iter_mut().enumerate() {
            agent.state = State::Preparing;
            self.timeline.expect(index);
            let shares: Vec<Share> = dealt.iter().map(|shares| shares[index].clone()).collect();
            self.holdings.give(index, Handed::new(shares.clone()), 0);
            let found = self.chores.found().to_vec();
            self.commands.push(Command::Assign { link: agent.link, shares, amendments: Vec::new(), found });
        }
    }

    /// Which agent said something. What comes after its end, and after the run's, changes nothing.
    fn hear(&mut self, link: Link, now_ns: u64) -> Option<usize> {
        let index = self.find(link)?;
        self.agents[index].heard_ns = now_ns;
        Some(index)
    }

    fn find(&self, link: Link) -> Option<usize> {
        let wanted = |agent: &Agent| agent.link == link && agent.is_awaited();
        self.agents.iter().position(wanted).filter(|_| !self.has_ended())
    }

    fn ready(&mut self, link: Link, clock: ClockReading, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        let agent = &mut self.agents[index];
        if agent.state != State::Preparing {
            return self.lose(index, "it said that it was ready when nobody had asked", now_ns);
        }
        agent.state = State::Ready;
        agent.read_clock(clock);
        if let Phase::Running { start_ns } = self.phase {
            self.commands.push(Command::Start(link, start_ns));
            self.timeline.expect_from(index, now_ns.saturating_sub(start_ns));
            self.tell_of_amendments(index);
            return self.rebalance(now_ns);
        }
        let is_preparing = matches!(self.phase, Phase::Preparing { .. });
        if is_preparing && self.agents.iter().all(|agent| agent.state == State::Ready) {
            self.start(now_ns);
        }
    }

    fn start(&mut self, now_ns: u64) {
        let round_trip_ns = self.agents.iter().map(|agent| agent.record.round_trip_ns).max().unwrap_or(0);
        let lead_ns = START_LEAD_MIN_NS.max(START_LEAD_ROUND_TRIPS.saturating_mul(round_trip_ns));
        let start_ns = now_ns + lead_ns.min(START_LEAD_MAX_NS);
        self.phase = Phase::Running { start_ns };
        let starts = self.agents.iter().map(|agent| Command::Start(agent.link, start_ns));
        self.commands.extend(starts);
    }

    fn unable(&mut self, link: Link, reason: &str, by_policy: bool, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        if self.agents[index].state != State::Preparing || self.start_ns().is_some() {
            return self.lose(index, &format!("it cannot go on: {reason}"), now_ns);
        }
        let exit_code = if by_policy { ExitCode::Refused } else { ExitCode::Failure };
        let reason = format!("agent {} cannot carry the plan out: {reason}", self.agents[index].record.name);
        self.end_by(Ending::Failed { exit_code, reason }, Manner::Abort, now_ns);
    }

    fn measured(&mut self, link: Link, delta: &Delta, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        let agent = &mut self.agents[index];
        let Phase::Running { start_ns } = self.phase else {
            return self.lose(index, "it sent measurements before the start", now_ns);
        };
        let until_ns = (u64::from(delta.last_window) + 1) * WINDOW_NS;
        if until_ns > now_ns.saturating_sub(start_ns) + AHEAD_MAX_NS {
            return self.lose(index, "it sent measurements of the future; are its clock and ours steady?", now_ns);
        }
        if delta.seq <= agent.seq && !planted("no-dedupe") {
            agent.record.duplicates_refused += 1;
        } else if delta.seq > agent.seq + 1 && !planted("gap-accepted") {
            let reason = format!("it sent delta {} where {} was wanted", delta.seq, agent.seq + 1);
            return self.lose(index, &reason, now_ns);
        } else {
            agent.counted = agent.counted.saturating_add(delta.measurement.volume());
            if agent.counted > COUNTED_MAX {
                return self.lose(index, "it counted more than any agent can", now_ns);
            }
            agent.seq = delta.seq;
            self.told_ns = self.told_ns.max(until_ns);
            self.timeline.apply(index, delta);
        }
        let wrong = u64::from(planted("wrong-number-acknowledged"));
        self.commands.push(Command::Ack(link, self.agents[index].seq + wrong));
        self.close_intervals(now_ns);
    }

    /// Judges the seconds that every agent has told of.
    fn close_intervals(&mut self, now_ns: u64) {
        for second in self.timeline.close_until(self.timeline.told_until()) {
            if let Some(expression) = self.judge.second(&second, &self.timeline) {
                self.end_by(Ending::AbortedBy(expression), Manner::Drain, now_ns);
            }
            self.closed.push(second);
        }
    }

    fn closing(&mut self, link: Link, totals: Totals, start_error_ns: Option<i64>, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        let agent = &mut self.agents[index];
        if !matches!(self.phase, Phase::Running { .. }) {
            return self.lose(index, "it closed its books before the start", now_ns);
        }
        if totals.last_seq != agent.seq && !planted("closing-unchecked") {
            let reason = format!("it closed its books after delta {}, but {} came", totals.last_seq, agent.seq);
            return self.lose(index, &reason, now_ns);
        }
        agent.state = State::Closed;
        agent.record.totals = Some(totals);
        agent.record.start_error_ns = start_error_ns;
        self.close_accounts(index);
        match self.agents[index].record.left {
            true => self.commands.push(Command::Release(link)),
            false => self.release_or_keep(link, now_ns),
        }
        // Nothing more is expected of it, so that the others' seconds neither wait for it nor miss it.
        let told_until_ns = self.timeline.agents().get(index).map_or(0, |agent| agent.told_until_ns);
        if !self.agents[index].record.has_ended {
            self.timeline.release(index, told_until_ns);
        }
        if self.agents[index].record.left {
            // What it did not hand back in time.
            self.take_over(index, now_ns);
        }
        self.end_if_all_have_left(index, now_ns);
        self.close_intervals(now_ns);
    }

    fn tick(&mut self, now_ns: u64) {
        if self.has_ended() {
            return;
        }
        self.miss_the_silent(now_ns);
        if let Some(start_ns) = self.start_ns() {
            let agents = &self.agents;
            self.holdings.settle(now_ns.saturating_sub(start_ns), |agent| agents[agent].owes_a_reshape());
        }
        self.give_up_on_chores(now_ns);
        match self.phase {
            Phase::Gathering { since_ns }
                if !self.chores.is_under_way() && now_ns.saturating_sub(since_ns) > self.settings.gather_max_ns =>
            {
                let wanted = self.settings.plan.agents.start_when;
                let waited_s = self.settings.gather_max_ns / 1_000_000_000;
                let reason = format!(
                    "{} of {wanted} agents joined within {waited_s} s; start them with muster-agent --join, or wait \
                     longer with --wait",
                    self.agents.len()
                );
                self.end_by(Ending::Failed { exit_code: ExitCode::Failure, reason }, Manner::Abort, now_ns);
            }
            Phase::Preparing { since_ns } if now_ns.saturating_sub(since_ns) > PREPARE_MAX_NS => {
                let late = self.agents.iter().filter(|agent| agent.state == State::Preparing);
                let late: Vec<&str> = late.map(|agent| agent.record.name.as_str()).collect();
                let reason = format!("not prepared within {} s: {}", PREPARE_MAX_NS / 1_000_000_000, late.join(", "));
                self.end_by(Ending::Failed { exit_code: ExitCode::Failure, reason }, Manner::Abort, now_ns);
            }
            Phase::Running { start_ns } => {
                self.give_up_on_the_unanswering(start_ns, now_ns);
                self.give_up_on_the_late(start_ns, now_ns);
            }
            _ => {}
        }
    }

    fn give_up_on_the_late(&mut self, start_ns: u64, now_ns: u64) {
        let scenarios = &self.settings.plan.scenarios;
        let ns = |duration: std::time::Duration| duration.as_nanos() as u64;
        let end_ns = match self.stopping {
            None => start_ns + scenarios.iter().map(|scenario| ns(scenario.end())).max().unwrap_or(0),
            Some((Manner::Drain, at_ns)) => {
                at_ns + scenarios.iter().map(|scenario| ns(scenario.graceful_stop)).max().unwrap_or(0)
            }
            Some((Manner::Abort, at_ns)) => at_ns,
        };
        // Nobody could close its books with a coordinator that was not there.
        let end_ns = end_ns.max(self.conducted_since_ns);
        if now_ns > end_ns.saturating_add(CLOSING_MAX_NS) {
            while let Some(index) = self.agents.iter().position(Agent::is_awaited) {
                let reason = format!("not finished {} s after the end", CLOSING_MAX_NS / 1_000_000_000);
                self.lose(index, &reason, now_ns);
            }
        }
    }

    fn end_if_done(&mut self, now_ns: u64) {
        let Phase::Running { start_ns } = self.phase else { return };
        if self.agents.iter().any(Agent::is_awaited) {
            return;
        }
        // Agents that closed their books said how long they went on; what a lost one did last is not known.
        let complete = self.agents.iter().all(|agent| agent.state == State::Closed);
        let lasted_ns = if complete { self.told_ns } else { now_ns.saturating_sub(start_ns) };
        for second in self.timeline.finish(lasted_ns) {
            self.judge.second(&second, &self.timeline);
            self.closed.push(second);
        }
        self.settle();
        self.bound_losses();
        self.end(Some(start_ns), start_ns + lasted_ns, now_ns);
    }

    fn tell(&mut self, text: String) {
        self.commands.push(Command::Tell(text));
    }
}

#[cfg(test)]
mod tests;
