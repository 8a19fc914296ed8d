//! An agent that lives and does not work.

use super::*;

impl Stage {
    /// An agent shows every so often that it lives, as its own clock and its workers stand then.
    fn pulse(&mut self, sent_at_ns: u64, progress: &[u64]) -> Vec<Command> {
        self.now_ns += TICK_NS;
        let pulse = Pulse { sent_at_ns, progress: progress.to_vec() };
        self.tell(Event::Heard(Link(0), pulse))
    }
}

#[test]
fn a_worker_that_comes_no_further_costs_the_agent_its_part_and_is_named() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    for nth in 0..12 {
        let commands = stage.pulse(nth * TICK_NS, &[nth, 4]);
        assert!(commands.contains(&Command::Renew(Link(0), nth * TICK_NS)), "{nth}: {commands:?}");
    }
    let commands = stage.pulse(3 * S, &[99, 4]);
    assert!(refused(&commands, 0) && !commands.iter().any(|command| matches!(command, Command::Renew(..))));
    let why = stage.run.agents[0].record.lost_because.as_deref();
    assert_eq!(why, Some("its worker 1 came no further for 3 s"));
    let ends_at_ns = stage.now_ns - stage.run.start_ns().unwrap() + LEASE_NS + LEASE_MARGIN_NS;
    let record = &stage.run.agents[0].record;
    assert_eq!(record.idle_at_ns(), Some(ends_at_ns), "it may not hear of that before its lease ends");
}

#[test]
fn signs_of_life_in_quick_succession_say_nothing_of_a_worker() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    for nth in 0..32 {
        assert!(!refused(&stage.pulse(60 * S + nth, &[0, 0]), 0), "{nth}");
    }
}

#[test]
fn workers_that_have_ended_and_agents_that_stood_still_as_a_whole_are_not_stuck() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    for nth in 0..20 {
        assert!(!refused(&stage.pulse(nth * S, &[u64::MAX, nth]), 0), "one has ended, the other works");
    }
    assert!(!refused(&stage.pulse(60 * S, &[u64::MAX, 19]), 0), "it slept, and its worker with it");
    assert!(!refused(&stage.pulse(61 * S, &[u64::MAX, 20]), 0));
}

#[test]
fn nobody_has_to_work_before_the_start() {
    let mut stage = Stage::new(1, OnLoss::Fail);
    stage.tell(Event::Joined(Link(0), newcomer()));
    for nth in 0..20 {
        assert!(!refused(&stage.pulse(nth * S, &[0]), 0));
    }
}
