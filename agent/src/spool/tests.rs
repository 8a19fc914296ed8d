//! Whatever is copied from a spool at any moment holds everything once, and whatever is damaged is refused.

use std::os::unix::fs::PermissionsExt;

use muster_proto::measurement::{Health, Measurement, Totals};
use tempfile::TempDir;

use super::*;
use crate::engine::collector::Slice;
use crate::engine::event::Event;
use crate::engine::part::{Gauges, Mark};
use crate::engine::ring::Ring;
use crate::outbox::Outbox;

const ONE: Shape = Shape { scenarios: 1, series: 1, tallies: 1 };

const INCARNATION: Incarnation = Incarnation(7);

fn opened() -> (TempDir, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(&folder.path().join("spool"), INCARNATION).unwrap();
    (folder, spool)
}

/// An agent with one worker, which starts iterations of the only scenario.
struct Agent {
    spool: Spool,
    keeper: Keeper,
    ring: Ring,
    outbox: Outbox,
    open: Measurement,
    totals: Totals,
    window: u32,
    _folder: TempDir,
}

impl Agent {
    fn new() -> Self {
        let (folder, spool) = opened();
        let (keeper, rings) = spool.begin(RunId::generate(), ONE, 1).unwrap();
        let ring = Ring::map(&rings[0]).unwrap();
        let open = Measurement::new(ONE);
        let (outbox, totals) = (Outbox::default(), Totals::default());
        Self { spool, keeper, ring, outbox, open, totals, window: 0, _folder: folder }
    }

    fn note(&mut self, event: Event) {
        self.ring.append(self.window, event);
        event.count(&mut self.open, &mut self.totals).unwrap();
    }

    /// An arrival starts that is not counted as due yet.
    fn begin(&mut self) {
        self.note(Event::Began { scenario: 0, lag_ns: Some(1_000) });
    }

    /// The window ends, in which so many fell due.
    fn close(&mut self, due: u64) -> Slice {
        self.note(Event::Due { scenario: 0, count: due });
        let measurement = Box::new(std::mem::replace(&mut self.open, Measurement::new(ONE)));
        let mark = Mark { position: self.ring.next(), start_error_ns: Some(3), totals: self.totals };
        let mut slice = Slice::new((self.window, self.window), measurement, vec![Gauges::default()]);
        slice.marks.push((0, mark));
        self.window += 1;
        slice
    }

    fn put(&mut self, slice: &Slice) {
        self.keeper.note(slice, Health::default());
        slice.measured().for_each(|(windows, measured)| self.outbox.put(windows, measured, Health::default()));
    }

    /// What somebody else finds if the process ends now: a copy, because this one lives.
    fn dies(&self) -> left::Remains {
        let (_folder, elsewhere) = opened();
        for entry in fs::read_dir(&self.spool.folder).unwrap().map(Result::unwrap).filter(|e| e.path().is_dir()) {
            let copy = elsewhere.folder.join(entry.file_name());
            fs::create_dir(&copy).unwrap();
            for file in fs::read_dir(entry.path()).unwrap().map(Result::unwrap) {
                fs::copy(file.path(), copy.join(file.file_name())).unwrap();
            }
        }
        let (left, useless) = elsewhere.left().unwrap();
        assert_eq!((left.len(), useless), (1, Vec::new()));
        left[0].remains().clone()
    }
}

/// What is handed in says once what happened: so many iterations started, and none that was not due.
fn check(remains: &left::Remains, started: u64, due: u64) {
    let all = |count: fn(&Measurement) -> u64| remains.outbox.measurements().map(count).sum::<u64>();
    assert_eq!(all(|measurement| measurement.scenarios[0].started), started);
    assert_eq!(all(|measurement| measurement.scenarios[0].due), due);
    assert_eq!((remains.totals.started, remains.totals.due, remains.has_gap), (started, due, false));
}

#[test]
fn whenever_a_process_ends_everything_is_there_once() {
    let mut agent = Agent::new();
    check(&agent.dies(), 0, 0);
    agent.begin();
    agent.begin();
    check(&agent.dies(), 2, 2);
    let slice = agent.close(3);
    check(&agent.dies(), 2, 3);
    agent.begin();
    check(&agent.dies(), 3, 3);
    agent.put(&slice);
    check(&agent.dies(), 3, 3);
    agent.keeper.keep(&agent.outbox);
    check(&agent.dies(), 3, 3);
    agent.begin();
    agent.begin();
    check(&agent.dies(), 5, 5);
    assert_eq!(agent.dies().start_error_ns, Some(3));
    assert_eq!(agent.dies().incarnation, INCARNATION);
}

