//! The grammar of a threshold, as k6 has it, with windows:
//!
//! ```text
//! threshold = metric [ "{" selector { "," selector } "}" ] ":" aggregate operator bound [ window ] [ [","] "abort" ]
//! selector  = ( "scenario" | "request" | "expected_response" | "check" | "group" | tag ) ":" ( text | '"' text '"' )
//! aggregate = "count" | "rate" | "avg" | "min" | "max" | "med" | "p(" number ")" | "value"
//! operator  = "<" | "<=" | ">" | ">=" | "==" | "===" | "!="
//! bound     = number | duration | number "%" | rate
//! window    = ( "for" | "over" ) duration
//! ```

mod check;
mod metric;
#[cfg(test)]
mod tests;

pub(super) use check::{Named, read};
pub(super) use metric::SELECTORS;

use std::ops::Range;

use metric::{LATER, METRICS, Metric, Numbers};
use muster_proto::plan::{Aggregate, Bound, Comparison, MetricKind, Rate, Selector, Threshold, ThresholdWindow};

use crate::plan_file::limits::WINDOW_SECONDS_MAX;
use crate::plan_file::suggest::{closest, did_you_mean, one_of};
use crate::plan_file::tree::{beginning, quoted};
use crate::plan_file::units::{parse_duration, parse_rate, split_number};

/// What is wrong with a threshold, and where in its text.
#[derive(Clone, Debug, PartialEq)]
struct GrammarMistake {
    at: Range<usize>,
    message: String,
    help: Option<String>,
}

/// A threshold, and where its selectors' values stand, for whoever knows which names there are.
#[derive(Clone, Debug, PartialEq)]
struct Parsed {
    threshold: Threshold,
    scenario_at: Range<usize>,
    request_at: Range<usize>,
    check_at: Range<usize>,
    group_at: Range<usize>,
    tags_at: Vec<Range<usize>>,
    /// What it could have said in place of a tag.
    selectors: &'static [&'static str],
}

/// Metrics of a plan's own: names and kinds.
type Own = [(String, MetricKind)];

const OPERATORS: [(&str, Comparison); 7] = [
    ("===", Comparison::Equal),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Reads a threshold.
fn parse(text: &str, own: &Own) -> Result<Parsed, GrammarMistake> {
    let mut cursor = Cursor { text, at: 0 };
    let metric = &metric_name(&mut cursor, own)?;
    let selectors = selectors(&mut cursor, metric)?;
    cursor.eat(":", "`:` after the metric, as in `http_req_duration: p(99) < 250ms`")?;
    let aggregate = aggregate(&mut cursor, metric)?;
    let comparison = comparison(&mut cursor)?;
    let bound = bound(&mut cursor, metric, aggregate)?;
    let window = window(&mut cursor)?;
    let abort = abort(&mut cursor)?;
    let threshold = Threshold {
        expression: text.trim().to_owned(),
        metric: metric.metric,
        selector: selectors.selector.clone(),
        aggregate,
        comparison,
        bound,
        window,
        abort,
    };
    let Selectors { selector: _, scenario_at, request_at, check_at, group_at, tags_at } = selectors;
    Ok(Parsed { threshold, scenario_at, request_at, check_at, group_at, tags_at, selectors: metric.selectors })
}

/// Whether thresholds know a metric of this name that is not a plan's own.
pub(super) fn is_metric(name: &str) -> bool {
    METRICS.iter().any(|metric| metric.name == name) || LATER.contains(&name)
}

/// Reads a threshold by itself, as a plan with these metrics of its own wrote it before.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_threshold(text: &str, own: &[(String, MetricKind)]) -> Result<Threshold, String> {
    parse(text, own).map(|parsed| parsed.threshold).map_err(|mistake| mistake.message)
}

