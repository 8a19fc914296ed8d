//! Commands of the system.

use std::process::Command;

/// Runs a command that must succeed.
pub(crate) fn run(words: &[&str]) {
    if let Err(problem) = succeeds(words) {
        panic!("{problem}");
    }
}

/// Runs a command; says what was wrong if it does not succeed.
pub(crate) fn succeeds(words: &[&str]) -> Result<(), String> {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(words[0]).args(&words[1..]).env("PATH", path).output();
    let output = output.map_err(|error| format!("{}: {error}", words[0]))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
