//! Where the programs are, and how tests start them.

use std::path::{Path, PathBuf};
use std::process::Command;

use muster_target::{Config, Target};
use tempfile::TempDir;

use super::process::Process;

/// Starts `muster`.
pub(crate) fn muster(arguments: &[&str]) -> Process {
    Process::start(Path::new(env!("CARGO_BIN_EXE_muster")), arguments)
}

/// Starts `muster-agent`.
pub(crate) fn agent(arguments: &[&str]) -> Process {
    Process::start(&agent_program(), arguments)
}

/// The agent's program lies beside the coordinator's wherever the whole workspace is built. Where only the
/// coordinator's package is, it is built here.
fn agent_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_muster")).with_file_name("muster-agent");
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--package", "muster", "--package", "muster-agent", "--bins"]);
        if program.parent().is_some_and(|folder| folder.ends_with("release")) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the agent's program is built");
    }
    program
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
