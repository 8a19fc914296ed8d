//! A plan of the same shape, in little time and with little load.
//!
//! - All profiles and delays are shortened by one factor, so that the last profile ends when it shall.
//! - Rates are changed by one factor, so that the highest is [`RATE`]; where there is none yet, as in a profile that is set
//!   by hand, it is that.
//! - There are at most [`USERS`] users, and at least one where there is none yet; they make at most [`ITERATIONS`]
//!   iterations each, or all of them ten times as many.
//! - No pause is longer than [`PAUSE`], and there is no warm-up.
//! - Everything goes to one service, which is told what to answer; a time that is expected is an hour, because nothing is
//!   said here of how fast the machine is. Nothing is judged.

use std::net::SocketAddr;
use std::time::Duration;

use muster_proto::plan::{Executor, Plan, Rate, Source, Step, Think};

use crate::service::STATUS_HEADER;

const RATE: Rate = Rate::per_second(100);
const USERS: u32 = 5;
const ITERATIONS: u64 = 20;
const PAUSE: Duration = Duration::from_millis(5);
const HOUR_MS: &str = "3600000";

/// The plan, shrunk to so long, with this service as its target.
pub(crate) fn shrunk(mut plan: Plan, lasts: Duration, service: SocketAddr) -> Plan {
    let end = |plan: &Plan| plan.scenarios.iter().map(|s| s.start_delay + s.executor.duration()).max();
    let factor = lasts.as_secs_f64() / end(&plan).unwrap_or(lasts).as_secs_f64();
    plan.thresholds.clear();
    for scenario in &mut plan.scenarios {
        scenario.start_delay = scenario.start_delay.mul_f64(factor);
        scenario.warm_up = Duration::ZERO;
        shrink(&mut scenario.executor, factor, lasts);
        hurry(&mut scenario.steps);
    }
    hurry(&mut plan.setup.steps);
    hurry(&mut plan.teardown.steps);
    for request in plan.requests_mut() {
        request.url.tls = false;
        request.url.host = service.ip().to_string();
        request.url.port = service.port();
        request.retry.pause = request.retry.pause.min(PAUSE);
        let status = request.expect_status.0.first().map_or(200, |(low, _)| *low);
        request.headers.push((STATUS_HEADER.to_owned(), status.to_string()));
        let times = request.checks.iter_mut().filter(|check| check.source == Source::Time);
        times.for_each(|check| HOUR_MS.clone_into(&mut check.operand));
    }
    plan
}

fn shrink(executor: &mut Executor, factor: f64, lasts: Duration) {
    match executor {
        Executor::ArrivalRate { stages, .. } => {
            let highest = stages.iter().map(|stage| stage.from.max(stage.to)).max().unwrap_or(RATE);
            for stage in stages {
                stage.duration = stage.duration.mul_f64(factor);
                for rate in [&mut stage.from, &mut stage.to] {
                    let scaled = u128::from(rate.0) * u128::from(RATE.0) / u128::from(highest.0.max(1));
                    *rate = if highest.0 == 0 { RATE } else { Rate(scaled as u64) };
                }
            }
        }
        Executor::Users { stages, .. } => {
            let is_idle = stages.iter().all(|stage| stage.from == 0 && stage.to == 0);
            for stage in stages {
                stage.duration = stage.duration.mul_f64(factor);
                for users in [&mut stage.from, &mut stage.to] {
                    *users = if is_idle { 1 } else { (*users).min(USERS) };
                }
            }
        }
        // Whoever is done before ends sooner.
        Executor::PerUserIterations { users, iterations, max_duration } => {
            (*users, *iterations) = ((*users).min(USERS), (*iterations).min(ITERATIONS));
            *max_duration = lasts * 60;
        }
        Executor::SharedIterations { users, iterations, max_duration } => {
            (*users, *iterations) = ((*users).min(USERS), (*iterations).min(10 * ITERATIONS));
            *max_duration = lasts * 60;
        }
    }
}

fn hurry(steps: &mut [Step]) {
    for step in steps {
        match step {
            Step::Think(think) => *think = Think::Even(Duration::ZERO, think.max().min(PAUSE)),
            Step::Pace(pace) => *pace = (*pace).min(PAUSE),
            _ => step.blocks_mut().into_iter().for_each(|steps| hurry(steps)),
        }
    }
}
