//! What Prometheus itself makes of a run, where it is installed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::run::{Done, Run};

/// How long it may take to get ready, or to have what it was told. It says nothing of how fast it should be.
const PATIENCE: Duration = Duration::from_secs(120);
/// Half a bucket of the histogram and a whole one of Prometheus' native ones at the coarsest scale that four and a half
/// doublings ask for.
const PRECISION: f64 = 0.05;

/// Prometheus at work, in a folder of its own.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// One that asks for metrics there, if it is installed.
    fn start(scraped: &str) -> Option<Self> {
        let version = Command::new("prometheus").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            println!("not asked: there is no prometheus here");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
             scrape_configs: [ {{ job_name: muster, static_configs: [ {{ targets: [ \"{scraped}\" ] }} ] }} ]\n"
        );
        std::fs::write(&config, text).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--enable-feature=native-histograms", "--web.enable-remote-write-receiver"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let prometheus = Self { child, address, _folder: folder };
        prometheus.wait_for("it is ready", || prometheus.get("/-/ready").filter(|(head, _)| head.contains(" 200 ")));
        Some(prometheus)
    }

    fn wait_for<T>(&self, what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(answer) = answer() {
                return answer;
            }
            assert!(since.elapsed() < PATIENCE, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn get(&self, path: &str) -> Option<(String, String)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nhost: x\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.to_owned(), body.to_owned()))
    }

    /// The value of an expression now, or at a moment in seconds since 1970, if it has one.
    fn value(&self, expression: &str, at: &str) -> Option<f64> {
        let query: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let (_, body) = self.get(&format!("/api/v1/query?query={query}&time={at}"))?;
        let answer: serde_json::Value = serde_json::from_str(&body).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// What it knows at a moment is what the document says.
    fn agrees_with(&self, done: &Done, at: &str) {
        let value = |expression: &str| self.value(expression, at);
        let requests = done.count("http_reqs") as f64;
        self.wait_for("it has everything", || value("sum(muster_http_reqs_total)").filter(|n| *n == requests));
        let times = &done.metric("http_req_duration")["percentiles_ms"];
        for (percent, q) in [("50", 0.5), ("90", 0.9), ("99", 0.99)] {
            let told_s = value(&format!("histogram_quantile({q}, sum(muster_http_req_duration_seconds))")).unwrap();
            let counted_s = times[percent].as_f64().unwrap() / 1e3;
            assert!((told_s - counted_s).abs() <= PRECISION * counted_s, "p{percent}: {told_s} for {counted_s}");
        }
        let count = value("histogram_count(sum(muster_http_req_duration_seconds))");
        assert_eq!(count, Some(done.count("http_req_duration") as f64));
        let failed = value("sum(muster_http_req_failed_total{kind=\"http_5xx\"})");
        assert_eq!(failed, Some(done.count("http_req_failed") as f64));
    }
}

#[test]
fn prometheus_reads_the_page() {
    let mut run = Run::start(4, &["--prometheus", "0", "--prometheus-linger", "600s"], &[]);
    let Some(prometheus) = Prometheus::start(&super::scrape::page_of(&mut run)) else { return run.interrupt() };
    run.says("metrics stay at");
    // The last state has nobody at work any more.
    prometheus.wait_for("it has read the last page", || prometheus.value("muster_agent_up == 0", ""));
    let now = prometheus.value("vector(time())", "").unwrap().to_string();
    run.interrupt();
    prometheus.agrees_with(&run.end(), &now);
}

#[test]
fn prometheus_takes_remote_write() {
    let Some(prometheus) = Prometheus::start("127.0.0.1:9") else { return };
    let url = format!("http://{}/api/v1/write", prometheus.address);
    let done = Run::start(4, &["--remote-write", &url], &[]).end();
    assert_eq!(done.code, Some(0), "{}", done.said);
    assert!(!done.said.contains("remote write"), "all was taken: {}", done.said);
    let is_over = || prometheus.value("muster_http_reqs_total", "").is_none().then_some(());
    prometheus.wait_for("it knows that the run is over", is_over);
    // The last state is that of a millisecond after the end.
    let last_ms = prometheus.value("max(timestamp(muster_http_reqs_total)) * 1000", &done.ended_at(1)).unwrap();
    prometheus.agrees_with(&done, &format!("{:.3}", last_ms / 1e3));
}
