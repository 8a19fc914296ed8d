//! The program as its users meet it: what it prints where, and what it ends with.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use muster_target::{Config, Target};

/// The program's end, in a folder of its own.
fn muster(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.current_dir(folder.path());
    let mut child =
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stderr.read_to_end(&mut bytes);
        bytes
    });
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if std::time::Instant::now() > deadline {
            let _ = child.kill();
            panic!("muster {arguments:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> String {
    let path: PathBuf = folder.path().join(name);
    std::fs::File::create(&path).unwrap().write_all(content).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn a_url_is_enough_and_the_document_goes_to_standard_output() {
    let target = Target::start(Config::default()).unwrap();
    let url = format!("http://{}/", target.addr());
    let output = muster(&["run", &url, "--rate", "100/s", "--duration", "1s", "--json", "-", "--tag", "a=b"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], "muster.result/1");
    assert_eq!(document["run"]["tags"]["a"], "b");
    assert_eq!(document["accounting"]["iterations"]["due"], 100);
    assert_eq!(target.stop().responses, 100);
}

#[test]
fn a_threshold_that_fails_ends_with_99_and_one_that_aborts_ends_early() {
    let target = Target::start(Config { script: "latency=20ms".parse().unwrap(), ..Config::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = |threshold: &str, duration: &str| {
        format!(
            "target: http://{}\nscenarios:\n  a:\n    executor: constant-users\n    users: 2\n    duration: {duration}\n    \
             steps: [ {{ get: / }} ]\nthresholds: [ \"{threshold}\" ]\n",
            target.addr()
        )
    };
    let passing = file(&folder, "passing.yaml", plan("http_req_failed: rate < 1%", "1s").as_bytes());
    assert_eq!(code(&muster(&["run", &passing])), 0);
    let failing = file(&folder, "failing.yaml", plan("http_req_duration: p(50) < 1ms", "1s").as_bytes());
    let output = muster(&["run", &failing]);
    assert_eq!(code(&output), 99, "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("FAILED"), "{}", text(&output.stdout));
    let aborting = file(&folder, "aborting.yaml", plan("http_req_duration: p(50) < 1ms, abort", "50s").as_bytes());
    assert_eq!(code(&muster(&["run", &aborting])), 99);
}

#[test]
fn a_bad_plan_ends_with_104_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*l{}", level - 1); 9].join(", ");
        bomb += &format!("l{level}: &l{level} [{aliases}]\n");
    }
    let huge = vec![b' '; 50 << 20];
    let scenario = "scenarios: { a: { executor: constant-users, users: 1, duration: 1s, steps: [ { get: / } ] } }";
    let unknown_key = format!("target: http://127.0.0.1:1\nscenaros: 1\n{scenario}\n");
    let wrong_type = format!("target: [1]\n{scenario}\n");
    for (name, content, wanted) in [
        ("key.yaml", unknown_key.as_bytes(), "scenaros"),
        ("type.yaml", wrong_type.as_bytes(), "target"),
        ("empty.yaml", b"".as_slice(), "empty"),
        ("huge.yaml", &huge, "at most 1048576 bytes"),
        ("bomb.yaml", bomb.as_bytes(), "alias"),
    ] {
        let output = muster(&["run", &file(&folder, name, content)]);
        let words = text(&output.stderr);
        assert_eq!(code(&output), 104, "{name}: {words}");
        assert!(words.to_lowercase().contains(&wanted.to_lowercase()), "{name}: {words}");
        assert!(output.stdout.is_empty());
    }
    for path in ["/nowhere/at/all.yaml", "/"] {
        assert_eq!(code(&muster(&["run", path])), 104, "{path}");
    }
    assert_eq!(code(&muster(&["run", "x.yaml", "--no-such-flag"])), 104);
}

#[test]
fn a_failing_target_is_data() {
    let target = Target::start(Config::default()).unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, kind) in [
        (format!("http://{closed}/"), "connect_refused"),
        (format!("http://{}/?fault=garbage", target.addr()), "protocol"),
        (format!("http://{}/?fault=endless-head", target.addr()), "too_large"),
        (format!("http://{}/?fault=huge-chunk", target.addr()), "too_large"),
        (format!("http://{}/?fault=close-mid-body", target.addr()), "reset"),
        (format!("http://{}/?fault=never", target.addr()), "total_timeout"),
        ("http://nowhere.invalid/".to_owned(), "dns"),
    ] {
        let output = muster(&["run", &url, "--rate", "5/s", "--duration", "1s", "--timeout", "500ms"]);
        assert_eq!(code(&output), 0, "{url}: {}", text(&output.stdout));
        assert!(text(&output.stdout).contains(kind), "{url}: {}", text(&output.stdout));
    }
}

#[test]
fn addresses_that_cannot_be_used_are_refused_with_advice() {
    let target = Target::start(Config::default()).unwrap();
    let url = format!("http://{}/", target.addr());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = muster(&["run", &url, "--agents", "1", "--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("hint:"), "{}", text(&output.stderr));
    let output = muster(&["run", &url, "--agents", "1", "--listen", "0.0.0.0:0"]);
    assert_eq!(code(&output), 106);
    assert!(text(&output.stderr).contains("--insecure-cluster"), "{}", text(&output.stderr));
    let output = muster(&["run", &url, "--agents", "1", "--listen", "127.0.0.1:0", "--wait", "1"]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("agents") || text(&output.stdout).contains("agents joined"));
}

#[test]
fn a_result_that_cannot_be_stored_ends_with_107_and_is_shown_all_the_same() {
    let target = Target::start(Config::default()).unwrap();
    let url = format!("http://{}/", target.addr());
    let output = muster(&["run", &url, "--duration", "1s", "--users", "1", "--json", "/nowhere/result.json"]);
    assert_eq!(code(&output), 107);
    assert!(text(&output.stdout).contains("books"), "{}", text(&output.stdout));
}

#[test]
fn the_first_interrupt_drains_and_reports() {
    let target = Target::start(Config::default()).unwrap();
    let url = format!("http://{}/", target.addr());
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    let child = command
        .args(["run", &url, "--rate", "50/s", "--duration", "60s", "--no-store"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let child = child.spawn().unwrap();
    while target.counts().responses < 25 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 105, "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("balanced on 1 of 1 agents"), "{}", text(&output.stdout));
}

#[test]
fn the_other_commands_say_what_they_know() {
    let folder = tempfile::tempdir().unwrap();
    let plan = "target: http://127.0.0.1:1\nscenarios: { a: { executor: constant-arrival-rate, rate: 10/s, duration: 3s, steps: [ { get: / } ] } }\n";
    let output = muster(&["validate", &file(&folder, "plan.yaml", plan.as_bytes())]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("30 iterations"), "{}", text(&output.stdout));
    let schema: serde_json::Value = serde_json::from_slice(&muster(&["schema"]).stdout).unwrap();
    assert!(schema["$schema"].is_string());
    assert_eq!(code(&muster(&["doctor"])), 0);
    assert_eq!(code(&muster(&["--help"])), 0);
}

#[test]
fn a_plan_can_be_tried_without_a_target_of_ones_own() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/");
    let output = muster(&["run", &url, "--rate", "20/s", "--duration", "1s", "--serve-target", "status=503"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("http_5xx"), "{}", text(&output.stdout));
    let output = muster(&["run", "http://example.com/", "--serve-target"]);
    assert_eq!(code(&output), 104);
}

#[test]
fn a_plan_is_made_of_what_there_is_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let commands = file(&folder, "commands.sh", b"curl http://127.0.0.1:8080/a -u me:hunter2\n");
    let printed = muster(&["import", "curl", &commands]);
    assert_eq!((code(&printed), text(&printed.stderr).contains("note: secrets are left out")), (0, true));
    let plan = folder.path().join("plan.yaml").to_string_lossy().into_owned();
    let written = muster(&["import", "curl", &commands, "-o", &plan]);
    assert_eq!((code(&written), text(&written.stdout)), (0, String::new()));
    assert_eq!(std::fs::read_to_string(&plan).unwrap(), text(&printed.stdout));
    assert_eq!(code(&muster(&["validate", &plan])), 0);
    let again = muster(&["import", "curl", &commands, "--output", &plan]);
    assert_eq!((code(&again), text(&again.stderr).contains("--force replaces it")), (104, true));
    assert_eq!(code(&muster(&["import", "curl", &commands, "--output", &plan, "--force"])), 0);
    // There is nothing on standard input, and a recording is no command.
    for arguments in [["import", "postman", "-"], ["import", "har", &commands], ["import", "openapi", "/nowhere"]] {
        let refused = muster(&arguments);
        assert_eq!((code(&refused), refused.stdout.is_empty()), (104, true), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).starts_with("error: "), "{}", text(&refused.stderr));
    }
}

#[test]
fn variables_and_kinds_of_tests_are_named_on_the_command_line() {
    let target = Target::start(Config::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = format!(
        "target: http://{}\nvars: {{ page: one }}\nscenarios:\n  a:\n    executor: per-user-iterations\n    users: 1\n    \
         iterations: 2\n    steps: [ {{ name: \"page {{{{ page }}}}\", get: \"/{{{{ page }}}}\" }} ]\n",
        target.addr()
    );
    let plan = file(&folder, "plan.yaml", plan.as_bytes());
    let output = muster(&["run", &plan, "--var", "page=two", "--json", "-"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let of_plan = &document["run"]["plan"];
    assert_eq!(of_plan["vars"][0], serde_json::json!({"name": "page", "json": "\"two\""}));
    assert_eq!(of_plan["scenarios"][0]["steps"][0]["request"]["name"], "page two");
    let output = muster(&["run", &plan, "--var", "pgae=two"]);
    assert_eq!(code(&output), 104);
    assert!(text(&output.stderr).contains("did you mean `page`?"), "{}", text(&output.stderr));
    let url = format!("http://{}/", target.addr());
    let output = muster(&["run", &url, "--preset", "breakpoint", "--rate", "100/s", "--duration", "1s", "--json", "-"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["accounting"]["iterations"]["due"], 50);
}
