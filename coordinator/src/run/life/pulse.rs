//! What a sign of life tells: that an agent lives, and that its workers work.

use muster_agent::engine::progress::Progress;

use super::super::agent::{State, Stillness};
use super::super::event::{Command, Link, Pulse};
use super::{Phase, Run};

/// A worker that has come no further for so long, by its agent's clock, in nanoseconds ...
const STILL_MAX_NS: u64 = 3_000_000_000;
/// ... and in so many signs of life is stuck. An agent that stood still as a whole sends none meanwhile.
const STILL_PULSES: u32 = 6;

impl Run {
    /// An agent lives, so its lease is renewed. That alone does not say that it generates any load.
    pub(super) fn pulse(&mut self, link: Link, pulse: &Pulse, now_ns: u64) {
        let Some(index) = self.hear(link, now_ns) else { return };
        if matches!(self.phase, Phase::Running { start_ns } if start_ns <= now_ns)
            && self.agents[index].state == State::Ready
            && let Some(worker) = self.stuck_worker(index, pulse)
        {
            let seconds = STILL_MAX_NS / 1_000_000_000;
            return self.lose(index, &format!("its worker {worker} came no further for {seconds} s"), now_ns);
        }
        // Whoever has ended generates no load.
        if self.agents[index].state == State::HandingIn {
            return;
        }
        self.commands.push(Command::Renew(link, pulse.sent_at_ns));
    }

    /// A worker that should be at work and is not.
    fn stuck_worker(&mut self, index: usize, pulse: &Pulse) -> Option<usize> {
        let workers = &mut self.agents[index].workers;
        let now = |progress: u64| Stillness { progress, since_ns: pulse.sent_at_ns, pulses: 0 };
        if workers.len() != pulse.progress.len() {
            *workers = pulse.progress.iter().map(|progress| now(*progress)).collect();
        }
        let mut stuck = None;
        for (number, (worker, progress)) in workers.iter_mut().zip(&pulse.progress).enumerate() {
            if worker.progress != *progress || *progress == Progress::ENDED {
                *worker = now(*progress);
                continue;
            }
            worker.pulses += 1;
            let still_ns = pulse.sent_at_ns.saturating_sub(worker.since_ns);
            if worker.pulses >= STILL_PULSES && still_ns >= STILL_MAX_NS {
                stuck = Some(number);
            }
        }
        stuck
    }
}
