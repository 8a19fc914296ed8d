//! What lost agents left undone, as near as the plan tells.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_proto::change::{Amendment, Stages};
use muster_proto::plan::{Executor, Scenario, UserStage};

use crate::run::record::{Ending, RunRecord};
use crate::run::timeline::COUNTED_MAX;

/// Iterations that the shares of lost agents would still have made until somebody took them over, or the run's end.
pub(super) fn iterations(record: &RunRecord) -> u64 {
    // What nobody had begun when time was up is a loss's fault only as far as others would have begun it.
    let pools = || record.pools.iter().filter(|pool| pool.are_iterations());
    let mut left: BTreeMap<usize, f64> = pools().map(|pool| (pool.scenario(), pool.left() as f64)).collect();
    let weights: f64 = record.agents.iter().map(|agent| f64::from(agent.weight)).sum();
    let mut undone = 0;
    for (index, agent) in record.agents.iter().enumerate() {
        let Some(lost_at_ns) = agent.lost_at_ns else { continue };
        let told = record.timeline.agents().get(index);
        let loss = Loss {
            share: if weights > 0.0 { f64::from(agent.weight) / weights } else { 0.0 },
            told_until_s: told.map_or(0.0, |told| told.told_until_ns as f64 / 1e9),
            lost_at_s: lost_at_ns as f64 / 1e9,
            ended_at_s: agent.taken_over_at_ns.unwrap_or(u64::MAX).min(record.duration_ns) as f64 / 1e9,
            completed: record.ending == Ending::Completed,
        };
        let scenarios = record.plan.scenarios.iter().enumerate().map(|(place, scenario)| {
            let due = told.and_then(|told| told.due_by_scenario.get(place)).copied().unwrap_or(0);
            let later = record.amendments.iter().filter(|amendment| amendment.reshape.scenario == place);
            match pools().find(|pool| pool.scenario() == place).zip(left.get_mut(&place)) {
                Some((pool, left)) => loss.of_shared(scenario, pool.unbegun(index, due) as f64, due as f64, left),
                None => loss.of_scenario(scenario, later, due as f64),
            }
        });
        // What an agent told may be made up, and must not make more of it than it could ever have counted.
        undone += (scenarios.sum::<f64>().round() as u64).min(COUNTED_MAX);
    }
    undone
}

/// The circumstances of one agent's loss.
struct Loss {
    share: f64,
    told_until_s: f64,
    lost_at_s: f64,
    ended_at_s: f64,
    /// Whether the run went on until everyone else was done; otherwise nobody made all of the planned iterations.
    completed: bool,
}

impl Loss {
    /// For users, who go at the target's pace, the agent's pace until then.
    fn of_scenario<'a>(&self, scenario: &Scenario, amendments: impl Iterator<Item = &'a Amendment>, due: f64) -> f64 {
        let delay_s = scenario.start_delay.as_secs_f64();
        match &scenario.executor {
            // What fell due is known, and is in the books.
            Executor::ArrivalRate { .. } => 0.0,
            Executor::Users { stages, .. } => {
                let mut users = stretches(stages);
                for Amendment { at_ns, reshape } in amendments {
                    if let Stages::Users(stages) = &reshape.stages {
                        users = until(users, *at_ns as f64 / 1e9 - delay_s);
                        users.extend(stretches(stages));
                    }
                }
                let before = integral(&users, 0.0, self.told_until_s - delay_s);
                let after = integral(&users, self.lost_at_s - delay_s, self.ended_at_s - delay_s);
                if before > 0.0 { due * after / before } else { 0.0 }
            }
            Executor::PerUserIterations { .. } if !self.completed => 0.0,
            Executor::PerUserIterations { users, iterations, .. } => {
                (self.share * f64::from(*users) * *iterations as f64 - due).max(0.0)
            }
            Executor::SharedIterations { .. } => 0.0,
        }
    }

    /// For iterations that all users share: what the agent may have begun and did not tell of, and, if some are left that
    /// nobody came to, what it would have begun of them at its pace until others took over.
    fn of_shared(&self, scenario: &Scenario, unbegun: f64, due: f64, left: &mut f64) -> f64 {
        if !self.completed {
            return 0.0;
        }
        let worked_s = self.told_until_s - scenario.start_delay.as_secs_f64();
        let end_s = (scenario.start_delay + scenario.executor.duration()).as_secs_f64();
        let missed_s = (self.ended_at_s.min(end_s) - self.lost_at_s).max(0.0);
        let pace = if worked_s > 0.0 { due / worked_s } else { 0.0 };
        let missed = (pace * missed_s).min(*left);
        *left -= missed;
        unbegun + missed
    }
}

/// How long, from what, to what.
type Stretch = (Duration, f64, f64);

fn stretches(stages: &[UserStage]) -> Vec<Stretch> {
    stages.iter().map(|stage| (stage.duration, f64::from(stage.from), f64::from(stage.to))).collect()
}

/// A profile up to one of its moments, in seconds from its beginning.
fn until(stretches: Vec<Stretch>, until_s: f64) -> Vec<Stretch> {
    let mut left_s = until_s.max(0.0);
    let cut = |(duration, from, to): Stretch| {
        let length_s = duration.as_secs_f64();
        let kept_s = left_s.min(length_s);
        left_s -= kept_s;
        let to = if kept_s < length_s { from + (to - from) * kept_s / length_s } else { to };
        (Duration::from_secs_f64(kept_s), from, to)
    };
    stretches.into_iter().map(cut).collect()
}

/// The area under a piecewise linear profile between two of its moments, in seconds from its beginning.
fn integral(stretches: &[Stretch], from_s: f64, until_s: f64) -> f64 {
    let (mut area, mut begin_s) = (0.0, 0.0);
    for (duration, from, to) in stretches {
        let length_s = duration.as_secs_f64();
        let (a, b) = ((from_s - begin_s).clamp(0.0, length_s), (until_s - begin_s).clamp(0.0, length_s));
        if a < b {
            let at = |moment_s: f64| from + (to - from) * moment_s / length_s;
            area += (b - a) * (at(a) + at(b)) / 2.0;
        }
        begin_s += length_s;
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_under_a_profile_is_cut_at_both_ends() {
        let profile = [(Duration::from_secs(10), 0.0, 100.0), (Duration::from_secs(10), 100.0, 100.0)];
        assert_eq!(integral(&profile, 0.0, 20.0), 1_500.0);
        assert_eq!(integral(&profile, 5.0, 15.0), 375.0 + 500.0);
        assert_eq!(integral(&profile, -5.0, 99.0), 1_500.0);
        assert_eq!(integral(&profile, 15.0, 5.0), 0.0);
        assert_eq!(integral(&until(profile.to_vec(), 5.0), 0.0, 20.0), 125.0);
    }
}
