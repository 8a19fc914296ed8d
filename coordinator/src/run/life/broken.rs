//! A run whose own coordinator fails it: it cannot write down what happens, or it ended before the run did.

use super::{Ending, ExitCode, Manner, Phase, Run, State};

impl Run {
    /// What happens can no longer be written down. The load ends at once; what agents still tell is counted as long as
    /// somebody is there to report it. Nothing else that may have ended the run is as severe.
    pub(super) fn unstorable(&mut self, reason: String, now_ns: u64) {
        if self.has_ended() {
            return;
        }
        self.ending = None;
        self.end_by(Ending::Failed { exit_code: ExitCode::Storage, reason }, Manner::Abort, now_ns);
    }

    /// Nobody was there any more to hear of anything. What agents did from now on is unknown.
    pub(super) fn interrupted(&mut self, now_ns: u64) {
        if self.has_ended() {
            return;
        }
        if let Phase::TearingDown { start_ns, end_ns } = self.phase {
            self.chores.teardown_failure = Some("its coordinator ended before it was made".to_owned());
            self.phase = Phase::Ended { start_ns, end_ns };
            return;
        }
        self.ending = Some(Ending::Interrupted);
        let Some(start_ns) = self.start_ns() else {
            self.phase = Phase::Ended { start_ns: None, end_ns: now_ns };
            return;
        };
        let lost_at_ns = now_ns.saturating_sub(start_ns);
        for index in 0..self.agents.len() {
            if self.agents[index].is_awaited() {
                self.agents[index].state = State::Lost;
                self.agents[index].record.lost_at_ns.get_or_insert(lost_at_ns);
                self.timeline.release(index, lost_at_ns);
            }
        }
        self.close_intervals(now_ns);
    }
}
