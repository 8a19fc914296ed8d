//! That a run is the same from whichever snapshot it is told, and how much is kept of it.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::journal::tests::{Lived, closing, groups, happened, head, hello, measured, ready};
use crate::journal::{FrameError, Happened};

/// So small a journal that a segment is full after a few groups.
const BYTES_MAX: u64 = 256 << 10;
const MS: u64 = 1_000_000;

/// A run that is written down in a folder.
struct Kept {
    _runs: TempDir,
    folder: RunFolder,
    lived: Lived,
}

impl Kept {
    fn begun() -> Self {
        let (runs, mut head) = (tempfile::tempdir().unwrap(), head());
        head.settings.lease_ns = 3_600_000 * MS;
        let folder = RunFolder::create(runs.path(), head.settings.id, &head.settings.plan, false).unwrap();
        let journal = folder.begin_journal(&head, BYTES_MAX).unwrap();
        let mut lived = Lived::written_to(journal, head);
        lived.group(vec![hello(0), hello(1), ready(0), ready(1)]);
        lived.now_ns = lived.run.start_ns().unwrap();
        Self { _runs: runs, folder, lived }
    }

    /// Both agents tell of so many windows.
    fn measured(&mut self, seqs: std::ops::RangeInclusive<u64>) {
        for seq in seqs {
            self.lived.now_ns += 200 * MS;
            self.lived.group(vec![measured(0, seq), measured(1, seq), Happened::tick()]);
        }
    }

    /// What is there of the journal, in the order of its names.
    fn pieces(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("journal") || name.starts_with("snapshot"));
        names.sort();
        names
    }

    fn bytes(&self) -> u64 {
        self.pieces().iter().map(|name| fs::metadata(self.folder.path().join(name)).unwrap().len()).sum()
    }

    fn damage(&self, name: &str) {
        let path = self.folder.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    /// The document of the run as its folder tells it, which nobody else may be writing.
    fn told(&mut self) -> serde_json::Value {
        let journal = self.lived.journal.take();
        drop(journal);
        serde_json::to_value(Report::of(&self.folder.replay().unwrap().record)).unwrap()
    }
}

#[test]
fn a_long_run_keeps_two_generations_and_stays_below_its_bound() {
    let mut kept = Kept::begun();
    let (mut seq, mut most, mut last) = (0, 0, Vec::new());
    let mut generations = 0;
    while generations < 4 {
        kept.measured(seq + 1..=seq + 1);
        seq += 1;
        most = most.max(kept.bytes());
        let pieces = kept.pieces();
        generations += u32::from(!last.is_empty() && pieces != last);
        last = pieces;
    }
    assert_eq!(last, ["journal.4", "journal.5", "snapshot.4", "snapshot.5"]);
    assert!(most <= BYTES_MAX, "{most}");
    kept.lived.group(vec![closing(0, seq), closing(1, seq)]);
    assert!(kept.lived.run.has_ended());
    assert_eq!(kept.lived.document()["accounting"]["requests"]["sent"], seq * 2 * 40);
    assert_eq!(kept.told(), kept.lived.document());
}

#[test]
fn a_damaged_or_missing_snapshot_is_replaced_by_the_one_before() {
    let mut kept = Kept::begun();
    let mut seq = 0;
    while !kept.pieces().contains(&"snapshot.3".to_owned()) {
        kept.measured(seq + 1..=seq + 1);
        seq += 1;
    }
    kept.measured(seq + 1..=seq + 3);
    let document = kept.lived.document();
    assert_eq!(kept.told(), document);
    kept.damage("snapshot.3");
    assert_eq!(kept.told(), document);
    fs::remove_file(kept.folder.path().join("snapshot.3")).unwrap();
    assert_eq!(kept.told(), document);
    kept.damage("snapshot.2");
    let error = kept.folder.replay().unwrap_err();
    assert!(error.to_string().contains("snapshot.2"), "{error}");
    assert!(matches!(error, StoreError::Journal { error: ReplayError::Frame(FrameError::Damaged { .. }), .. }));
}

