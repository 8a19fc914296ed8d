//! A whole plan against the operator's policy, before anything is prepared.

use muster_proto::plan::{Executor, Plan, Scenario};
use muster_proto::share::{SHARDS, Share};

use super::{Guard, Refusal};

impl Guard {
    /// Checks everything that a plan and this agent's share of it ask for. What names turn out to mean is checked at
    /// every connection.
    ///
    /// # Errors
    /// The first thing that the operator does not allow.
    pub fn check_plan(&self, plan: &Plan, shares: &[Share]) -> Result<(), Refusal> {
        for request in plan.requests() {
            self.check_host(&request.url.host, request.url.port)?;
        }
        for token in &plan.tokens {
            self.check_host(&token.url.host, token.url.port)?;
        }
        if let Some(proxy) = &plan.connect.proxy {
            self.check_host(&proxy.host, proxy.port)?;
        }
        let scenarios = || plan.scenarios.iter().zip(shares);
        self.check_rate(scenarios().map(|(scenario, share)| rate_max(scenario, share)).sum())?;
        self.check_connections(scenarios().map(|(scenario, share)| share.count_below(users_max(scenario))).sum())
    }
}

/// The highest arrival rate of this share of a scenario, per second. Closed models have none: the target sets it.
fn rate_max(scenario: &Scenario, share: &Share) -> f64 {
    let Executor::ArrivalRate { stages, .. } = &scenario.executor else { return 0.0 };
    let peak = stages.iter().map(|stage| stage.from.max(stage.to).as_per_second()).fold(0.0, f64::max);
    peak * share.len() as f64 / SHARDS as f64
}

fn users_max(scenario: &Scenario) -> u64 {
    u64::from(match &scenario.executor {
        Executor::ArrivalRate { max_users, .. } => *max_users,
        Executor::Users { stages, .. } => stages.iter().map(|stage| stage.from.max(stage.to)).max().unwrap_or(0),
        Executor::PerUserIterations { users, .. } | Executor::SharedIterations { users, .. } => *users,
    })
}
