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

/// What the sources of some rooms must not name.
struct Rule {
    /// What holds.
    holds: &'static str,
    /// Where it holds.
    rooms: &'static [&'static str],
    /// Where it does not: parts of paths.
    except: &'static [&'static str],
    /// What is not named.
    words: &'static [&'static str],
}

const ALL: &[&str] = &["proto/src", "agent/src", "coordinator/src", "target/src"];

const RULES: &[Rule] = &[
    Rule {
        holds: "the engine knows no gRPC, and nothing of who commands it",
        rooms: &["agent/src/engine"],
        except: &[],
        words: &["tonic", "prost", "wire::", "crate::session", "crate::outbox", "crate::duty"],
    },
    Rule {
        holds: "in the agent, only the session knows gRPC",
        rooms: &["agent/src"],
        except: &["agent/src/session"],
        words: &["tonic", "prost", "wire::"],
    },
    Rule {
        holds: "in the coordinator, only the service knows gRPC, the journal what agents say, and exports what others take",
        rooms: &["coordinator/src"],
        except: &[
            "coordinator/src/export/",
            "coordinator/src/service",
            "journal/entry.rs",
            "journal/head.rs",
            "journal/tests.rs",
        ],
        words: &["tonic", "prost", "wire::"],
    },
    Rule {
        holds: "what decides does no IO and reads no clock",
        rooms: &["coordinator/src/run", "coordinator/src/verdict", "coordinator/src/report"],
        except: &[],
        words: &["tokio", "std::env", "std::fs", "std::net", "std::process", "std::thread", "clock::", "jiff"],
    },
    Rule {
        holds: "what agents say is exported only once it was merged",
        rooms: &["coordinator/src/export"],
        except: &[],
        words: &["wire::", "crate::service", "crate::journal", "crate::cli"],
    },
    Rule {
        holds: "runs, verdicts and reports know nothing of who else is told",
        rooms: &["coordinator/src/run", "coordinator/src/verdict", "coordinator/src/report"],
        except: &[],
        words: &["crate::export"],
    },
    Rule {
        holds: "the domain names no wire type",
        rooms: &["proto/src"],
        except: &["proto/src/convert/", "proto/src/wire.rs"],
        words: &["tonic", "prost", "wire::"],
    },
    Rule {
        holds: "wire types know nothing of the domain, so that only convert names both",
        rooms: &["proto/src/wire.rs"],
        except: &[],
        words: &["crate::", "super::"],
    },
    Rule {
        holds: "the agreement does no IO and reads no clock",
        rooms: &["proto/src"],
        except: &["proto/src/id.rs"],
        words: &["tokio", "std::env", "std::fs", "std::process", "std::thread", "now_v7"],
    },
    Rule {
        holds: "only plan_file reads YAML and TOML",
        rooms: ALL,
        except: &["coordinator/src/plan_file/"],
        words: &["serde_saphyr", "toml::"],
    },
    Rule {
        holds: "only the report rounds; counts and units are whole",
        rooms: &["agent/src", "coordinator/src"],
        except: &["coordinator/src/report/", "verdict/books/undone.rs", "run/timeline/agent.rs"],
        words: &[".round()", ".trunc()"],
    },
    Rule {
        holds: "the journal waits for nothing but its medium, so that it is written and read the same everywhere",
        rooms: &["coordinator/src/journal"],
        except: &["journal/medium.rs"],
        words: &["tokio", "std::env", "std::fs", "std::net", "std::process", "std::thread", "clock::now_ns"],
    },
    Rule {
        holds: "only a run's folder, and what its user names, is written, and rows of data where they find no room in memory",
        rooms: &["coordinator/src"],
        except: &[
            "coordinator/src/store",
            "history/tests.rs",
            "cli/import.rs",
            "cli/outputs.rs",
            "cli/target.rs",
            "plan_file/rows.rs",
            "plan_file/tests/",
        ],
        words: &["fs::write", "fs::create_dir", "File::create", "OpenOptions", "tempfile"],
    },
    Rule {
        holds: "only the history of runs knows a database, which is its index and nobody's truth",
        rooms: ALL,
        except: &["coordinator/src/history/"],
        words: &["rusqlite"],
    },
    Rule {
        holds: "the clock since boot is read in one place of each side",
        rooms: ALL,
        except: &["agent/src/engine/clock.rs", "target/src/clock.rs"],
        words: &["clock_gettime", "CLOCK_"],
    },
    Rule {
        holds: "only timeouts and patience use the runtime's clock",
        rooms: ALL,
        except: &["agent/src/engine/deadline.rs", "agent/src/session", "agent/src/main.rs"],
        words: &["Instant"],
    },
    Rule {
        holds: "the wall clock is read to date the report, to bridge a start of the machine, and where a plan asks for it",
        rooms: ALL,
        except: &["coordinator/src/begun.rs", "agent/src/engine/template/functions.rs", "agent/src/engine/sigv4.rs"],
        words: &["SystemTime", "Utc::now", "Timestamp::now"],
    },
];

/// Fails when a source names what the rule forbids.
fn hold(rule: &Rule) {
    for (name, text) in rule.rooms.iter().flat_map(|room| sources(room)) {
        if rule.except.iter().any(|part| name.contains(part)) {
            continue;
        }
        for line in code(&text).lines() {
            let named = rule.words.iter().find(|word| line.contains(**word));
            assert!(named.is_none(), "{}: {name} names {}: {line}", rule.holds, named.unwrap_or(&""));
        }
    }
}

#[test]
fn rooms_name_only_what_they_may() {
    RULES.iter().for_each(hold);
}

#[test]
fn every_exception_is_needed() {
    for rule in RULES {
        for part in rule.except {
            let mut excepted = rule.rooms.iter().flat_map(|room| sources(room)).filter(|(name, _)| name.contains(part));
            let needed = excepted.any(|(_, text)| rule.words.iter().any(|word| code(&text).contains(word)));
            assert!(needed, "{}: nothing in {part} needs to be excepted", rule.holds);
        }
    }
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
