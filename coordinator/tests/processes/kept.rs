//! What is kept of a run: that it tells the same again, also when the coordinator or its disk fails in the middle.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Ended, Process, Signal, wait_for};
use super::programs::{Scene, muster};

/// The load is on, and some of it was acknowledged, once so many requests were served.
const IN_FULL_SWING: u64 = 150;

/// A folder of runs, and a target.
struct Kept {
    scene: Scene,
    runs: TempDir,
}

impl Kept {
    fn new() -> Self {
        Self { scene: Scene::new(""), runs: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> &str {
        self.runs.path().to_str().unwrap()
    }

    /// Starts a run of 100 requests a second, with its folder among these.
    fn run(&self, duration: &str, more: &[&str]) -> Process {
        let url = self.scene.url();
        let common = ["run", &url, "--rate", "100/s", "--duration", duration, "--out", self.out()];
        muster(&[&common[..], more].concat())
    }

    fn in_full_swing(&self) {
        wait_for("the load is on", || (self.scene.target.counts().responses >= IN_FULL_SWING).then_some(()));
    }

    /// The folder of the only run.
    fn folder(&self) -> PathBuf {
        let folders: Vec<PathBuf> = std::fs::read_dir(self.runs.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(folders.len(), 1);
        folders[0].clone()
    }

    /// The report, told again, with its document.
    fn told_again(&self, more: &[&str]) -> (Ended, Value) {
        let (folder, json) = (self.folder(), self.scene.result());
        let common = ["report", folder.to_str().unwrap(), "--json", json.to_str().unwrap()];
        let ended = muster(&[&common[..], more].concat()).end();
        let document = std::fs::read(json).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (ended, serde_json::from_slice(&document).unwrap())
    }
}

fn sent(document: &Value) -> u64 {
    document["accounting"]["requests"]["sent"].as_u64().unwrap()
}

#[test]
fn a_run_is_told_again_to_the_letter() {
    let kept = Kept::new();
    let ran = kept.run("1s", &[]).end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let page = kept.folder().join("report.html");
    assert!(page.exists() && ran.out.trim_end().ends_with(page.to_str().unwrap()), "{}", ran.out);
    let result = std::fs::read(kept.folder().join("result.json")).unwrap();
    let result: Value = serde_json::from_slice(&result).unwrap();
    let (shown, from_result) = kept.told_again(&[]);
    let (told, from_journal) = kept.told_again(&["--from-journal"]);
    assert_eq!((shown.code, told.code), (Some(0), Some(0)));
    assert_eq!((&from_result, &from_journal), (&result, &result));
    assert_eq!((&shown.out, &told.out), (&ran.out, &ran.out));
    assert_eq!(sent(&from_journal), kept.scene.target.counts().responses);
    let by_identity = result["run"]["id"].as_str().unwrap();
    let ended = muster(&["report", by_identity, "--out", kept.out()]).end();
    assert_eq!((ended.code, ended.out), (Some(0), ran.out));
}

#[test]
fn a_run_whose_coordinator_was_killed_is_told_as_far_as_it_is_known() {
    let kept = Kept::new();
    let run = kept.run("300s", &[]);
    kept.in_full_swing();
    let busy = muster(&["report", kept.folder().to_str().unwrap()]).end();
    assert_eq!(busy.code, Some(1), "{busy:?}");
    assert!(busy.err.contains("still going on"), "{busy:?}");
    run.signal(Signal::KILL);
    assert_eq!(run.end().code, None);
    let (told, document) = kept.told_again(&[]);
    assert_eq!(told.code, Some(97), "{told:?}");
    assert!(told.out.contains("INTERRUPTED"), "{}", told.out);
    assert!(told.out.contains("what agents did after that is not known"), "{}", told.out);
    assert_eq!(document["verdict"]["outcome"], "interrupted");
    let outcomes = document["accounting"]["requests"]["outcomes"].as_u64().unwrap();
    assert!(outcomes > 0 && outcomes <= kept.scene.target.counts().responses, "{outcomes}");
}

#[test]
fn a_torn_end_is_left_out_and_said_and_damage_is_refused() {
    let kept = Kept::new();
    assert_eq!(kept.run("1s", &[]).end().code, Some(0));
    let path = kept.folder().join("journal");
    let journal = std::fs::read(&path).unwrap();
    std::fs::write(&path, &journal[..journal.len() - 1]).unwrap();
    let (told, _) = kept.told_again(&["--from-journal"]);
    assert_eq!(told.code, Some(97), "{told:?}");
    assert!(told.err.contains("left out: the last "), "{told:?}");
    let mut damaged = journal;
    damaged[20] ^= 1;
    std::fs::write(&path, damaged).unwrap();
    let refused = muster(&["report", kept.folder().to_str().unwrap(), "--from-journal"]).end();
    assert_eq!(refused.code, Some(107), "{refused:?}");
    assert!(refused.err.contains("damaged at byte 0"), "{refused:?}");
}

#[test]
fn a_full_disk_ends_the_run_with_107_and_the_summary_is_shown() {
    let kept = Kept::new();
    let url = kept.scene.url();
    // Files of this process hold so many blocks and no more; without the trap that would end it.
    let limited = "trap '' XFSZ; ulimit -f 32; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_muster");
    let run = ["run", &url, "--rate", "100/s", "--duration", "300s", "--out", kept.out()];
    let ended = Process::start(Path::new("/bin/sh"), &[&["-c", limited, "sh", program][..], &run].concat()).end();
    assert_eq!(ended.code, Some(107), "{ended:?}");
    assert!(ended.out.contains("the journal cannot be written: "), "{}", ended.out);
    assert!(ended.out.contains("balanced on 1 of 1 agents"), "{}", ended.out);
}

#[test]
fn a_journal_at_its_bound_is_said_to_be_full_and_the_run_goes_on_and_is_kept() {
    let kept = Kept::new();
    let ended = kept.run("4s", &["--journal-max", "2KiB"]).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("the journal has reached its bound of 2048 bytes"), "{}", ended.err);
    let entries = std::fs::read_dir(kept.folder()).unwrap().map(|entry| entry.unwrap());
    let pieces = entries.filter(|entry| {
        let name = entry.file_name().into_string().unwrap();
        name.starts_with("journal") || name.starts_with("snapshot")
    });
    let bytes: u64 = pieces.map(|piece| piece.metadata().unwrap().len()).sum();
    assert!(bytes > 0 && bytes <= 2_048, "{bytes}");
    let (shown, document) = kept.told_again(&[]);
    assert_eq!((shown.code, sent(&document)), (Some(0), kept.scene.target.counts().responses));
}

#[test]
fn where_nothing_can_be_kept_nothing_begins() {
    let scene = Scene::new("");
    let file = scene.plan("");
    let runs = Path::new(&file).join("runs");
    let ended = muster(&["run", &scene.url(), "--out", runs.to_str().unwrap()]).end();
    assert_eq!(ended.code, Some(107), "{ended:?}");
    assert!(ended.err.contains("hint: ") && ended.err.contains("--no-store"), "{ended:?}");
    assert_eq!(scene.target.stop().requests, 0);
}

#[test]
fn who_wants_nothing_kept_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new("");
    let in_folder = "cd \"$1\" && exec \"$2\" run \"$3\" --users 1 --duration 1s --no-store";
    let (program, url) = (env!("CARGO_BIN_EXE_muster"), scene.url());
    let arguments = ["-c", in_folder, "sh", folder.path().to_str().unwrap(), program, &url];
    let ended = Process::start(Path::new("/bin/sh"), &arguments).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.out.contains("report.html"), "{}", ended.out);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let unknown = muster(&["report", "019ad3f1"]).end();
    assert_eq!(unknown.code, Some(104), "{unknown:?}");
}
