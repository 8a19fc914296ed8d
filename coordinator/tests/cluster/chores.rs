//! What is made once per run, over real sockets: by one agent, with its values for all of them.

use std::path::Path;
use std::time::Duration;

use muster::run::record::{Ending, RunRecord};
use muster_agent::guard::Guard;
use muster_target::{Config, Target};

use super::support::{Coordinator, assert_balanced, document, until_served};

/// A plan for two agents whose setup asks the target for a number that load and teardown name.
fn plan(target: &Target, setup: &str, teardown: &str, load: &str) -> String {
    format!(
        "
name: chores
target: http://{}
agents: {{ start_when: 2 }}
setup_timeout: 2s
setup:
  - {{ name: in, get: {setup}, capture: {{ customer: json $.customer.id }} }}
  - {{ set: {{ doubled: '{{{{ customer * 2 }}}}' }} }}
teardown:
  - {{ name: out, delete: '{teardown}' }}
scenarios:
  each:
{load}
    steps: [ {{ get: '/item/{{{{ customer }}}}', name: item }} ]
",
        target.addr()
    )
}

const USERS: &str = "    executor: per-user-iterations\n    users: 6\n    iterations: 5";

fn logging(log: &Path) -> Target {
    Target::start(Config { access_log: Some(log.to_owned()), ..Config::default() }).unwrap()
}

/// Carries a plan out on two agents, and tells what the target was asked, in its order.
async fn carry_out(plan: impl FnOnce(&Target) -> String) -> (RunRecord, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let target = logging(&log);
    let coordinator = Coordinator::start(&plan(&target)).await;
    let agents = ["one", "two"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    let (record, _) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    let _ = target.stop();
    let asked = std::fs::read_to_string(log).unwrap();
    (record, asked.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_load_stands_between_what_is_made_once_and_knows_what_it_found_out() {
    let (record, asked) = carry_out(|target| plan(target, "/json", "/out/{{ doubled }}", USERS)).await;
    assert_eq!(asked.len(), 32, "{asked:?}");
    assert_eq!((asked[0].as_str(), asked[31].as_str()), ("GET /json", "DELETE /out/9422"));
    assert!(asked[1..31].iter().all(|asked| asked == "GET /item/4711"), "{asked:?}");
    assert_eq!((&record.ending, &record.teardown_failure), (&Ending::Completed, &None));
    assert_eq!(record.timeline.counts().sent, 30, "only the load is counted");
    assert_balanced(&record);
    assert_eq!(document(&record)["verdict"]["exit_code"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setup_that_fails_is_told_and_nothing_else_is_sent() {
    for (setup, words) in [
        ("/json?status=503", "the setup has failed: in: status 503"),
        ("/json?latency=30s", "the setup has failed: it was not done after 2 s"),
        ("/plain", "the setup has failed: in, capture customer"),
    ] {
        let (record, asked) = carry_out(|target| plan(target, setup, "/out", USERS)).await;
        let told = document(&record)["verdict"]["findings"].to_string();
        assert!(told.contains(words), "{told}");
        assert_eq!(document(&record)["verdict"]["exit_code"], 1);
        assert!(asked.len() <= 1, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teardown_that_fails_is_told_beside_what_was_measured() {
    let (record, asked) = carry_out(|target| plan(target, "/json", "/out?status=500", USERS)).await;
    assert_eq!(asked.len(), 32);
    let document = document(&record);
    assert_eq!(document["verdict"]["exit_code"], 1);
    let told = document["verdict"]["findings"].to_string();
    assert!(told.contains("the teardown has failed: out: status 500"), "{told}");
    assert_eq!(record.timeline.counts().sent, 30);
    assert_balanced(&record);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_broken_off_is_torn_down_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let target = logging(&log);
    let load = "    executor: constant-users\n    users: 2\n    duration: 60s";
    let coordinator = Coordinator::start(&plan(&target, "/json", "/out/{{ doubled }}", load)).await;
    let agents = ["one", "two"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    until_served(&target, 20).await;
    for _ in 0..2 {
        coordinator.stops.send(()).await.unwrap();
    }
    let (record, _) = coordinator.end().await;
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    let _ = target.stop();
    let asked = std::fs::read_to_string(log).unwrap();
    assert!(asked.lines().last().unwrap().starts_with("DELETE /out/9422 "), "{asked}");
    assert_eq!((&record.ending, &record.teardown_failure), (&Ending::StoppedByUser, &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_one_user_ends_the_run_of_all() {
    let target = Target::start(Config::default()).unwrap();
    let plan = format!(
        "
target: http://{}
agents: {{ start_when: 2 }}
scenarios:
  all:
    executor: constant-users
    users: 4
    duration: 60s
    steps:
      - {{ get: / }}
      - if: iteration == 3
        then: [ {{ stop: run }} ]
",
        target.addr()
    );
    let coordinator = Coordinator::start(&plan).await;
    let agents = ["one", "two"].map(|name| coordinator.join(name, 1, Guard::loopback_only()));
    let (record, _) = tokio::time::timeout(Duration::from_secs(30), coordinator.end()).await.expect("long before");
    for agent in agents {
        agent.await.unwrap().expect("released");
    }
    assert!(matches!(record.ending, Ending::StoppedByStep(_)), "{:?}", record.ending);
    assert_balanced(&record);
    assert_eq!(document(&record)["verdict"]["exit_code"], 0);
}
