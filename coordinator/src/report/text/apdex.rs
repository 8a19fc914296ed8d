//! Apdex, as its specification wants it shown: the score with its target, and a mark where there are few samples.

use super::format::{count, foreign, plain};
use super::paint::{Ink, Paint};
use super::table::{Cell, Table};
use super::{NAME_MAX, headline, requests};
use crate::report::{ApdexInfo, ApdexScore, Report};

/// The most requests that are shown; the document has them all.
const REQUESTS_MAX: usize = 50;

pub(super) fn section(report: &Report, paint: Paint) -> String {
    let Some(apdex) = &report.apdex else { return String::new() };
    let mut table = Table::default();
    let titles = ["score", "", "satisfied", "tolerating", "frustrated"].map(Cell::right);
    table.row([Cell::left("request")].into_iter().chain(titles).map(|title| title.ink(Ink::Faint)));
    let (of_requests, of_all): (Vec<_>, Vec<_>) = apdex.scores.iter().partition(|score| score.request.is_some());
    let all = of_all.into_iter().filter(|_| of_requests.len() > 1);
    for score in of_requests.iter().take(REQUESTS_MAX).copied().chain(all) {
        let name = match (&score.scenario, &score.request) {
            (Some(scenario), Some(request)) => requests::name(report, scenario, request),
            _ => foreign("all", NAME_MAX),
        };
        table.row([
            Cell::left(name),
            Cell::right(shown(score, apdex)),
            Cell::left(score.rating.as_deref().unwrap_or_default()),
            Cell::right(count(score.satisfied)),
            Cell::right(count(score.tolerating)),
            Cell::right(count(score.frustrated)),
        ]);
    }
    let [target, tolerable] = [apdex.target_ms, apdex.tolerable_ms].map(plain);
    let words = format!("T {target} ms, tolerable to {tolerable} ms, failures frustrate   ({})", apdex.specification);
    headline("apdex", &words, paint) + &table.render(2, paint)
}

/// The score with its target in seconds; NS stands for no sample, an asterisk for few.
fn shown(score: &ApdexScore, apdex: &ApdexInfo) -> String {
    let target_s = plain(apdex.target_ms / 1e3);
    match score.score {
        None => format!("NS [{target_s}]"),
        Some(number) => format!("{number:.2} [{target_s}]{}", if score.small_group { "*" } else { "" }),
    }
}
