//! How a run stands, for whoever watches it.

use muster_proto::plan::Rate;

use super::super::super::order::{Level, Order, Ticket};
use super::*;

impl Stage {
    fn standing(&self) -> Standing<'_> {
        self.run.standing(self.now_ns, 64)
    }

    fn level_after(&mut self, order: Order) -> Option<Level> {
        self.tell(Event::Ordered(Ticket(0), order));
        self.standing().levels[0]
    }
}

fn rate(per_s: u64) -> Option<Level> {
    Some(Level::Rate(Rate::per_second(per_s)))
}

#[test]
fn what_it_does_is_said_from_gathering_to_the_end() {
    let mut stage = Stage::new(1, OnLoss::Fail);
    assert_eq!((stage.standing().doing, stage.standing().elapsed_ns), (Doing::Gathering, None));
    assert_eq!(stage.standing().levels, [None], "nothing can be set yet");
    stage.tell(Event::Joined(Link(0), newcomer()));
    assert_eq!(stage.standing().doing, Doing::Preparing);
    assert_eq!(stage.standing().members[0].presence, Presence::Preparing);
    stage.tell(Event::Ready(Link(0), ClockReading::default()));
    assert_eq!((stage.standing().doing, stage.standing().elapsed_ns), (Doing::Running, Some(0)));
    stage.tell(Event::Stop);
    assert_eq!(stage.standing().doing, Doing::Draining);
    stage.tell(Event::Stop);
    assert_eq!(stage.standing().doing, Doing::Aborting);
    stage.close(0, 0);
    assert_eq!(stage.standing().doing, Doing::Ended);
    assert_eq!(stage.standing().members[0].presence, Presence::Done);
}

#[test]
fn a_level_is_the_one_that_the_next_change_goes_on_from() {
    let mut stage = Stage::started(2, OnLoss::Degrade);
    assert_eq!(stage.standing().levels, [rate(100)]);
    let set = |per_s| Order::Set {
        scenario: "browse".to_owned(),
        level: Level::Rate(Rate::per_second(per_s)),
        over: Duration::ZERO,
    };
    assert_eq!(stage.level_after(set(40)), rate(40), "before it has come about");
    assert_eq!(stage.level_after(Order::Pause), rate(0));
    assert_eq!(stage.standing().doing, Doing::Paused);
    assert_eq!(stage.level_after(Order::Resume), rate(40));
    assert_eq!(stage.standing().doing, Doing::Running);
    stage.now_ns += 10 * S;
    assert_eq!(stage.standing().levels, [None], "the scenario has ended");
}

#[test]
fn agents_at_work_come_first_with_what_they_hold() {
    let mut stage = Stage::started(3, OnLoss::Degrade);
    let parts =
        |stage: &Stage| stage.standing().members.iter().map(|member| (member.index, member.part)).collect::<Vec<_>>();
    let whole: f64 = parts(&stage).into_iter().map(|(_, part)| part).sum();
    assert!((whole - 1.0).abs() < 1e-9 && parts(&stage).iter().all(|(_, part)| (part - 1.0 / 3.0).abs() < 1e-3));
    stage.tell(Event::Expelled(Link(0), "it did wrong".to_owned()));
    let order: Vec<_> = stage.standing().members.iter().map(|member| (member.index, member.presence)).collect();
    assert_eq!(order, [(1, Presence::AtWork), (2, Presence::AtWork), (0, Presence::Lost)]);
    assert_eq!(stage.run.standing(stage.now_ns, 2).members.len(), 2);
    assert_eq!(stage.standing().joined, 3, "those that are not told are counted");
}
