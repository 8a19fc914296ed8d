//! A run as one page, or one number over many runs, or two runs side by side: a single file that needs nothing else, and lets nothing else in.
//!
//! All numbers are those of the document; the page's own script draws them. What the document holds of foreign text stands
//! in the page as data, never as markup, and a content security policy allows no script and no style but the page's own.

mod columns;
mod compared;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};

use super::Report;
use super::trend::Trend;
use crate::compare::{Comparison, Limit};
use columns::Page;
use compared::Compared;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = concat!(include_str!("charts.js"), include_str!("parts.js"), include_str!("page.js"));
const BODY: &str = include_str!("page.html");
const TREND_SCRIPT: &str = concat!(include_str!("charts.js"), include_str!("parts.js"), include_str!("trend.js"));
const TREND_BODY: &str = include_str!("trend.html");
const COMPARE_SCRIPT: &str = concat!(include_str!("charts.js"), include_str!("parts.js"), include_str!("compare.js"));
const COMPARE_BODY: &str = include_str!("compare.html");

/// Writes the page of a run.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, out: impl Write) -> io::Result<()> {
    let title = format!("{} · {}", report.run.name, report.verdict.outcome);
    page(&title, BODY, SCRIPT, &serde_json::to_string(&Page::of(report))?, out)
}

/// Writes the page of a trend.
///
/// # Errors
/// When the writer fails.
pub fn write_trend(trend: &Trend, out: impl Write) -> io::Result<()> {
    let title = format!("{} · {}", trend.name, trend.metric);
    page(&title, TREND_BODY, TREND_SCRIPT, &serde_json::to_string(trend)?, out)
}

/// Writes the page of a comparison, with the limits that it was to keep and the reports of both runs.
///
/// # Errors
/// When the writer fails.
pub fn write_comparison(
    comparison: &Comparison,
    limits: &[Limit],
    runs: [&Report; 2],
    out: impl Write,
) -> io::Result<()> {
    let title = format!("{} · compared", runs[1].run.name);
    let compared = Compared::of(comparison, limits, runs);
    page(&title, COMPARE_BODY, COMPARE_SCRIPT, &serde_json::to_string(&compared)?, out)
}

fn page(title: &str, body: &str, script: &str, json: &str, mut out: impl Write) -> io::Result<()> {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        fingerprint(script),
        fingerprint(STYLE)
    );
    let title = text(title);
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         {body}\n<script type=\"application/json\" id=\"data\">"
    )?;
    out.write_all(data(json).as_bytes())?;
    write!(out, "</script>\n<script>{script}</script>\n</html>\n")
}

/// What the policy knows a script or a style by.
fn fingerprint(content: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(digest(&SHA256, content.as_bytes())))
}

/// JSON that cannot end the element in which it stands.
fn data(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Text as markup shows it.
fn text(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.chars().filter(|c| !c.is_control()).collect()
}
