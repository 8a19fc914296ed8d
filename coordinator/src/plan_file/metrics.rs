//! Metrics of the plan's own.

use muster_proto::plan::{METRICS_MAX, MetricKind, Observation};

use super::keys::METRIC;
use super::names;
use super::reader::{Field, Reader};
use super::suggest::one_of;
use super::threshold::is_metric;
use super::tree::quoted;

/// Reads what is noted after a request.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Vec<Observation> {
    let each = reader.named(field);
    each.iter().filter_map(|(name, field)| one(reader, name, field)).collect()
}

fn one(reader: &mut Reader, name: &str, field: &Field<'_>) -> Option<Observation> {
    let fields = reader.open(field, &METRIC)?;
    let kinds: Vec<&str> = fields.names().collect();
    let [kind] = kinds[..] else {
        let message = format!("wanted one of {}, found {}", one_of(&super::keys::METRIC_KINDS), kinds.len());
        reader.at_key(field, message).help("such as `basket: { trend: \"{{ total }}\" }`");
        return None;
    };
    let value = reader.template(&fields.get(kind)?)?.to_owned();
    let kind = MetricKind::ALL.into_iter().find(|known| known.name() == kind)?;
    let metric = number(reader, name, field, kind)?;
    Some(Observation { metric, value })
}

/// The metric's place among the plan's.
fn number(reader: &mut Reader, name: &str, field: &Field<'_>, kind: MetricKind) -> Option<u16> {
    if let Some(place) = reader.metrics.iter().position(|(known, _)| known == name) {
        let known = reader.metrics[place].1;
        if known != kind {
            let message = format!("{} is a {} elsewhere, and a {} here", quoted(name), known.name(), kind.name());
            reader.at_key(field, message);
            return None;
        }
        return Some(place as u16);
    }
    if is_metric(name) || !names::is_identifier(name) {
        let mistake = reader.at_key(field, format!("wanted a new name such as `basket`, found {}", quoted(name)));
        mistake.help("letters, digits and `_` make up a name, and Muster's own metrics keep theirs");
        return None;
    }
    if reader.metrics.len() == METRICS_MAX {
        reader.at_key(field, format!("wanted at most {METRICS_MAX} metrics in the plan, found more"));
        return None;
    }
    reader.metrics.push((name.to_owned(), kind));
    Some(reader.metrics.len() as u16 - 1)
}
