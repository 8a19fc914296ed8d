//! What this machine lets the agent use.

use std::fs;

/// How many cores the process may keep busy: those of its CPU set, fewer where a control group limits its CPU time.
#[must_use]
pub fn usable_cores() -> u32 {
    let cpu_set = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u32;
    cpu_quota_cores().map_or(cpu_set, |quota| cpu_set.min((quota.floor() as u32).max(1)))
}

/// Workers for an agent that has the machine to itself.
#[must_use]
pub fn default_workers() -> usize {
    usable_cores().max(1) as usize
}

/// Workers for a run that shares the machine with its coordinator and its target: one core fewer, so that they breathe.
#[must_use]
pub fn default_local_workers() -> usize {
    (usable_cores() as usize).saturating_sub(1).max(1)
}

/// The machine's name, for reports.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The CPU time that control groups of either version allow, in cores. The standard library honours version 2 and most
/// of version 1; this covers quotas it rounds up.
fn cpu_quota_cores() -> Option<f64> {
    if let Ok(text) = fs::read_to_string("/sys/fs/cgroup/cpu.max") {
        let mut words = text.split_whitespace();
        let (quota, period) = (words.next()?.parse::<f64>().ok()?, words.next()?.parse::<f64>().ok()?);
        return Some(quota / period);
    }
    let read = |name| fs::read_to_string(format!("/sys/fs/cgroup/cpu/{name}")).ok()?.trim().parse::<f64>().ok();
    let (quota, period) = (read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?);
    (quota > 0.0).then_some(quota / period)
}
