//! The page in text, which every reader knows.

use std::fmt::Write as _;

use super::super::view::{Kind, Series, Value, View};
use super::labels;

/// What it is called among the kinds of content.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is exported.
#[must_use]
pub fn page(view: &View) -> String {
    let mut page = String::new();
    for (name, family) in &view.families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(page, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
        for series in &family.series {
            let labels: String =
                labels(view, &series.labels).map(|(label, value)| format!("{label}=\"{}\",", escaped(value))).collect();
            write(&mut page, name, labels.trim_end_matches(','), series);
        }
    }
    page
}

fn write(page: &mut String, name: &str, labels: &str, series: &Series) {
    let _ = match &series.value {
        Value::Count(n) => writeln!(page, "{name}{{{labels}}} {n}"),
        Value::Number(n) => writeln!(page, "{name}{{{labels}}} {n}"),
        Value::Histogram(all) => {
            for (bound, n) in all.classic() {
                let _ = writeln!(page, "{name}_bucket{{{labels},le=\"{bound}\"}} {n}");
            }
            let count = all.count();
            writeln!(
                page,
                "{name}_bucket{{{labels},le=\"+Inf\"}} {count}\n{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {count}",
                all.sum()
            )
        }
    };
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
