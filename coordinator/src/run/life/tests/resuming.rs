//! What a run does when another coordinator goes on with it.

use super::*;
use crate::run::life::resuming::RETURN_MAX_NS;

impl Stage {
    /// Nobody coordinates for so long, and then another does.
    fn resumed_after(&mut self, ns: u64) {
        self.now_ns += ns;
        assert_eq!(
            self.tell(Event::Resumed { by_wall_clock: false, lacks_secrets: false }),
            [],
            "there is nobody to tell anything"
        );
    }
}

#[test]
fn agents_have_time_to_find_another_coordinator_and_are_lost_if_they_do_not() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    stage.resumed_after(30 * S);
    assert!(!refused(&stage.wait(RETURN_MAX_NS - TICK_NS, &[]), 0));
    let commands = stage.come_back(0, 2);
    assert!(matches!(commands[1], Command::Welcome { link: Link(2), agent: 0, applied_seq: 0, .. }), "{commands:?}");
    let commands = stage.wait(3 * TICK_NS, &[2]);
    assert!(refused(&commands, 1) && !refused(&commands, 2), "{commands:?}");
}

#[test]
fn an_agent_that_has_come_back_is_missed_as_soon_as_any() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    stage.resumed_after(S);
    stage.come_back(0, 1);
    assert!(!refused(&stage.wait(SILENCE_MAX_NS, &[]), 1));
    assert!(refused(&stage.wait(TICK_NS, &[]), 1));
}

#[test]
fn nobody_is_given_up_before_its_lease_and_the_margin_have_ended_anew() {
    let lease_ns = 20 * S;
    let mut stage = Stage::started(1, OnLoss::Fail);
    stage.run.settings.lease_ns = lease_ns;
    stage.resumed_after(19 * S);
    assert!(!refused(&stage.wait(lease_ns + LEASE_MARGIN_NS, &[]), 0));
    assert!(refused(&stage.wait(TICK_NS, &[]), 0));
}

#[test]
fn a_run_that_had_not_begun_gathers_its_agents_anew() {
    for ready in 0..2 {
        let mut stage = Stage::new(2, OnLoss::Fail);
        (0..2).for_each(|link| drop(stage.tell(Event::Joined(Link(link), newcomer()))));
        (0..ready).for_each(|link| drop(stage.tell(Event::Ready(Link(link), ClockReading::default()))));
        stage.resumed_after(GATHER_MAX_NS);
        assert_eq!(stage.tell(Event::Ready(Link(1), ClockReading::default())), [], "its stream is broken");
        let joined = stage.tell(Event::Joined(Link(2), newcomer()));
        assert!(matches!(joined[0], Command::Welcome { link: Link(2), agent: 2, .. }), "{joined:?}");
        let joined = stage.tell(Event::Joined(Link(3), newcomer()));
        let assigned = joined.iter().filter(|command| matches!(command, Command::Assign { .. })).count();
        assert_eq!(assigned, 2, "{joined:?}");
        (2..4).for_each(|link| drop(stage.tell(Event::Ready(Link(link), ClockReading::default()))));
        assert!(stage.run.start_ns().is_some());
        assert_eq!(stage.run.timeline().agents().len(), 2);
    }
}

#[test]
fn a_run_that_waits_for_agents_waits_anew_and_not_for_ever() {
    let mut stage = Stage::new(2, OnLoss::Fail);
    stage.tell(Event::Joined(Link(0), newcomer()));
    stage.resumed_after(100 * S);
    stage.wait(GATHER_MAX_NS, &[]);
    assert!(!stage.run.has_ended());
    stage.wait(2 * TICK_NS, &[]);
    assert!(failed_because(&stage.ending(), "0 of 2 agents joined within 20 s"));
}

#[test]
fn agents_whose_load_ended_meanwhile_may_still_close_their_books() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    stage.delta(0, 1);
    stage.resumed_after(1_000 * S);
    stage.wait(S, &[]);
    stage.come_back(0, 1);
    stage.delta(1, 2);
    assert_eq!(stage.close(1, 2), [Command::Release(Link(1))]);
    assert_eq!(stage.ending(), Ending::Completed);
}

#[test]
fn who_comes_back_is_told_again_that_the_run_is_to_end() {
    let mut stage = Stage::started(1, OnLoss::Fail);
    stage.tell(Event::Stop);
    stage.resumed_after(S);
    let commands = stage.come_back(0, 1);
    assert!(commands.contains(&Command::Stop(Link(1), Manner::Drain)), "{commands:?}");
    assert!(stage.tell(Event::Stop).contains(&Command::Stop(Link(1), Manner::Abort)), "it was the second wish");
}

#[test]
fn coordinators_are_told_apart_and_streams_never_confused() {
    let mut stage = Stage::started(3, OnLoss::Fail);
    assert_eq!((stage.run.epoch(), stage.run.next_link()), (1, 3));
    stage.wait(S, &[0, 1, 2]);
    stage.resumed_after(S);
    stage.come_back(1, 7);
    stage.tell(Event::Tick);
    stage.resumed_after(2 * S);
    assert_eq!((stage.run.epoch(), stage.run.next_link()), (3, 8));
    assert_eq!(stage.run.absence(), Absence { resumed: 2, total_ns: 3 * S, by_wall_clock: false });
    stage.tell(Event::Resumed { by_wall_clock: true, lacks_secrets: false });
    assert!(stage.run.absence().by_wall_clock);
}
