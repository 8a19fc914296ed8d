//! What an agent leaves whose process ends, and what another process hands in for it.

use super::super::agent::State;
use super::super::event::{Command, Link};
use super::Run;

impl Run {
    /// An agent's process has ended, and another one tells what that one had not told. It is given nothing any more; what
    /// it held is free at once, since nobody can start anything of it.
    pub(super) fn hand_in(&mut self, index: usize, link: Link, now_ns: u64) {
        let agent = &mut self.agents[index];
        let before = std::mem::replace(&mut agent.link, link);
        agent.heard_ns = now_ns;
        let (id, applied_seq, was_at_work) = (agent.record.id.0, agent.seq, agent.state == State::Ready);
        let welcome = Command::Welcome { link, agent: id, applied_seq, changes: Vec::new() };
        self.commands.extend([Command::HangUp(before), welcome]);
        if agent.state == State::Closed {
            return self.commands.push(Command::Release(link));
        }
        agent.record.has_ended = true;
        if was_at_work {
            self.give_up(index, "its process ended", now_ns);
        }
        let agent = &mut self.agents[index];
        agent.state = State::HandingIn;
        agent.changes.clear();
        let name = agent.record.name.clone();
        self.tell(format!("what agent {name} had not told is handed in"));
    }

    /// An agent that has ended has nothing more to tell, or there is nobody any more to tell it.
    pub(super) fn stop_handing_in(&mut self, index: usize, reason: &str, now_ns: u64) {
        let agent = &mut self.agents[index];
        agent.state = State::Lost;
        let name = agent.record.name.clone();
        self.tell(format!("what agent {name} had not told is lost: {reason}"));
        self.close_intervals(now_ns);
    }
}