fn metric_name<'n>(cursor: &mut Cursor<'_>, own: &'n Own) -> Result<Metric<'n>, GrammarMistake> {
    let (name, at) = cursor.until(|c| !c.is_ascii_alphanumeric() && c != '_');
    let known = METRICS.iter().find(|metric| metric.name == name).copied();
    if let Some(metric) = known.or_else(|| metric::own(own, name)) {
        return Ok(metric);
    }
    if LATER.contains(&name) {
        return Err(wrong(at, format!("the metric `{name}` is not supported by this version")));
    }
    let names: Vec<&str> =
        METRICS.iter().map(|metric| metric.name).chain(own.iter().map(|(name, _)| name.as_str())).collect();
    Err(wrong(at, format!("wanted a metric, found {}", quoted(name))).or(did_you_mean(name, &names)))
}

#[derive(Default)]
struct Selectors {
    selector: Selector,
    scenario_at: Range<usize>,
    request_at: Range<usize>,
    check_at: Range<usize>,
    group_at: Range<usize>,
    tags_at: Vec<Range<usize>>,
}

fn selectors(cursor: &mut Cursor<'_>, metric: &Metric<'_>) -> Result<Selectors, GrammarMistake> {
    let mut found = Selectors::default();
    if !cursor.take("{") {
        return Ok(found);
    }
    loop {
        let (name, name_at) = cursor.until(|c| matches!(c, ':' | ',' | '}'));
        let is_known = metric.selectors.contains(&name);
        if !is_known && (SELECTORS.contains(&name) || !metric.has_tags() || name.is_empty()) {
            return Err(unknown_selector(metric, name, name_at));
        }
        cursor.eat(":", "`:` after the selector, as in `{scenario:browse}`")?;
        let (value, at) = match cursor.take("\"") {
            true => {
                let value = cursor.until_exactly(|c| c == '"');
                cursor.eat("\"", "`\"` at the end of the value")?;
                value
            }
            false => cursor.until(|c| matches!(c, ',' | '}')),
        };
        let twice = match name {
            "scenario" => {
                found.scenario_at = at.clone();
                found.selector.scenario.replace(value.to_owned()).is_some()
            }
            "request" => {
                found.request_at = at.clone();
                found.selector.request.replace(value.to_owned()).is_some()
            }
            "check" => {
                found.check_at = at.clone();
                found.selector.check.replace(value.to_owned()).is_some()
            }
            "group" => {
                found.group_at = at.clone();
                found.selector.group.replace(value.to_owned()).is_some()
            }
            tag if !is_known => {
                let twice = found.selector.tags.iter().any(|(known, _)| known == tag);
                found.selector.tags.push((tag.to_owned(), value.to_owned()));
                found.tags_at.push(name_at.clone());
                twice
            }
            _ => {
                let expected = value.parse::<bool>();
                let expected = expected
                    .map_err(|_| wrong(at.clone(), format!("wanted `true` or `false`, found {}", quoted(value))))?;
                found.selector.expected_response.replace(expected).is_some()
            }
        };
        if twice {
            return Err(wrong(name_at, format!("the selector `{name}` stands here twice")));
        }
        if !cursor.take(",") {
            cursor.eat("}", "`,` or `}` after a selector")?;
            return Ok(found);
        }
    }
}

fn unknown_selector(metric: &Metric<'_>, name: &str, at: Range<usize>) -> GrammarMistake {
    if SELECTORS.contains(&name) {
        return wrong(at, format!("`{}` is not measured by {}", metric.name, quoted(name)))
            .or(format!("its selectors are {}", one_of(metric.selectors)));
    }
    wrong(at, format!("unknown selector {}", quoted(name))).or(did_you_mean(name, metric.selectors))
}

fn aggregate(cursor: &mut Cursor<'_>, metric: &Metric<'_>) -> Result<Aggregate, GrammarMistake> {
    let (text, at) = cursor.until(|c| matches!(c, '<' | '>' | '=' | '!'));
    let aggregate = match text {
        "count" => Aggregate::Count,
        "rate" => Aggregate::Rate,
        "avg" => Aggregate::Avg,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "med" => Aggregate::Med,
        "value" if metric.numbers == Numbers::Gauge => Aggregate::Value,
        _ => percentile(text, at.clone(), metric)?,
    };
    let fits = match metric.numbers {
        Numbers::Times | Numbers::Values => aggregate != Aggregate::Rate,
        Numbers::Gauge => matches!(aggregate, Aggregate::Value | Aggregate::Min | Aggregate::Max),
        Numbers::Count => matches!(aggregate, Aggregate::Count | Aggregate::Rate),
        Numbers::Fraction => aggregate == Aggregate::Rate,
    };
    if !fits {
        let help = format!("it has {}", one_of(metric.aggregates()));
        return Err(wrong(at, format!("`{}` has no {}", metric.name, quoted(text))).or(help));
    }
    Ok(aggregate)
}

