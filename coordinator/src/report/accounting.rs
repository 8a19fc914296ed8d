//! The books and the agents, as documents have them.

use muster_proto::measurement::SkipReason;

use super::document::{Accounting, AgentInfo, CpuInfo, IterationAccount, LawInfo, LostRange, RequestAccount};
use super::numbers::{decimals, ms, seconds, us};
use crate::run::record::{AgentRecord, RunRecord};
use crate::run::timeline::AgentTotals;
use crate::verdict::books::{Account, Books, Law};
use crate::verdict::percentile_ns;

pub(super) fn of(books: &Books) -> Accounting {
    let Account { counts, unknown_iterations, unknown_requests, laws } = &books.total;
    let skipped = SkipReason::ALL.into_iter().zip(counts.skipped);
    Accounting {
        iterations: IterationAccount {
            due: counts.due,
            started: counts.started,
            skipped: skipped.map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
            completed: counts.completed,
            failed: counts.failed,
            cut_off: counts.cut_off,
            unknown: *unknown_iterations,
        },
        requests: RequestAccount { sent: counts.sent, outcomes: counts.outcomes(), unknown: *unknown_requests },
        lost: LostRange { low: books.lost.low, high: books.lost.high },
        undone: books.undone,
        undelivered: decimals(books.undelivered_fraction(), 6),
        duplicates_refused: books.duplicates_refused,
        balanced: books.balance(),
        laws: laws.iter().map(law_info).collect(),
    }
}

fn law_info(law: &Law) -> LawInfo {
    LawInfo { law: law.name.clone(), left: law.left, right: law.right, holds: law.holds() }
}

pub(super) fn agents(record: &RunRecord, books: &Books) -> Vec<AgentInfo> {
    let nothing = AgentTotals::default();
    let accounts = record.agents.iter().zip(&books.agents).enumerate();
    let told = |index: usize| record.timeline.agents().get(index).unwrap_or(&nothing);
    accounts.map(|(index, (agent, account))| agent_info(agent, account, told(index))).collect()
}

fn agent_info(agent: &AgentRecord, account: &Account, told: &AgentTotals) -> AgentInfo {
    let whole_us = |ns: u64| us(i64::try_from(ns).unwrap_or(i64::MAX));
    AgentInfo {
        id: agent.id.0,
        name: agent.name.clone(),
        version: agent.version.clone(),
        labels: agent.labels.clone(),
        weight: agent.weight,
        cores: agent.cores,
        workers: agent.workers,
        clock_offset_us: us(agent.clock_offset_ns),
        clock_uncertainty_us: whole_us(agent.clock_uncertainty_ns),
        round_trip_us: whole_us(agent.round_trip_ns),
        start_error_us: agent.start_error_ns.map(us),
        due: account.counts.due,
        sent: account.counts.sent,
        cpu: CpuInfo {
            worker_mean: decimals(told.cpu.worker_mean(), 3),
            worker_max: decimals(told.cpu.worker_max(), 3),
            process_mean: decimals(told.cpu.process_mean(), 3),
        },
        memory_bytes_max: told.memory_bytes_max,
        lag_p99_ms: percentile_ns(&told.lag, 99.0).map(ms),
        lost_at_s: agent.lost_at_ns.map(seconds),
        lost_because: agent.lost_because.clone(),
        taken_over_at_s: agent.taken_over_at_ns.map(seconds),
        left: agent.left,
        handed_in: agent.has_ended && agent.totals.is_some(),
        balanced: account.balances(),
        laws: account.laws.iter().map(law_info).collect(),
    }
}
