//! What is made once per run, whatever becomes of the run and of whoever makes it.

use muster_proto::convert::Performed;
use muster_proto::plan::{Chore, ChoreKind, Step, Think, Var};

use super::*;

/// What happens, and what is told of it.
type Case = (fn(&mut Stage), &'static str);

/// A stage whose plan has these chores.
fn stage(agents: u32, kinds: &[ChoreKind]) -> Stage {
    let mut settings = settings(agents, OnLoss::Redistribute);
    let second = Duration::from_secs(1);
    let chore = Chore { steps: vec![Step::Think(Think::Even(second, second))], ..Chore::default() };
    for kind in kinds {
        match kind {
            ChoreKind::Setup => settings.plan.setup = chore.clone(),
            ChoreKind::Teardown => settings.plan.teardown = chore.clone(),
        }
    }
    Stage { run: Run::new(settings, S), now_ns: S }
}

impl Stage {
    fn join_as(&mut self, link: u64) -> Vec<Command> {
        self.tell(Event::Joined(Link(link), Newcomer { incarnation: Incarnation(link), ..newcomer() }))
    }

    fn performed(&mut self, link: u64, failure: Option<&str>) -> Vec<Command> {
        let found = vec![("token".to_owned(), "7".to_owned())];
        self.tell(Event::Performed(Link(link), Performed { failure: failure.map(str::to_owned), found }))
    }

    /// All agents, on links 0, 1, ..., are ready, and the run begins now.
    fn begin(&mut self, agents: u64) {
        (0..agents).for_each(|link| drop(self.tell(Event::Ready(Link(link), ClockReading::default()))));
        self.now_ns = self.run.start_ns().expect("all are ready");
    }

    fn teardown_failure(self) -> Option<String> {
        assert!(self.run.has_ended());
        self.run.into_record(String::new()).teardown_failure
    }
}

/// Who is to make which chore.
fn handed_out(commands: &[Command]) -> Vec<(u64, String)> {
    let chore = |command: &Command| match command {
        Command::Perform(link, plan) => Some((link.0, plan.scenarios[0].name.clone())),
        _ => None,
    };
    commands.iter().filter_map(chore).collect()
}

fn assigned(commands: &[Command]) -> usize {
    let with_token = |found: &[(String, String)]| found == [("token".to_owned(), "7".to_owned())];
    let assigned = |command: &&Command| matches!(command, Command::Assign { found, .. } if with_token(found));
    commands.iter().filter(assigned).count()
}

fn released(commands: &[Command]) -> Vec<u64> {
    let released = |command: &Command| match command {
        Command::Release(link) => Some(link.0),
        _ => None,
    };
    commands.iter().filter_map(released).collect()
}

#[test]
fn a_run_is_set_up_by_one_agent_and_all_are_told_what_it_found_out() {
    let mut stage = stage(2, &[ChoreKind::Setup]);
    assert!(handed_out(&stage.join_as(0)).is_empty(), "not before all are there");
    let commands = stage.join_as(1);
    assert_eq!((handed_out(&commands), assigned(&commands)), (vec![(0, "setup".to_owned())], 0));
    let late = stage.join_as(2);
    assert_eq!((handed_out(&late).len(), assigned(&late)), (0, 0));
    assert_eq!(assigned(&stage.performed(0, None)), 3);
    stage.begin(3);
    assert_eq!(assigned(&stage.join_as(3)), 1, "and whoever comes later");
    assert!(refused(&stage.performed(1, None), 1), "nobody had asked");
}

#[test]
fn a_setup_that_fails_or_has_no_end_ends_the_run_before_it_begins() {
    let cases: [Case; 4] = [
        (|stage| drop(stage.performed(0, Some("login: status 500"))), "the setup has failed: login: status 500"),
        (|stage| drop(stage.tell(Event::Gone(Link(0), "cable".to_owned()))), "its agent was lost: cable"),
        (|stage| drop(stage.wait(200 * S, &[0, 1])), "did not say that it had ended"),
        (
            |stage| drop(stage.tell(Event::Resumed { by_wall_clock: false, lacks_secrets: false })),
            "the coordinator ended in the middle of it",
        ),
    ];
    for (happens, words) in cases {
        let mut stage = stage(2, &[ChoreKind::Setup, ChoreKind::Teardown]);
        (0..2).for_each(|link| drop(stage.join_as(link)));
        happens(&mut stage);
        assert!(stage.run.has_ended(), "{words}: there is nothing to tear down");
        let record = stage.run.into_record(String::new());
        assert!(failed_because(&record.ending, words), "{:?}", record.ending);
        assert!(!record.began && record.teardown_failure.is_none());
    }
}

#[test]
fn agents_that_come_and_go_during_the_setup_change_nothing_of_it() {
    let mut stage = stage(2, &[ChoreKind::Setup]);
    (0..2).for_each(|link| drop(stage.join_as(link)));
    stage.tell(Event::Gone(Link(1), "cable".to_owned()));
    assert_eq!(assigned(&stage.performed(0, None)), 0, "one is missing again");
    let commands = stage.join_as(2);
    assert_eq!((handed_out(&commands).len(), assigned(&commands)), (0, 2), "and is not set up again");
}

#[test]
fn agents_are_kept_until_one_has_torn_down_whatever_ended_the_load() {
    let endings: [fn(&mut Stage) -> Vec<Command>; 3] = [
        |_| Vec::new(),
        |stage| stage.tell(Event::Stop),
        |stage| [stage.tell(Event::Stop), stage.tell(Event::Stop)].concat(),
    ];
    for end in endings {
        let mut stage = stage(2, &[ChoreKind::Setup, ChoreKind::Teardown]);
        (0..2).for_each(|link| drop(stage.join_as(link)));
        stage.performed(0, None);
        stage.begin(2);
        let mut commands = end(&mut stage);
        commands.extend(stage.close(0, 0));
        assert_eq!((released(&commands), handed_out(&commands)), (vec![], vec![]));
        let commands = stage.close(1, 0);
        assert_eq!(handed_out(&commands), [(0, "teardown".to_owned())]);
        let Some(Command::Perform(_, plan)) = commands.last() else { panic!("{commands:?}") };
        assert!(plan.vars.contains(&Var::secret("token", "7")), "with what the setup found out");
        assert!(!stage.run.has_ended());
        assert_eq!(released(&stage.performed(0, None)), [0, 1]);
        assert_eq!(stage.teardown_failure(), None);
    }
}

#[test]
fn a_teardown_that_cannot_be_made_is_told() {
    let cases: [Case; 6] = [
        (|stage| drop(stage.performed(0, Some("out: status 500"))), "out: status 500"),
        (|stage| drop(stage.tell(Event::Gone(Link(0), "cable".to_owned()))), "its agent was lost: cable"),
        (|stage| drop(stage.wait(200 * S, &[])), "did not say that it had ended"),
        (|stage| drop(stage.tell(Event::Stop)), "its user gave it up"),
        (
            |stage| drop(stage.tell(Event::Resumed { by_wall_clock: false, lacks_secrets: false })),
            "the coordinator ended in the middle of it",
        ),
        (|stage| drop(stage.tell(Event::Interrupted)), "its coordinator ended before it was made"),
    ];
    for (happens, words) in cases {
        let mut stage = stage(2, &[ChoreKind::Teardown]);
        (0..2).for_each(|link| drop(stage.join_as(link)));
        stage.begin(2);
        (0..2).for_each(|link| drop(stage.close(link, 0)));
        assert!(!stage.run.has_ended());
        happens(&mut stage);
        let failure = stage.teardown_failure().expect(words);
        assert!(failure.contains(words), "{failure}");
    }
}

#[test]
fn a_teardown_waits_for_agents_that_may_still_be_at_the_load_or_may_come_back() {
    let mut stage = stage(2, &[ChoreKind::Teardown]);
    (0..2).for_each(|link| drop(stage.join_as(link)));
    stage.begin(2);
    stage.tell(Event::Expelled(Link(1), "nonsense".to_owned()));
    assert!(handed_out(&stage.close(0, 0)).is_empty(), "the other's lease has not ended");
    assert_eq!(handed_out(&stage.wait(SILENCE_MAX_NS + S, &[0])), [(0, "teardown".to_owned())]);

    let mut stage = self::stage(1, &[ChoreKind::Teardown]);
    stage.join_as(0);
    stage.begin(1);
    stage.tell(Event::Resumed { by_wall_clock: false, lacks_secrets: false });
    stage.come_back(0, 5);
    stage.close(5, 0);
    assert_eq!(stage.performed(5, None), [Command::Release(Link(5))]);
    assert_eq!(stage.teardown_failure(), None);
}

#[test]
fn what_was_set_up_is_torn_down_even_if_the_run_never_begins() {
    let mut stage = stage(1, &[ChoreKind::Setup, ChoreKind::Teardown]);
    stage.join_as(0);
    stage.performed(0, None);
    assert_eq!(handed_out(&stage.tell(Event::Stop)), [(0, "teardown".to_owned())]);
    assert_eq!(stage.tell(Event::Ready(Link(0), ClockReading::default())), [], "it was to begin, and will not");
    assert_eq!(released(&stage.performed(0, None)), [0]);
    assert_eq!(stage.ending(), Ending::StoppedByUser);
}

#[test]
fn what_a_setup_finds_out_is_not_kept() {
    let mut stage = stage(1, &[ChoreKind::Setup]);
    stage.join_as(0);
    stage.performed(0, None);
    let kept = serde_json::to_string(&stage.run.state()).unwrap();
    assert!(kept.contains("token") && !kept.contains("\"7\""), "{kept}");
}

#[test]
fn a_step_that_ends_the_run_drains_it() {
    let mut stage = Stage::started(2, OnLoss::Redistribute);
    let commands = stage.tell(Event::Enough(Link(1)));
    let drained = |link| commands.contains(&Command::Stop(Link(link), Manner::Drain));
    assert!(drained(0) && drained(1), "{commands:?}");
    (0..2).for_each(|link| drop(stage.close(link, 0)));
    assert_eq!(stage.ending(), Ending::StoppedByStep("pod".to_owned()));
}
