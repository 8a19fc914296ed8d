//! What is made once per run: the setup before the load, and the teardown after it.

use muster_proto::plan::{Chore, ChoreKind};

use super::names;
use super::reader::{Fields, Reader};
use super::request::Defaults;
use super::steps::Steps;

/// Reads one of the plan's chores. What the setup finds out, templates that are read after it can name.
pub(super) fn read(reader: &mut Reader, fields: &Fields<'_>, kind: ChoreKind, defaults: &Defaults) -> Chore {
    let timeout = match kind {
        ChoreKind::Setup => "setup_timeout",
        ChoreKind::Teardown => "teardown_timeout",
    };
    let timeout = fields.get(timeout).and_then(|field| reader.duration(&field));
    let mut chore = Chore::default();
    chore.timeout = timeout.unwrap_or(chore.timeout);
    let Some(field) = fields.get(kind.name()) else { return chore };
    // Each of its iterations would use a row, and it has none.
    let feeders = std::mem::take(&mut reader.feeders);
    reader.names = names::of_scenario(&reader.vars, &reader.set_up, field.node);
    let mut reading = Steps { defaults, requests: Vec::new(), nesting: 0, is_load: false };
    chore.steps = reading.list(reader, &field).unwrap_or_default();
    if !chore.steps.is_empty() && reading.requests.is_empty() {
        reader.at_key(&field, "wanted at least one request among the steps").help("write `- get: /path`");
    }
    reader.feeders = feeders;
    if kind == ChoreKind::Setup {
        reader.set_up = names::given(field.node);
    }
    chore
}
