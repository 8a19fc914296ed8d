//! How a run is brought to its end before its plan is.

use super::super::event::{Command, Link, Manner};
use super::super::record::Ending;
use super::{Phase, Run};

impl Run {
    pub(super) fn stop_by_user(&mut self, now_ns: u64) {
        if self.has_ended() {
            return;
        }
        if matches!(self.phase, Phase::TearingDown { .. }) {
            return self.skip_teardown();
        }
        let manner = if self.stopping.is_some() { Manner::Abort } else { Manner::Drain };
        self.end_by(self.stopped_by_user(), manner, now_ns);
    }

    /// Brings the run to its end. The first reason stays; a harsher manner replaces a milder one.
    pub(super) fn end_by(&mut self, ending: Ending, manner: Manner, now_ns: u64) {
        self.ending.get_or_insert(ending);
        let harsher = match self.stopping {
            None => true,
            Some((told, _)) => told == Manner::Drain && manner == Manner::Abort,
        };
        if !harsher {
            return;
        }
        self.stopping = Some((manner, now_ns));
        if self.start_ns().is_none() {
            return self.end_before_start(now_ns);
        }
        let active = self.agents.iter().filter(|agent| agent.is_active());
        self.commands.extend(active.map(|agent| Command::Stop(agent.link, manner)));
    }

    fn end_before_start(&mut self, now_ns: u64) {
        let is_at_it = |run: &Self| matches!(run.phase, Phase::Gathering { .. } | Phase::Preparing { .. });
        if is_at_it(self) {
            self.end(None, now_ns, now_ns);
        }
    }

    /// A step of the plan ends the run.
    pub(super) fn enough(&mut self, link: Link, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        let name = self.agents[index].record.name.clone();
        match self.phase {
            Phase::Running { .. } => self.end_by(Ending::StoppedByStep(name), Manner::Drain, now_ns),
            _ => self.lose(index, "it ended a run that had not begun", now_ns),
        }
    }
}
