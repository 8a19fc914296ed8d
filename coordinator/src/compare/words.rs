//! What a comparison comes to, in words: what is shown first, then what is no more than noise, then what nobody can tell.

use serde::Serialize;

use super::{Row, Side};

/// So many requests are told of by name; of more it is said how many they are.
const REQUESTS_TOLD_MAX: usize = 20;

/// A sentence of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `better` or `worse` where a difference is shown, `same` where none is, `unknown` where nobody can tell; `doubtful` of
    /// whatever is found.
    pub kind: &'static str,
    /// The sentence.
    pub text: String,
}

/// A part in per cent, with its sign.
pub(super) fn signed(part: f64) -> String {
    format!("{:+.1} %", part * 100.0)
}

/// A part in per cent.
pub(super) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// An interval in per cent.
pub(super) fn interval([low, high]: [f64; 2]) -> String {
    format!("{} .. {}", signed(low), signed(high))
}

/// What these rows of these runs come to; whether their generators can be believed comes before everything.
pub(super) fn findings(runs: &[Side; 2], rows: &[Row]) -> Vec<Finding> {
    let doubts = ["before", "after"].into_iter().zip(runs).filter(|(_, side)| side.validity != "VALID");
    let doubts = doubts.map(|(which, side)| Finding {
        kind: "doubtful",
        text: format!("The run {which} is {}: what is different may come of its generators.", side.validity),
    });
    let of_all: Vec<&Row> = rows.iter().filter(|row| row.request.is_none()).collect();
    let shown = of_all
        .iter()
        .filter(|row| row.is_shown())
        .map(|row| Finding { kind: row.finding, text: format!("Of all requests together {}.", sentence(row)) });
    let told = doubts.chain(shown).chain(same(&of_all)).chain(unknown(&of_all)).chain(of_requests(rows));
    told.collect()
}

/// A row in which a difference is shown, in words.
fn sentence(row: &Row) -> String {
    let by = row.shift.unwrap_or_default();
    let size = percent(by.abs());
    let band = row.band.map(|band| format!(" ({})", interval(band))).unwrap_or_default();
    match row.number {
        "rate" => format!("the rate is {size} {}{band}", if by > 0.0 { "higher" } else { "lower" }),
        "failed" => format!("{} percentage points {} failed{band}", size.trim_end_matches(" %"), more_or_fewer(by)),
        number => format!("{number} is {size} {}{band}", if by > 0.0 { "longer" } else { "shorter" }),
    }
}

fn more_or_fewer(by: f64) -> &'static str {
    if by > 0.0 { "more" } else { "fewer" }
}

fn same(of_all: &[&Row]) -> Option<Finding> {
    let same = of_all.iter().filter(|row| row.finding == "same");
    let told: Vec<String> = same
        .map(|row| format!("{} (a shift of {} would be)", row.number, percent(row.shown_from.unwrap_or_default())))
        .collect();
    let text = format!("Of all requests together no difference is shown in {}.", told.join(", "));
    (!told.is_empty()).then_some(Finding { kind: "same", text })
}

fn unknown(of_all: &[&Row]) -> Option<Finding> {
    let unknown = of_all.iter().filter(|row| row.finding == "unknown");
    let told: Vec<String> =
        unknown.map(|row| format!("{}: {}", row.number, row.because.unwrap_or("too little to tell"))).collect();
    let text = format!("Of all requests together nobody can tell {}.", told.join("; "));
    (!told.is_empty()).then_some(Finding { kind: "unknown", text })
}

