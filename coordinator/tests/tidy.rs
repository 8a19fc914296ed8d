//! The directions between the rooms, held by reading the sources: who may name what.

use std::fs;
use std::path::{Path, PathBuf};

/// The longest source file, in lines.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn sources(under: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(under)];
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            folders.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "no sources under {under}");
    found
}

/// The code of a source: no comment, no test module at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Fails when a source under `room` (but for those whose path contains one of `except`) names one of `words`.
fn forbid(rule: &str, room: &str, except: &[&str], words: &[&str]) {
    for (name, text) in sources(room) {
        if except.iter().any(|part| name.contains(part)) {
            continue;
        }
        for (number, line) in code(&text).lines().enumerate() {
            for word in words {
                assert!(
                    !line.contains(word),
                    "{rule}: {name} names {word} (line {} without comments): {line}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn the_engine_knows_no_grpc() {
    let words = ["tonic", "wire::", "prost", "crate::session", "crate::outbox"];
    forbid("the engine knows no gRPC", "agent/src/engine", &[], &words);
}

#[test]
fn only_the_session_knows_grpc_in_the_agent() {
    forbid("only session.rs names gRPC", "agent/src", &["session.rs"], &["tonic", "wire::"]);
}

#[test]
fn a_run_does_no_io_and_reads_no_clock() {
    let words =
        ["tonic", "tokio", "wire::", "std::fs", "std::net", "std::thread", "clock::", "Instant", "SystemTime", "jiff"];
    for room in ["coordinator/src/run", "coordinator/src/verdict", "coordinator/src/report"] {
        forbid("what decides does no IO", room, &[], &words);
    }
}

#[test]
fn only_convert_names_both_wire_and_domain() {
    forbid("the domain names no wire type", "proto/src", &["convert/", "wire.rs"], &["wire::", "prost", "tonic"]);
}

#[test]
fn only_the_plan_file_reads_yaml() {
    forbid("only plan_file reads YAML", "coordinator/src", &["plan_file"], &["serde_saphyr", "toml::"]);
}

#[test]
fn crates_name_only_those_below_them() {
    for (member, forbidden) in [
        ("proto", vec!["muster-agent", "muster-target", "muster.workspace"]),
        ("target", vec!["muster-agent", "muster-proto", "muster.workspace"]),
        ("agent", vec!["muster.workspace"]),
    ] {
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        for name in forbidden {
            assert!(!manifest.contains(name), "{member} must not depend on {name}");
        }
    }
    let agent = fs::read_to_string(root().join("agent/Cargo.toml")).unwrap();
    let (dependencies, _) = agent.split_once("[dev-dependencies]").unwrap();
    assert!(!dependencies.contains("muster-target"), "only the agent's tests use the target");
}

#[test]
fn the_wall_clock_is_read_for_people_only() {
    let words = ["SystemTime::now", "Utc::now", "Timestamp::now"];
    for room in ["proto/src", "agent/src", "target/src"] {
        forbid("no wall clock", room, &[], &words);
    }
    forbid("the wall clock only dates reports", "coordinator/src", &["conduct.rs"], &words);
}

#[test]
fn files_hold_one_idea_and_nothing_unfinished() {
    let marks = ["todo!", "unimplemented!"].map(|mark| format!("{mark}("));
    for room in ["proto", "agent", "coordinator", "target"] {
        for (name, text) in sources(room) {
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{name} has {lines} lines, more than {LINES_MAX}: it holds two ideas");
            for mark in &marks {
                assert!(!text.contains(mark.as_str()), "{name} is unfinished: {mark}");
            }
        }
    }
}