fn percentile(text: &str, at: Range<usize>, metric: &Metric<'_>) -> Result<Aggregate, GrammarMistake> {
    let inner = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')).map(str::trim);
    let Some(inner) = inner else {
        let bare = text
            .strip_prefix(['p', 'P'])
            .filter(|digits| split_number(digits).is_some_and(|(_, after)| after.is_empty()));
        let help = match (bare, text) {
            (Some(digits), _) => format!("write `p({})`", beginning(digits)),
            (_, "median" | "p50") => "did you mean `med`?".to_owned(),
            (_, "mean" | "average") => "did you mean `avg`?".to_owned(),
            _ => did_you_mean(text, metric.aggregates()),
        };
        return Err(wrong(at, format!("wanted an aggregate, found {}", quoted(text))).or(help));
    };
    let percentage = split_number(inner).filter(|(_, after)| after.is_empty()).and_then(|(n, _)| n.parse::<f64>().ok());
    let percentage = percentage.filter(|percentage| (0.0..=100.0).contains(percentage));
    percentage
        .map(Aggregate::Percentile)
        .ok_or_else(|| wrong(at, format!("wanted a percentage from 0 to 100 in `p(..)`, found {}", quoted(inner))))
}

fn comparison(cursor: &mut Cursor<'_>) -> Result<Comparison, GrammarMistake> {
    cursor.skip_space();
    let found = OPERATORS.into_iter().find(|(operator, _)| cursor.take(operator));
    found.map(|(_, comparison)| comparison).ok_or_else(|| {
        let (found, at) = cursor.until_exactly(|c| !matches!(c, '<' | '>' | '=' | '!'));
        wrong(at, format!("wanted an operator such as `<` or `>=`, found {}", quoted(found)))
    })
}

fn bound(cursor: &mut Cursor<'_>, metric: &Metric<'_>, aggregate: Aggregate) -> Result<Bound, GrammarMistake> {
    let (text, mut at) = cursor.until(|c| c.is_whitespace() || c == ',');
    let mut text = text;
    cursor.skip_space();
    if !text.ends_with('%') && cursor.take("%") {
        at.end = cursor.at;
        text = &cursor.text[at.clone()];
    }
    let number =
        split_number(text).filter(|(_, unit)| unit.is_empty()).and_then(|(number, _)| number.parse::<f64>().ok());
    match (metric.numbers, aggregate) {
        (Numbers::Values | Numbers::Gauge, _) | (Numbers::Times | Numbers::Count, Aggregate::Count) => number
            .map(Bound::Number)
            .ok_or_else(|| wrong(at, format!("wanted a number such as `1000`, found {}", quoted(text)))),
        (Numbers::Times, _) => time(text, number).ok_or_else(|| {
            let message = format!("wanted a time such as `250ms`, found {}", quoted(text));
            let help = parse_duration(text).err().and_then(|mistake| mistake.help);
            wrong(at, message).or(help.unwrap_or_else(|| "a number without a unit is in milliseconds".to_owned()))
        }),
        (Numbers::Count, _) => {
            let rate = number.or_else(|| parse_rate(text).ok().map(Rate::as_per_second));
            rate.map(Bound::Number).ok_or_else(|| {
                wrong(at, format!("wanted a number per second such as `500` or `500/s`, found {}", quoted(text)))
            })
        }
        (Numbers::Fraction, _) => fraction(text, number).map(Bound::Number).ok_or_else(|| {
            let message = format!("wanted a fraction from 0 to 1, or `0%` to `100%`, found {}", quoted(text));
            wrong(at, message).or("write `0.1%` for one in a thousand")
        }),
    }
}

