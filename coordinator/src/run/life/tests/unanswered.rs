//! Changes that an agent leaves unanswered.

use muster_proto::change::What;
use muster_proto::plan::Rate;

use super::*;
use crate::run::agent::UNANSWERED_MAX;
use crate::run::order::{Level, Order, Ticket};

impl Stage {
    /// The scenario goes on in another way: a change for every agent.
    fn set(&mut self) -> Vec<Command> {
        let scenario = self.run.plan().scenarios[0].name.clone();
        let (level, over) = (Level::Rate(Rate::per_second(5)), Duration::ZERO);
        self.tell(Event::Ordered(Ticket(0), Order::Set { scenario, level, over }))
    }

    /// An agent answers what it was told of.
    fn answer(&mut self, link: u64, told: &[Command]) -> Vec<Command> {
        let mut commands = Vec::new();
        for command in told {
            if let Command::Change(to, change) = command
                && *to == Link(link)
            {
                let (link, number, at_ns) = (*to, change.number, change.at_ns);
                commands.extend(self.tell(Event::Changed { link, number, at_ns, refusal: None }));
            }
        }
        commands
    }
}

/// Whether this link was given shares.
fn is_granted(commands: &[Command], link: u64) -> bool {
    let gives = |command: &Command| match command {
        Command::Change(to, change) => *to == Link(link) && matches!(change.what, What::Granted(_)),
        _ => false,
    };
    commands.iter().any(gives)
}

#[test]
fn whoever_leaves_too_many_changes_unanswered_is_given_up_and_whoever_answers_is_not() {
    let mut stage = Stage::started(2, OnLoss::Redistribute);
    for _ in 0..UNANSWERED_MAX {
        let told = stage.set();
        assert!(!refused(&stage.answer(1, &told), 1));
    }
    let commands = stage.wait(500 * MS, &[0, 1]);
    assert!(!refused(&commands, 0), "it has time to answer");
    let commands = stage.wait(S, &[0, 1]);
    let reason = format!("it left {UNANSWERED_MAX} changes unanswered");
    assert!(commands.contains(&Command::Refuse(Link(0), reason)), "{commands:?}");
    assert!(!refused(&commands, 1));
    assert!(is_granted(&commands, 1), "the other takes over");
}

#[test]
fn one_change_less_may_wait() {
    let mut stage = Stage::started(1, OnLoss::Redistribute);
    (1..UNANSWERED_MAX).for_each(|_| drop(stage.set()));
    assert!(!refused(&stage.wait(2 * S, &[0]), 0));
}

#[test]
fn whoever_is_behind_is_given_nothing_until_it_answers() {
    let mut stage = Stage::started(2, OnLoss::Redistribute);
    let mut told = Vec::new();
    for _ in 0..UNANSWERED_MAX {
        let commands = stage.set();
        stage.answer(1, &commands);
        told.extend(commands);
    }
    let commands = stage.tell(Event::Expelled(Link(1), "for the test".to_owned()));
    assert!(!is_granted(&commands, 0), "{commands:?}");
    assert!(is_granted(&stage.answer(0, &told), 0), "what nobody could take is given to whoever has caught up");
}