/// A sentence for each request in which a difference is shown, and one for all others.
fn of_requests(rows: &[Row]) -> Vec<Finding> {
    let of_requests: Vec<&Row> = rows.iter().filter(|row| row.request.is_some()).collect();
    let each: Vec<&[&Row]> =
        of_requests.chunk_by(|a, b| (&a.scenario, &a.request) == (&b.scenario, &b.request)).collect();
    let differ: Vec<Finding> = each.iter().filter_map(|rows| of_request(rows)).collect();
    let (told, others) = (differ.len().min(REQUESTS_TOLD_MAX), each.len() - differ.len());
    let mut findings = differ;
    let more = findings.split_off(told).len();
    let mut add = |count: usize, kind, text: &str| {
        if count > 0 {
            findings.push(Finding { kind, text: format!("{count} {text}") });
        }
    };
    add(more, "unknown", "more requests show differences; the tables have them.");
    add(others, "same", if others == 1 { "request shows no difference." } else { "requests show no difference." });
    findings
}

fn of_request(rows: &[&Row]) -> Option<Finding> {
    let shown: Vec<&&Row> = rows.iter().filter(|row| row.is_shown()).collect();
    let first = shown.first()?;
    let kind = if shown.iter().any(|row| row.finding == "worse") { "worse" } else { "better" };
    let name = [&first.scenario, &first.request].map(|name| name.as_deref().unwrap_or_default()).join("/");
    let sentences: Vec<String> = shown.iter().map(|row| sentence(row)).collect();
    Some(Finding { kind, text: format!("{name}: {}.", sentences.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(request: Option<&str>, number: &'static str, shift: Option<f64>, finding: &'static str) -> Row {
        Row {
            scenario: request.map(|_| "browse".to_owned()),
            request: request.map(str::to_owned),
            number,
            values: [1.0, 1.0],
            shift,
            band: shift.map(|by| [by - 0.01, by + 0.01]),
            shown_from: shift.map(|_| 0.015),
            finding,
            because: shift.is_none().then_some("too few requests beyond it to tell"),
        }
    }

    fn runs(after: &str) -> [Side; 2] {
        let side = |validity: &str| Side {
            id: String::new(),
            name: String::new(),
            started_at: String::new(),
            validity: validity.to_owned(),
        };
        [side("VALID"), side(after)]
    }

    #[test]
    fn what_is_shown_comes_first_and_what_is_noise_is_said_to_be() {
        let rows = [
            row(None, "p50", Some(0.002), "same"),
            row(None, "p99", Some(0.18), "worse"),
            row(None, "p99.9", None, "unknown"),
            row(None, "rate", Some(-0.05), "worse"),
            row(None, "failed", Some(-0.012), "better"),
            row(Some("list"), "p50", Some(-0.2), "better"),
            row(Some("cart"), "p50", Some(0.0), "same"),
        ];
        let told: Vec<(&str, String)> =
            findings(&runs("SUSPECT"), &rows).into_iter().map(|finding| (finding.kind, finding.text)).collect();
        let expected = [
            ("doubtful", "The run after is SUSPECT: what is different may come of its generators."),
            ("worse", "Of all requests together p99 is 18.0 % longer (+17.0 % .. +19.0 %)."),
            ("worse", "Of all requests together the rate is 5.0 % lower (-6.0 % .. -4.0 %)."),
            ("better", "Of all requests together 1.2 percentage points fewer failed (-2.2 % .. -0.2 %)."),
            ("same", "Of all requests together no difference is shown in p50 (a shift of 1.5 % would be)."),
            ("unknown", "Of all requests together nobody can tell p99.9: too few requests beyond it to tell."),
            ("better", "browse/list: p50 is 20.0 % shorter (-21.0 % .. -19.0 %)."),
            ("same", "1 request shows no difference."),
        ];
        assert_eq!(told, expected.map(|(kind, text)| (kind, text.to_owned())));
    }

    #[test]
    fn no_more_requests_are_told_of_than_anybody_reads() {
        let names: Vec<String> = (0..REQUESTS_TOLD_MAX + 5).map(|number| format!("r{number}")).collect();
        let rows: Vec<Row> = names.iter().map(|name| row(Some(name), "p50", Some(0.1), "worse")).collect();
        let told = findings(&runs("VALID"), &rows);
        assert_eq!(told.len(), REQUESTS_TOLD_MAX + 1);
        assert_eq!(told[REQUESTS_TOLD_MAX].text, "5 more requests show differences; the tables have them.");
    }
}