#[test]
fn a_snapshot_that_was_never_finished_costs_no_generation() {
    let mut kept = Kept::begun();
    let mut seq = 0;
    for wanted in ["snapshot.2", "snapshot.3"] {
        while !kept.pieces().contains(&wanted.to_owned()) {
            kept.measured(seq + 1..=seq + 1);
            seq += 1;
        }
    }
    // A coordinator that ends while it writes its third snapshot leaves the segment that was to go on from it.
    kept.lived.journal = None;
    fs::write(kept.folder.path().join("journal.4"), b"").unwrap();
    kept.lived.journal = Some(kept.folder.reopen().unwrap().journal(BYTES_MAX).unwrap().1);
    while !kept.pieces().contains(&"snapshot.5".to_owned()) {
        kept.measured(seq + 1..=seq + 1);
        seq += 1;
    }
    assert_eq!(kept.pieces(), ["journal.3", "journal.4", "journal.5", "snapshot.3", "snapshot.5"]);
    kept.damage("snapshot.5");
    assert_eq!(kept.told(), kept.lived.document());
}

#[test]
fn a_segment_between_others_is_never_taken_for_torn() {
    let mut kept = Kept::begun();
    let mut seq = 0;
    while !kept.pieces().contains(&"snapshot.2".to_owned()) {
        kept.measured(seq + 1..=seq + 1);
        seq += 1;
    }
    let document = kept.lived.document();
    fs::remove_file(kept.folder.path().join("snapshot.2")).unwrap();
    assert_eq!(kept.told(), document, "all of it is there yet");
    let first = kept.folder.path().join("journal");
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes[..bytes.len() - 1]).unwrap();
    assert!(kept.folder.replay().is_err());
}

#[test]
fn a_coordinator_goes_on_in_a_segment_that_its_forerunner_had_only_just_made() {
    let mut kept = Kept::begun();
    kept.measured(1..=3);
    let document = kept.lived.document();
    kept.lived.journal = None;
    for torn in [&b""[..], b"half a head"] {
        fs::write(kept.folder.path().join("journal.2"), torn).unwrap();
        let left = kept.folder.reopen().unwrap();
        assert_eq!((left.told.bytes, left.told.torn), (0, torn.len() as u64));
        let (told, journal) = left.journal(BYTES_MAX).unwrap();
        assert_eq!(told.entries, 4 + 3 * 3);
        drop(journal);
        assert_eq!(kept.told(), document);
        fs::remove_file(kept.folder.path().join("journal.2")).unwrap();
    }
}

#[test]
fn a_snapshot_that_does_not_fit_is_not_kept_and_nothing_is_taken_away() {
    let (runs, head) = (tempfile::tempdir().unwrap(), head());
    let folder = RunFolder::create(runs.path(), head.settings.id, &head.settings.plan, false).unwrap();
    let journal = folder.begin_journal(&head, 700).unwrap();
    let run = crate::run::life::Run::new(head.settings, 0);
    let snapshot = journal.snapshot_if_due(&run).expect("the head alone is an eighth of it");
    let journal = journal.commit(&[Happened::tick().at(1).1]).unwrap();
    let error = snapshot.save().unwrap_err();
    assert!(matches!(error, JournalError::Full(700)), "{error}");
    drop(journal);
    assert_eq!(folder.replay().unwrap().entries, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_run_is_the_same_from_every_snapshot(groups in groups(), more in groups()) {
        let mut kept = Kept::begun();
        let mut last_seq = [0; 3];
        for (group, pause_ms) in groups.into_iter().chain(more) {
            let group = group.into_iter().map(|(act, link)| happened(act, link, &mut last_seq[link as usize]));
            kept.lived.group(group.collect());
            kept.lived.now_ns += pause_ms * MS;
        }
        kept.lived.group(vec![Happened::tick()]);
        let document = kept.lived.document();
        prop_assert_eq!(&kept.told(), &document);
        for name in kept.pieces().iter().rev().filter(|name| name.starts_with("snapshot")).take(1) {
            kept.damage(name);
            prop_assert_eq!(&kept.told(), &document);
        }
    }
}
