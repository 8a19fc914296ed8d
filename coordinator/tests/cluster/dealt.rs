//! Rows of data that users of all agents share who iterate at their own pace: each row is used once, whoever comes, goes or
//! is cut off.

use std::path::Path;

use muster::conduct::Opening;
use muster::data::Data;
use muster::plan_file::{Format, from_str};
use muster::run::record::{Ending, RunRecord};
use muster_agent::guard::Guard;
use muster_agent::session::Leave;
use muster_target::{Config, Target};
use tempfile::TempDir;

use super::support::{Coordinator, assert_balanced, join_at, join_until, settings_of, until_served};
use super::wire::Wire;

const ROWS: usize = 600;

const WITHOUT_END: &str = "executor: constant-users\n    users: 6\n    duration: 50s";
const TOGETHER: &str = "executor: shared-iterations\n    users: 6\n    iterations: 600\n    max_duration: 50s";

/// A run whose users go through all rows, and what they ask for them.
struct Scene {
    folder: TempDir,
    target: Target,
    coordinator: Coordinator,
}

impl Scene {
    async fn new(load: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (access_log, script) = (Some(folder.path().join("access.log")), "latency=10ms".parse().unwrap());
        let target = Target::start(Config { script, access_log, ..Config::default() }).unwrap();
        let rows: Vec<String> = (0..ROWS).map(|row| format!("{{ id: {row} }}")).collect();
        let text = format!(
            "name: test\ntarget: http://{}\nagents: {{ start_when: 2, on_loss: redistribute }}\n\
             data: {{ row: {{ rows: [ {} ], order: shuffle, on_end: stop }} }}\n\
             scenarios:\n  all:\n    {load}\n    graceful_stop: 10s\n    \
             steps: [ {{ name: row, get: '/row/{{{{ row.id }}}}' }} ]\n",
            target.addr(),
            rows.join(", "),
        );
        let plan =
            from_str(&text, Format::Yaml, "test", Path::new(".")).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let data = Data::of(&plan.rows);
        let opening = |settings| Opening { data, ..Opening::unwritten(settings) };
        let coordinator = Coordinator::open(settings_of(plan.plan), opening).await;
        Self { folder, target, coordinator }
    }

    /// Ends with the run: its record, and the rows that were asked for, in order.
    async fn end(self) -> (RunRecord, Vec<usize>) {
        let (record, told) = self.coordinator.end().await;
        assert_eq!(record.ending, Ending::Completed, "{told:?}");
        let _ = self.target.stop();
        let log = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        let row = |line: &str| line.split([' ', '/']).nth(3).unwrap().parse().unwrap();
        let mut rows: Vec<usize> = log.lines().map(row).collect();
        rows.sort_unstable();
        (record, rows)
    }
}

/// Two agents: one leaves while another joins.
async fn each_is_used_once_whoever_comes_and_goes(load: &str) {
    let scene = Scene::new(load).await;
    let (leave, wanted) = tokio::sync::watch::channel(false);
    let address = scene.coordinator.address.clone();
    let leaving = join_until(&address, "leaving", (1, Guard::loopback_only()), Leave::when(wanted));
    let staying = scene.coordinator.join("staying", 1, Guard::loopback_only());
    until_served(&scene.target, 150).await;
    let late = scene.coordinator.join("late", 1, Guard::loopback_only());
    leave.send(true).unwrap();
    let (record, rows) = scene.end().await;
    for agent in [leaving, staying, late] {
        agent.await.unwrap().expect("let go");
    }
    assert_balanced(&record);
    assert!(rows.iter().copied().eq(0..ROWS), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_without_end_use_each_row_once_whoever_comes_and_goes() {
    each_is_used_once_whoever_comes_and_goes(WITHOUT_END).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_who_share_iterations_use_each_row_once_whoever_comes_and_goes() {
    each_is_used_once_whoever_comes_and_goes(TOGETHER).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_used_once_however_often_agents_are_cut_off() {
    let scene = Scene::new(WITHOUT_END).await;
    let wire = Wire::to(&scene.coordinator.address).await;
    let agents = ["one", "two"].map(|name| join_at(&wire.address, name, 1, Guard::loopback_only()));
    for cuts in 1..=4 {
        until_served(&scene.target, 100 * cuts).await;
        wire.cut();
    }
    let (record, rows) = scene.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    assert_balanced(&record);
    assert!(rows.iter().copied().eq(0..ROWS), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_agent_may_have_used_is_not_used_again() {
    let scene = Scene::new(WITHOUT_END).await;
    let dying = scene.coordinator.join("dying", 1, Guard::loopback_only());
    let survivor = scene.coordinator.join("survivor", 1, Guard::loopback_only());
    until_served(&scene.target, 150).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    let (_, rows) = scene.end().await;
    survivor.await.unwrap().expect("released");
    let mut distinct = rows.clone();
    distinct.dedup();
    assert_eq!(distinct, rows, "none twice");
    // It has two blocks at most, each an eighth of what is left.
    assert!((ROWS - 150..=ROWS).contains(&rows.len()), "{}", rows.len());
}
