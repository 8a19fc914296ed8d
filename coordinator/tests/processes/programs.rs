//! How tests start the programs.

use std::path::PathBuf;

use muster_target::{Config, Target};
use tempfile::TempDir;

use super::places::{agent_program, muster_program};
use super::process::Process;

/// Starts `muster`.
pub(crate) fn muster(arguments: &[&str]) -> Process {
    Process::start(muster_program(), arguments)
}

/// Starts `muster-agent`.
pub(crate) fn agent(arguments: &[&str]) -> Process {
    Process::start(&agent_program(), arguments)
}

/// A plan in a file, with the target that it loads.
pub(crate) struct Scene {
    pub(crate) target: Target,
    folder: TempDir,
}

impl Scene {
    /// A target that behaves like this.
    pub(crate) fn new(script: &str) -> Self {
        let target = Target::start(Config { script: script.parse().unwrap(), ..Config::default() }).unwrap();
        Self { target, folder: tempfile::tempdir().unwrap() }
    }

    /// The target's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.target.addr())
    }

    /// A file in which there is a plan: the target and these further keys.
    pub(crate) fn plan(&self, keys: &str) -> String {
        let path = self.folder.path().join("plan.yaml");
        std::fs::write(&path, format!("name: scene\ntarget: {}\n{keys}\n", self.url())).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// A file to write a result to.
    pub(crate) fn result(&self) -> PathBuf {
        self.folder.path().join("result.json")
    }
}
