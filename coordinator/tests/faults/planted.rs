//! Bugs planted in what a sound run has left behind: a check that misses one is no check.

use super::campaign::try_out;
use super::evidence::{Evidence, Served, gather};
use super::fault::{Kind, Schedule};
use super::figures::measure;
use super::oracle::breaches;
use super::sandbox;

/// What a bug would leave behind, and a word of what is to be said about it.
type Plant = (&'static str, fn(&mut Evidence));

const PLANTS: [Plant; 14] = [
    ("more than once", |evidence| evidence.served[7].count = 2),
    ("not in the plan", |evidence| evidence.served[7].id += evidence.planned()),
    ("before they were due", |evidence| evidence.served[500].at_ns -= 50_000_000),
    ("were served, but the report says", |evidence| evidence.served.truncate(900)),
    ("were served, but the report says", |evidence| {
        let last = *evidence.served.last().unwrap();
        evidence.served.push(Served { id: last.id + 1, ..last });
    }),
    ("not handed in to its end", |evidence| {
        evidence.report.agents[2].lost_at_s = Some(1.0);
        evidence.ended.err.push_str("what agent a3 had not told is handed in");
    }),
    ("due = started + skipped", |evidence| evidence.report.agents[2].laws[0].left += 1),
    ("do not balance", |evidence| evidence.report.accounting.balanced = false),
    ("fell due of", |evidence| evidence.report.accounting.iterations.due -= 1),
    ("it ended with 0", |evidence| evidence.report.accounting.undelivered = 0.02),
    ("and reports 97", |evidence| evidence.report.verdict.exit_code = 97),
    ("every agent lived", |evidence| evidence.report.accounting.lost.high = 1),
    ("was resumed 0 times", |evidence| evidence.killed = 1),
    ("the clock of a3", |evidence| evidence.report.agents[2].clock_offset_us += 20_000.0),
];

/// Plants each bug in turn in a run in which nothing went wrong.
pub(crate) fn try_all() {
    let (sound, _) = gather(Schedule::quiet(), 1);
    let found = breaches(&sound, &measure(&sound));
    assert!(found.is_empty(), "{found:?}");
    assert_eq!((sound.served_count(), sound.ended.code), (sound.planned(), Some(0)), "{:?}", sound.ended);
    for (wanted, plant) in PLANTS {
        let mut planted = sound.clone();
        plant(&mut planted);
        let found = breaches(&planted, &measure(&planted));
        assert!(found.iter().any(|breach| breach.contains(wanted)), "{wanted:?} is not seen: {found:?}");
    }
}

/// Cuts the power of a coordinator whose disk never synchronised anything: its run cannot go on as if nothing were missing.
pub(crate) fn try_a_disk_that_lies() {
    if !sandbox::can_break_system_calls() {
        eprintln!("SKIPPED: a disk that lies, for it takes strace");
        return;
    }
    let lying = Schedule { disk_lies: true, ..Schedule::draw(0, Some(Kind::CutPower)) };
    let found = try_out(lying, 1).breaches;
    assert!(found.iter().any(|breach| breach.contains("it is empty")), "what had never reached the disk: {found:?}");
}
