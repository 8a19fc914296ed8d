//! The files of a run, and the disk on which its journal lies.

use tempfile::TempDir;

use super::cluster::{RATE, TARGET_PORT};
use super::disk::Disk;
use super::fault::{Kind, Schedule};
use super::network::Host;
use super::shell::{run, succeeds};

/// The run's files.
pub(crate) struct Folder {
    /// Declared first, because it lies in the folder.
    disk: Option<Disk>,
    full: Option<String>,
    folder: TempDir,
}

impl Folder {
    /// With the plan of a run. Where a full disk is wanted, its folder of runs lies on a small one; where the power is cut,
    /// on one of its own.
    pub(crate) fn new(schedule: &Schedule, target: &Host) -> Self {
        let mut folder = Self { disk: None, full: None, folder: tempfile::tempdir().unwrap() };
        let plan = format!(
            "name: faults\ntarget: http://{}:{TARGET_PORT}\nhttp: {{ request_ids: true }}\nscenarios:\n  a:\n    \
             executor: constant-arrival-rate\n    rate: {RATE}/s\n    duration: {}s\n    \
             steps: [ {{ get: /?latency=3ms }} ]\n",
            target.address, schedule.seconds
        );
        std::fs::write(folder.path("plan.yaml"), plan).unwrap();
        let runs = folder.path("runs");
        std::fs::create_dir(&runs).unwrap();
        if schedule.find(Kind::FullDisk).is_some() {
            run(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", &runs]);
            folder.full = Some(runs);
        } else if schedule.find(Kind::CutPower).is_some() {
            folder.disk = Some(Disk::new(folder.path("disk").as_ref(), &runs));
        }
        folder
    }

    /// The disk whose power is cut.
    pub(crate) fn disk(&mut self) -> &mut Disk {
        self.disk.as_mut().expect("its power is to be cut")
    }

    /// Keeps the files for whoever wants to know what happened.
    pub(crate) fn keep(&mut self) -> String {
        self.folder.disable_cleanup(true);
        self.path("")
    }

    /// Where a file is.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// The folder of the only run.
    pub(crate) fn only_run(&self) -> String {
        let mut entries = std::fs::read_dir(self.path("runs")).unwrap().map(|entry| entry.unwrap().path());
        let run = entries.find(|path| !path.ends_with("lost+found"));
        run.expect("a run was written down").to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(full) = &self.full {
            let _ = succeeds(&["umount", "--lazy", full]);
        }
    }
}
