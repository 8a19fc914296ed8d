//! Iterations that the users of the whole cluster share: what an agent says of its part, and what it is answered.
//!
//! All numbers count from the run's start, so that whatever is said again changes nothing.

/// How an agent stands with a scenario's shared iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanting {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// What it was allotted, as far as it has heard.
    pub allotted: u64,
    /// What it gave back of that, because it has no users any more who could begin it.
    pub returned: u64,
    /// Whether it asks for more.
    pub more: bool,
}

/// What an agent may begin of a scenario's shared iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotted {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// All that it was allotted since the run's start, with what it gave back.
    pub iterations: u64,
    /// Whether there will never be more.
    pub last: bool,
}
