//! A browser, where there is one, and what it makes of a page.

use std::path::Path;
use std::process::{Command, Stdio};

/// Browsers that can be asked what they make of a page.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What a browser makes of a page, of which it has nothing to complain.
pub(crate) fn browse(browser: &str, page: &Path) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"])
        .args(["--virtual-time-budget=5000", "--window-size=1440,2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    for complaint in ["Content Security Policy", "Uncaught", "CONSOLE"] {
        assert!(!complaints.contains(complaint), "{complaints}");
    }
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What stands in the page behind a tile's name.
pub(crate) fn tile<'p>(dom: &'p str, name: &str) -> &'p str {
    let (_, after) = dom.split_once(&format!("<dt>{name}</dt><dd")).unwrap_or_else(|| panic!("no tile {name}"));
    after.split_once('>').unwrap().1.split(['<', ' ']).next().unwrap()
}

/// A browser, if there is one.
pub(crate) fn browser() -> Option<&'static str> {
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