#[test]
fn what_is_acknowledged_is_told_no_more_and_what_follows_has_the_next_numbers() {
    let mut agent = Agent::new();
    for _ in 0..40 {
        agent.begin();
        let slice = agent.close(1);
        agent.put(&slice);
        agent.keeper.keep(&agent.outbox);
    }
    agent.begin();
    let mut remains = agent.dies();
    check(&remains, 41, 41);
    agent.outbox.acknowledge(5).unwrap();
    agent.keeper.keep(&agent.outbox);
    remains.outbox.acknowledge(5).unwrap();
    let mut later = agent.dies();
    let told = |outbox: &mut Outbox| std::iter::from_fn(|| outbox.next_unsent().cloned()).collect::<Vec<_>>();
    let (told, told_later) = (told(&mut remains.outbox), told(&mut later.outbox));
    assert_eq!(told[..11], told_later[..11], "what has a number never changes");
    assert!(told_later.iter().map(|delta| delta.seq).eq(6..=18), "the open delta, and the last window");
}

#[test]
fn a_ring_that_was_full_leaves_a_gap_until_its_events_are_kept() {
    let mut agent = Agent::new();
    for _ in 0..=crate::engine::ring::RING_RECORDS {
        agent.begin();
    }
    assert!(agent.dies().has_gap);
    let slice = agent.close(1);
    agent.put(&slice);
    agent.keeper.keep(&agent.outbox);
    assert!(!agent.dies().has_gap);
}

#[test]
fn windows_are_told_apart_as_far_as_there_are_not_too_many() {
    let mut agent = Agent::new();
    for window in 0..3_000 {
        agent.window = 4_500 + window;
        agent.begin();
    }
    let mut remains = agent.dies();
    check(&remains, 3_000, 3_000);
    let first = remains.outbox.next_unsent().unwrap();
    assert_eq!((first.first_window, first.last_window), (4_500, 4_500));
}

#[test]
fn a_folder_is_left_alone_as_long_as_its_process_lives_and_goes_with_its_part() {
    let agent = Agent::new();
    assert!(agent.spool.left().unwrap().0.is_empty());
    let Agent { spool, keeper, _folder, .. } = agent;
    let folders = || fs::read_dir(&spool.folder).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(folders(), 1);
    drop(keeper);
    assert_eq!(folders(), 0);
}

#[test]
fn what_is_damaged_or_of_another_start_is_refused_and_removed() {
    type Damage = fn(&Path);
    let damages: [(Damage, &str); 6] = [
        (|folder| fs::remove_file(folder.join("deltas")).unwrap(), "nothing was kept yet"),
        (|folder| fs::write(folder.join("deltas"), "").unwrap(), "of another build"),
        (|folder| fs::remove_file(folder.join("ring.0")).unwrap(), "ring 0"),
        (
            |folder| {
                let bytes = fs::read(folder.join("deltas")).unwrap();
                fs::write(folder.join("deltas"), &bytes[..bytes.len() - 1]).unwrap();
            },
            "damaged",
        ),
        (
            |folder| {
                let mut bytes = fs::read(folder.join("deltas")).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(folder.join("deltas"), bytes).unwrap();
            },
            "damaged",
        ),
        (
            |folder| {
                let text = fs::read(folder.join("deltas")).unwrap();
                let text = String::from_utf8_lossy(&text).replacen('-', "+", 3);
                fs::write(folder.join("deltas"), text).unwrap();
            },
            "of another build, or of before the machine was started",
        ),
    ];
    for (damage, reason) in damages {
        let (_folder, spool) = opened();
        let (keeper, _) = spool.begin(RunId::generate(), ONE, 1).unwrap();
        // What a process leaves that is killed: nobody tidies up.
        let folder = keeper.folder().to_owned();
        let kept = folder.with_extension("kept");
        fs::create_dir(&kept).unwrap();
        for name in ["deltas", "ring.0"] {
            fs::copy(folder.join(name), kept.join(name)).unwrap();
        }
        drop(keeper);
        damage(&kept);
        let (left, useless) = spool.left().unwrap();
        assert!(left.is_empty());
        assert!(useless.len() == 1 && useless[0].contains(reason), "{useless:?} for {reason}");
        assert!(!kept.exists());
    }
}

#[test]
fn a_folder_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(Spool::open(folder.path(), INCARNATION), Err(SpoolError::NotPrivate(_))));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    Spool::open(folder.path(), INCARNATION).unwrap();
}
