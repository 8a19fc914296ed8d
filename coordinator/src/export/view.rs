//! What is exported of a run at one moment, whoever takes it: names, labels and values.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::distribution::Distribution;

/// The run as of one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The run's start, in nanoseconds since 1970.
    pub start_ns: u64,
    /// The moment: the end of the last second that counts, in nanoseconds since 1970.
    pub at_ns: u64,
    /// Whether nothing more will come.
    pub is_last: bool,
    /// Which run it is.
    pub run: Arc<str>,
    /// What its plan is called.
    pub test: Arc<str>,
    /// By their names as Prometheus has them.
    pub families: BTreeMap<String, Family>,
}

/// What is of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// Without prefix and unit.
    pub name: String,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// How it behaves.
    pub kind: Kind,
    /// Its values, each with labels of its own.
    pub series: Vec<Series>,
}

/// One value.
#[derive(Clone, Debug)]
pub struct Series {
    /// Beside those of the run.
    pub labels: Labels,
    /// The value.
    pub value: Value,
}

/// Names with their values.
pub type Labels = Vec<(&'static str, Arc<str>)>;

/// What something is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things, or whatever the plan says.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A part of 1.
    Ratio,
}

/// How something behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, from the run's start on.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is a distribution of values from the run's start on.
    Histogram,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// Any number.
    Number(f64),
    /// A distribution.
    Histogram(Arc<Distribution>),
}

impl View {
    /// Adds a value to its family, which is made if this is the first.
    pub(super) fn put(&mut self, what: &What, labels: Labels, value: Value) {
        let mut name = what.prometheus();
        // Metrics of a plan may be called as ours are, or differ only in letters that Prometheus does not know.
        while self.families.get(&name).is_some_and(|family| family.name != what.name || family.kind != what.kind) {
            name.push('_');
        }
        let family = self.families.entry(name).or_insert_with(|| Family {
            name: what.name.to_owned(),
            help: what.help,
            unit: what.unit,
            kind: what.kind,
            series: Vec::new(),
        });
        family.series.push(Series { labels, value });
    }

    /// How many numbers it holds, for bounds.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of = |series: &Series| match &series.value {
            Value::Count(_) | Value::Number(_) => 1,
            Value::Histogram(all) => all.exponential().counts().len() + all.classic().count(),
        };
        self.families.values().flat_map(|family| &family.series).map(of).sum()
    }

    /// The labels that every value has.
    pub fn common(&self) -> [(&'static str, &str); 2] {
        [("run", &self.run), ("test", &self.test)]
    }
}

/// What a value is of.
pub(super) struct What<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'static str,
    pub(super) unit: Unit,
    pub(super) kind: Kind,
}

impl What<'_> {
    /// The name by the conventions of Prometheus: with the unit, and with `_total` where it counts.
    fn prometheus(&self) -> String {
        let unit = match self.unit {
            Unit::None => "",
            Unit::Seconds => "_seconds",
            Unit::Bytes => "_bytes",
            Unit::Ratio => "_ratio",
        };
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        let legal = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
        let name: String = self.name.chars().map(legal).collect();
        format!("muster_{name}{unit}{total}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_things_have_one_name() {
        let mut view = View::default();
        for (name, kind) in [("basket-size", Kind::Gauge), ("basket_size", Kind::Gauge), ("basket-size", Kind::Counter)]
        {
            let what = What { name, help: "", unit: Unit::None, kind };
            view.put(&what, Vec::new(), Value::Count(1));
            view.put(&what, Vec::new(), Value::Count(2));
        }
        let names: Vec<(&str, usize)> =
            view.families.iter().map(|(name, family)| (name.as_str(), family.series.len())).collect();
        assert_eq!(names, [("muster_basket_size", 2), ("muster_basket_size_", 2), ("muster_basket_size_total", 2)]);
    }
}
