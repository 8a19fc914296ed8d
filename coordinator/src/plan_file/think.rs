//! Pauses.

use muster_proto::plan::Think;

use super::keys::{PAUSE_MAX, THINK, THINK_DRAWN};
use super::reader::{Field, Reader};
use super::tree::Value;
use super::units::{format_duration, parse_duration};

/// Reads a step that pauses.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> Option<Think> {
    let fields = reader.open(field, &THINK)?;
    let pause = fields.get("think")?;
    match &pause.node.value {
        Value::Map(_) => drawn(reader, &pause),
        _ => even(reader, &pause),
    }
}

fn even(reader: &mut Reader, pause: &Field<'_>) -> Option<Think> {
    let Some(text) = pause.node.scalar() else {
        reader.wanted(pause, "a pause such as `1s` or `1s..3s`");
        return None;
    };
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let (min, max) = match (parse_duration(min), parse_duration(max)) {
        (Ok(min), Ok(max)) => (min, max),
        (Err(mistake), _) | (_, Err(mistake)) => {
            reader.wrong(pause, mistake.message).help = mistake.help;
            return None;
        }
    };
    if min > max || max > PAUSE_MAX {
        let what = format!("a pause of at most {}, the shorter end first", format_duration(PAUSE_MAX));
        reader.wanted(pause, &what);
        return None;
    }
    Some(Think::Even(min, max))
}

/// A pause that is drawn from a distribution.
fn drawn(reader: &mut Reader, pause: &Field<'_>) -> Option<Think> {
    let fields = reader.open(pause, &THINK_DRAWN)?;
    let mut duration = |name: &str| fields.get(name).map(|field| reader.duration(&field));
    let (normal, deviation, exponential) = (duration("normal"), duration("deviation"), duration("exponential"));
    match (normal, deviation, exponential) {
        (Some(mean), Some(deviation), None) => Some(Think::Normal(mean?, deviation?)),
        (None, None, Some(mean)) => Some(Think::Exponential(mean?)),
        _ => {
            let mistake = reader.at_key(pause, "wanted a distribution of pauses");
            mistake.help("write `{ normal: 2s, deviation: 500ms }` or `{ exponential: 2s }`");
            None
        }
    }
}