/// A bare number is in milliseconds, as k6 has it.
fn time(text: &str, number: Option<f64>) -> Option<Bound> {
    let duration = match number {
        Some(_) => parse_duration(&format!("{text}ms")).ok()?,
        None => parse_duration(text).ok()?,
    };
    Some(Bound::Time(duration))
}

fn fraction(text: &str, number: Option<f64>) -> Option<f64> {
    let fraction = match text.strip_suffix('%').map(str::trim) {
        Some(percent) => split_number(percent).filter(|(_, after)| after.is_empty())?.0.parse::<f64>().ok()? / 100.0,
        None => number?,
    };
    (0.0..=1.0).contains(&fraction).then_some(fraction)
}

fn window(cursor: &mut Cursor<'_>) -> Result<ThresholdWindow, GrammarMistake> {
    let kind = match () {
        () if cursor.take_word("for") => ThresholdWindow::For as fn(u32) -> ThresholdWindow,
        () if cursor.take_word("over") => ThresholdWindow::Over,
        () => return Ok(ThresholdWindow::Run),
    };
    let (text, at) = cursor.until(|c| c.is_whitespace() || c == ',');
    let whole =
        parse_duration(text).ok().filter(|duration| duration.subsec_nanos() == 0).map(|duration| duration.as_secs());
    let seconds = whole.and_then(|seconds| u32::try_from(seconds).ok());
    let seconds = seconds.filter(|seconds| (1..=WINDOW_SECONDS_MAX).contains(seconds));
    let message = || format!("wanted a window of whole seconds from `1s` to `1h`, found {}", quoted(text));
    const _: () = assert!(WINDOW_SECONDS_MAX == 3600, "the message names the bound");
    seconds.map(kind).ok_or_else(|| wrong(at, message()))
}

fn abort(cursor: &mut Cursor<'_>) -> Result<bool, GrammarMistake> {
    let comma = cursor.take(",");
    let abort = cursor.take_word("abort");
    cursor.skip_space();
    let rest = &cursor.text[cursor.at..];
    if rest.is_empty() && (abort || !comma) {
        return Ok(abort);
    }
    let word = rest.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default();
    let message = match rest {
        "" => "wanted `abort` after `,`, found nothing".to_owned(),
        _ => format!("wanted `for 10s`, `over 10s`, `abort` or the end, found {}", quoted(rest)),
    };
    let mistake = wrong(cursor.at..cursor.text.len(), message);
    Err(match closest(word, ["for", "over", "abort"]) {
        Some(known) if known != word => mistake.or(format!("did you mean `{known}`?")),
        _ => mistake,
    })
}

fn wrong(at: Range<usize>, message: impl Into<String>) -> GrammarMistake {
    GrammarMistake { at, message: message.into(), help: None }
}

impl GrammarMistake {
    fn or(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// A place in the text of a threshold.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Steps over these characters if they come next, after space.
    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        let comes = self.rest().starts_with(token);
        self.at += if comes { token.len() } else { 0 };
        comes
    }

    /// As [`Cursor::take`], for a whole word.
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let after = self.rest().strip_prefix(word);
        let whole = after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        whole && self.take(word)
    }

    fn eat(&mut self, token: &str, what: &str) -> Result<(), GrammarMistake> {
        if self.take(token) {
            return Ok(());
        }
        let found = match self.rest() {
            "" => "the end".to_owned(),
            rest => quoted(rest),
        };
        Err(wrong(self.at..self.text.len(), format!("wanted {what}, found {found}")))
    }

    /// The text up to a character, without the space around it.
    fn until(&mut self, end: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
        self.skip_space();
        let (text, at) = self.until_exactly(end);
        let text = text.trim_end();
        (text, at.start..at.start + text.len())
    }

    fn until_exactly(&mut self, end: impl Fn(char) -> bool) -> (&'a str, Range<usize>) {
        let rest = self.rest();
        let length = rest.find(end).unwrap_or(rest.len());
        let start = self.at;
        self.at += length;
        (&rest[..length], start..self.at)
    }
}
