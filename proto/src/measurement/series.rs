//! What is measured together.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// A series: what is measured together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// The requests' name.
    pub request: String,
}

/// The series of a plan, numbered alike on every machine: requests of one name in one scenario are one series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesTable(Vec<SeriesKey>);

impl SeriesTable {
    /// The series of this plan, in the order in which the plan first names them.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut table = Self(Vec::new());
        for (index, scenario) in plan.scenarios.iter().enumerate() {
            for request in scenario.requests() {
                if table.find(index, &request.name).is_none() {
                    table.0.push(SeriesKey { scenario: index, request: request.name.clone() });
                }
            }
        }
        table
    }

    /// The number of a series.
    #[must_use]
    pub fn find(&self, scenario: usize, request: &str) -> Option<u32> {
        let position = self.0.iter().position(|key| key.scenario == scenario && key.request == request);
        position.map(|index| index as u32)
    }

    /// All series, in the order of their numbers.
    #[must_use]
    pub fn keys(&self) -> &[SeriesKey] {
        &self.0
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the plan makes no request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
