//! Pages as a browser shows them, where there is one.

mod axe;
mod browser;
mod made_up;
#[path = "../../benches/whole/mod.rs"]
mod whole;

use std::fs::File;
use std::process::{Command, Stdio};

use browser::{browse, browser, tile};
use made_up::Tale;
use muster::compare::{Comparison, Limit};
use muster::report::{Report, html};
use muster_target::{Config, Target};

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
    muster(&["run", &url, "--rate", "20/s", "--duration", "1s", "--quiet"]);
    muster(&["run", &url, "--rate", "50/s", "--duration", "1s", "--quiet", "--baseline", "last"]);
    let last = std::fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).max();
    let dom = browse(browser, &last.unwrap().join("comparison.html"));
    assert!(dom.contains(">TOO LITTLE TO TELL<") && dom.contains("rate: too few seconds to tell"), "{dom}");
    muster(&["trend", "requests", "--html", page.to_str().unwrap()]);
    let dom = browse(browser, &page);
    assert_eq!((tile(&dom, "Lowest"), tile(&dom, "Last")), ("20", "50"));
    assert_eq!((dom.matches("<rect").count(), dom.matches("<tr").count()), (2, 3), "a bar and a row for each run");
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
    let dom = browse(browser, &page);
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

#[test]
fn a_browser_shows_two_runs_side_by_side() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("comparison.html");
    let (before, after) = (Tale::Good.told(10), Tale::Good.told(14));
    let comparison = Comparison::of(&before, &after);
    let limits: Vec<Limit> = vec!["p90=5%".parse().unwrap(), "rate=5%".parse().unwrap()];
    let reports = [&before, &after].map(Report::of);
    html::write_comparison(&comparison, &limits, reports.each_ref(), File::create(&page).unwrap()).unwrap();
    let dom = browse(browser, &page);
    assert!(dom.contains(">REGRESSION<") && dom.contains("✗ broken") && dom.contains("✓ held"), "its limits");
    assert!(!dom.contains("<b>hostile") && !dom.contains("<i>a"), "foreign text is text");
    let forests = dom.matches("<span class=\"forest\">").count();
    let rows = comparison.rows.len() + comparison.quantiles.iter().filter(|row| row.request.is_none()).count();
    assert_eq!(forests, rows + 4, "an interval in each row, and an axis over each table");
    let shifts = dom.split_once("id=\"shifts\"").unwrap().1.split_once("id=\"bands\"").unwrap().0;
    let of_all = comparison.quantiles.iter().filter(|row| row.request.is_none());
    let (told, open): (Vec<_>, Vec<_>) = of_all.partition(|row| row.band.is_some());
    let marks = (shifts.matches("<title>p").count(), shifts.matches("class=\"open\"").count());
    assert_eq!(
        marks,
        (told.len() + open.len(), open.len() + 1),
        "a mark for each quantile; hollow where it is open, as its key"
    );
    let charts = dom.split_once("id=\"charts\"").unwrap().1;
    assert_eq!(charts.matches("stroke-linejoin=\"round\"").count(), 6, "a line for each run in each chart of time");
}
