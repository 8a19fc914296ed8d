//! A run whose metrics go elsewhere.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use muster_target::{Config, Target};
use tempfile::TempDir;

/// A run under way, with its target and its result's place.
pub(crate) struct Run {
    _target: Target,
    folder: TempDir,
    child: Child,
    err: BufReader<std::process::ChildStderr>,
    out: JoinHandle<String>,
}

/// What became of a run.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    /// Everything it said.
    pub(crate) said: String,
    pub(crate) result: serde_json::Value,
    /// All that it stored, one file after the other.
    pub(crate) stored: Vec<u8>,
}

impl Run {
    /// A run of so many seconds at 100/s against a target that fails each tenth time, with these further arguments and
    /// variables.
    pub(crate) fn start(seconds: u32, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let script = "latency=lognormal(5ms,40ms)&status=503&p=0.1".parse().unwrap();
        let target = Target::start(Config { script, ..Config::default() }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(["run", &format!("http://{}/", target.addr()), "--rate", "100/s", "--quiet"]);
        command.args(["--duration", &format!("{seconds}s"), "--json", "result.json"]).args(arguments);
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(environment.iter().copied());
        let mut child = command.spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        let mut out = child.stdout.take().unwrap();
        let out = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).unwrap();
            text
        });
        Self { _target: target, folder, child, err, out }
    }

    /// The first line on standard error that has these words.
    pub(crate) fn says(&mut self, words: &str) -> String {
        let mut line = String::new();
        while self.err.read_line(&mut line).unwrap() > 0 {
            if line.contains(words) {
                return line.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("it never says {words:?}");
    }

    /// Its user presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    pub(crate) fn end(mut self) -> Done {
        let mut said = String::new();
        self.err.read_to_string(&mut said).unwrap();
        said += &self.out.join().unwrap();
        let code = self.child.wait().unwrap().code();
        let result = std::fs::read(self.folder.path().join("result.json")).unwrap();
        let mut stored = Vec::new();
        collect(self.folder.path(), &mut stored);
        Done { code, said, result: serde_json::from_slice(&result).unwrap(), stored }
    }
}

fn collect(folder: &Path, stored: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, stored),
            false => stored.extend(std::fs::read(path).unwrap_or_default()),
        }
    }
}

impl Done {
    /// A metric of all requests, or of all iterations.
    pub(crate) fn metric(&self, name: &str) -> &serde_json::Value {
        let is_of_all = |metric: &&serde_json::Value| metric["name"] == name && metric["scenario"].is_null();
        self.result["metrics"].as_array().unwrap().iter().find(is_of_all).unwrap()
    }

    /// How many of them there are.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.metric(name)["count"].as_u64().unwrap()
    }

    /// So many milliseconds after its end, in seconds since 1970.
    pub(crate) fn ended_at(&self, after_ms: i64) -> String {
        let start: jiff::Timestamp = self.result["run"]["started_at"].as_str().unwrap().parse().unwrap();
        let lasted_ms = (self.result["run"]["duration_s"].as_f64().unwrap() * 1e3) as i64;
        let end_ms = start.as_millisecond() + lasted_ms + after_ms;
        format!("{}.{:03}", end_ms / 1_000, end_ms % 1_000)
    }

    /// Whether this text stands anywhere in what was stored or said.
    pub(crate) fn tells(&self, text: &str) -> bool {
        self.said.contains(text) || self.stored.windows(text.len()).any(|window| window == text.as_bytes())
    }
}
