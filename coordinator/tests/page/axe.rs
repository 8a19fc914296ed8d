//! Whether everybody can read the pages: what axe-core finds in them, where `MUSTER_AXE` says where its `axe.min.js` is.
//!
//! The script goes into a copy of each page, whose content security policy is left out; it looks at the page in light and in dark.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use muster::compare::Comparison;
use muster::report::trend::{Of, Point, Trend, Unit};
use muster::report::{KeptRun, Report, html};

use super::browser::{browse, browser};
use super::made_up::Tale;

/// Lets axe-core look at the page twice, and leaves what it finds in an element of its own.
const LOOK: &str = "
(async () => {
  const found = [];
  for (const look of ['as it opens', 'in the other colours']) {
    const { violations, passes } = await axe.run();
    const told = violations.flatMap(({ id, nodes }) => nodes.map(node => look + ': ' + id + ': ' + node.html));
    found.push(...told, look + ': ' + (passes.length > 10 ? 'looked' : 'hardly looked'));
    document.getElementById('theme').click();
  }
  const told = document.createElement('pre');
  told.id = 'axe';
  told.textContent = JSON.stringify(found);
  document.body.append(told);
})();
";

/// Writes all kinds of pages.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let file = |name: &str| folder.join(format!("{name}.html"));
    let mut pages = Vec::new();
    for tale in [Tale::Good, Tale::Failed, Tale::Lost, Tale::Empty] {
        let page = file(&format!("{tale:?}"));
        html::write(&Report::of(&tale.told(10)), File::create(&page).unwrap()).unwrap();
        pages.push(page);
    }
    let (before, after) = (Tale::Good.told(10), Tale::Good.told(14));
    let limits = ["p50=5%".parse().unwrap(), "p99=90%".parse().unwrap()];
    let (page, reports) = (file("comparison"), [&before, &after].map(Report::of));
    let comparison = Comparison::of(&before, &after);
    html::write_comparison(&comparison, &limits, reports.each_ref(), File::create(&page).unwrap()).unwrap();
    pages.push(page);
    let run = |outcome: &str| KeptRun { id: "019ad3f1".to_owned(), outcome: outcome.to_owned(), ..KeptRun::default() };
    let points = [(10.0, "passed"), (12.0, "failed")].map(|(value, outcome)| Point { value, run: run(outcome) });
    let of = Of { name: "shop".to_owned(), metric: "http_req_duration: p(99)".to_owned(), ..Of::default() };
    let page = file("trend");
    html::write_trend(&Trend::new(of, Unit::Ms, points.to_vec(), 0), File::create(&page).unwrap()).unwrap();
    pages.push(page);
    pages
}

/// A copy of a page that this script looks at.
fn looked_at(page: &Path, axe: &str) -> PathBuf {
    let text = fs::read_to_string(page).unwrap();
    let (before, policy) = text.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let (_, after) = policy.split_once('>').unwrap();
    let scripts = format!("<script>{axe}</script><script>{LOOK}</script></html>");
    let copy = page.with_extension("copy.html");
    fs::write(&copy, format!("{before}{}", after.replace("</html>", &scripts))).unwrap();
    copy
}

/// What axe-core found, as the page has it in the end.
fn found(dom: &str) -> Vec<String> {
    let (_, after) = dom.split_once("<pre id=\"axe\">").expect("it came to an end");
    let text = after.split_once("</pre>").unwrap().0;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn everybody_can_read_all_kinds_of_pages() {
    let Some(browser) = browser() else { return };
    let Some(axe) = std::env::var_os("MUSTER_AXE") else {
        println!("not looked at: MUSTER_AXE does not say where axe.min.js is");
        return;
    };
    let axe = fs::read_to_string(axe).unwrap().replace("</script", "<\\/script");
    let folder = tempfile::tempdir().unwrap();
    for page in pages(folder.path()) {
        let found = found(&browse(browser, &looked_at(&page, &axe)));
        assert_eq!(found, ["as it opens: looked", "in the other colours: looked"], "{}", page.display());
    }
}
