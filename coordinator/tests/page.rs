//! The report's page as a browser shows it, where there is one.

use std::path::Path;
use std::process::{Command, Stdio};

use muster_target::{Config, Target};

/// Browsers that can be asked what they make of a page.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What a browser makes of a page, and what it complains of.
fn browse(browser: &str, page: &Path) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"])
        .args(["--virtual-time-budget=5000", "--window-size=1440,2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What stands in the page behind a tile's name.
fn tile<'p>(dom: &'p str, name: &str) -> &'p str {
    let (_, after) = dom.split_once(&format!("<dt>{name}</dt><dd")).unwrap_or_else(|| panic!("no tile {name}"));
    after.split_once('>').unwrap().1.split(['<', ' ']).next().unwrap()
}

/// A browser, if there is one.
fn browser() -> Option<&'static str> {
    let works = |browser: &&str| {
        let version = Command::new(browser).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    let found = BROWSERS.into_iter().find(works);
    if found.is_none() {
        println!("not looked at: there is none of {BROWSERS:?} here");
    }
    found
}

#[test]
fn a_browser_shows_the_numbers_of_a_trend() {
    let Some(browser) = browser() else { return };
    let target = Target::start(Config::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (page, runs) = (folder.path().join("trend.html"), folder.path().join("runs"));
    let url = format!("http://{}/", target.addr());
    let muster = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        let ended = command.args(arguments).arg("--out").arg(&runs).stdout(Stdio::null()).status().unwrap();
        assert!(ended.success(), "{arguments:?}: {ended}");
    };
    for rate in ["20/s", "50/s"] {
        muster(&["run", &url, "--rate", rate, "--duration", "1s", "--quiet"]);
    }
    muster(&["trend", "requests", "--html", page.to_str().unwrap()]);
    let (dom, complaints) = browse(browser, &page);
    for complaint in ["Content Security Policy", "Uncaught", "CONSOLE"] {
        assert!(!complaints.contains(complaint), "{complaints}");
    }
    assert_eq!((tile(&dom, "Lowest"), tile(&dom, "Last")), ("20", "50"));
    assert_eq!((dom.matches("<rect").count(), dom.matches("<tr>").count()), (2, 3), "a bar and a row for each run");
}

#[test]
fn a_browser_shows_the_numbers_of_the_document() {
    let Some(browser) = browser() else { return };
    let target = Target::start(Config { script: "latency=2ms".parse().unwrap(), ..Config::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (page, document) = (folder.path().join("report.html"), folder.path().join("result.json"));
    let url = format!("http://{}/<b>hostile</b>", target.addr());
    let ended = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["run", &url, "--rate", "50/s", "--duration", "2s", "--quiet", "--no-store"])
        .arg("--html")
        .arg(&page)
        .arg("--json")
        .arg(&document)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(ended.success(), "{ended}");
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(document).unwrap()).unwrap();
    let (dom, complaints) = browse(browser, &page);
    for complaint in ["Content Security Policy", "Uncaught", "CONSOLE"] {
        assert!(!complaints.contains(complaint), "{complaints}");
    }
    let find = |name: &str| {
        let of_all = |metric: &&serde_json::Value| metric["name"] == name && metric["scenario"].is_null();
        document["metrics"].as_array().unwrap().iter().find(of_all).unwrap()
    };
    assert_eq!(tile(&dom, "requests"), find("http_reqs")["count"].to_string());
    let p99_ms = find("http_req_duration")["percentiles_ms"]["99"].as_f64().unwrap();
    let shown: f64 = tile(&dom, "p99").parse().unwrap();
    assert!((shown - p99_ms).abs() <= p99_ms * 0.01, "{shown} for {p99_ms}");
    assert!(dom.matches("<svg").count() > 8 && dom.matches("<path").count() >= 8, "there are charts");
    assert!(!dom.contains("<b>hostile"), "foreign text is text");
}
