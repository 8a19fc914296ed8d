//! An agent whose process ends, and another process that hands in what it left.

use super::*;

impl Stage {
    /// Another process hands in, on this link, what the agent left that joined on `link` as one of the first.
    fn hand_in(&mut self, link: u64, on: u64) -> Vec<Command> {
        let (incarnation, run) = (Incarnation(link), Some(self.run.settings.id));
        self.tell(Event::Joined(Link(on), Newcomer { incarnation, run, has_ended: true, ..newcomer() }))
    }
}

fn welcome(link: u64, applied_seq: u64) -> Command {
    Command::Welcome { link: Link(link), agent: 0, applied_seq, changes: Vec::new() }
}

/// Whether what these commands do gives an agent load, or the right to it.
fn grants(commands: &[Command], link: u64) -> bool {
    commands.iter().any(|command| match command {
        Command::Renew(to, _) | Command::Start(to, _) => *to == Link(link),
        Command::Change(to, change) => *to == Link(link) && !change.is_revocation(),
        _ => false,
    })
}

#[test]
fn what_is_handed_in_closes_the_books_whether_the_agent_was_missed_before_or_not() {
    for on_loss in OnLoss::ALL {
        for was_missed in [false, true] {
            let mut stage = Stage::started(2, on_loss);
            stage.delta(0, 1);
            stage.delta(1, 1);
            if was_missed {
                stage.wait(SILENCE_MAX_NS + S, &[1]);
            }
            let mut commands = stage.hand_in(0, 7);
            assert!(commands.contains(&welcome(7, 1)), "{commands:?}");
            commands.extend(stage.delta(7, 2));
            commands.extend(stage.tell(Event::Heard(Link(7), Pulse::default())));
            assert!(!grants(&commands, 7), "{commands:?}");
            assert!(!stage.run.has_ended(), "the other goes on, or drains");
            assert_eq!(stage.close(7, 2).first(), Some(&Command::Release(Link(7))));
            stage.close(1, 1);
            let record = stage.run.into_record(String::new());
            let agent = &record.agents[0];
            assert!(agent.has_ended && agent.lost_at_ns.is_some() && !agent.died());
            assert_eq!(record.ending == Ending::Completed, on_loss != OnLoss::Fail);
            assert_eq!(record.timeline.counts().started, 3);
        }
    }
}

#[test]
fn what_an_agent_held_that_has_ended_is_free_at_once() {
    let mut stage = Stage::started(2, OnLoss::Redistribute);
    stage.wait(S, &[0, 1]);
    let at_ns = stage.now_ns - stage.run.start_ns().unwrap();
    let commands = stage.hand_in(0, 7);
    let given = commands.iter().find_map(|command| match command {
        Command::Change(Link(1), change) if !change.is_revocation() => Some(change.at_ns),
        _ => None,
    });
    let given_ns = given.expect("the other takes it over");
    assert!(given_ns < at_ns + LEASE_NS / 2, "no lease is waited for");
    assert!(stage.run.holdings.of(0).iter().all(Share::is_empty));
    let commands = stage.wait(10 * S, &[1, 7]);
    assert!(!grants(&commands, 7), "{commands:?}");
}

#[test]
fn nobody_who_has_ended_comes_back_to_work() {
    let mut stage = Stage::started(2, OnLoss::Redistribute);
    stage.hand_in(0, 7);
    assert!(refused(&stage.come_back(0, 8), 8));
    stage.tell(Event::Gone(Link(7), "cable".to_owned()));
    assert!(refused(&stage.come_back(0, 9), 9));
    assert!(stage.hand_in(0, 10).contains(&welcome(10, 0)), "but the rest may still be handed in");
    stage.wait(SILENCE_MAX_NS + S, &[1]);
    assert!(stage.hand_in(0, 11).contains(&welcome(11, 0)), "also after a while");
    assert!(stage.close(11, 0).contains(&Command::Release(Link(11))));
    assert!(stage.hand_in(0, 12).contains(&Command::Release(Link(12))), "and is released again");
}

#[test]
fn what_nobody_knows_is_refused() {
    let mut stage = Stage::new(1, OnLoss::Redistribute);
    assert!(refused(&stage.hand_in(0, 7), 7), "nothing has begun");
    let mut stage = Stage::started(1, OnLoss::Redistribute);
    assert!(refused(&stage.hand_in(5, 7), 7), "a stranger");
}

#[test]
fn a_run_is_not_held_open_for_what_is_never_told() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    stage.delta(0, 1);
    stage.hand_in(0, 7);
    stage.close(1, 0);
    assert!(!stage.run.has_ended(), "it is heard");
    stage.wait(SILENCE_MAX_NS + S, &[]);
    let record = stage.run.into_record(String::new());
    assert!(record.agents[0].died(), "its books were never closed");
}

#[test]
fn a_run_whose_only_agent_has_ended_goes_on_with_the_next_one_if_that_is_there() {
    for is_there in [false, true] {
        let mut stage = Stage::started(1, OnLoss::Redistribute);
        if is_there {
            stage.tell(Event::Joined(Link(6), Newcomer { incarnation: Incarnation(99), ..newcomer() }));
        }
        stage.hand_in(0, 7);
        stage.close(7, 0);
        assert_eq!(stage.run.has_ended(), !is_there);
    }
}
