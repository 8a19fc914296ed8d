//! Where the programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The coordinator's program.
pub(crate) fn muster_program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_muster"))
}

/// The agent's program lies beside the coordinator's wherever the whole workspace is built. Where only the
/// coordinator's package is, it is built here.
pub(crate) fn agent_program() -> PathBuf {
    let program = muster_program().with_file_name("muster-agent");
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
