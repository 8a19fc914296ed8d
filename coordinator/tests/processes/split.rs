//! What is sent does not depend on how many agents send it.

use muster_target::{Config, Target};

use super::process::Process;
use super::programs::{agent, muster};

/// Arrivals that come at random and users that count their iterations, with everything that a request can be made of.
const SCENARIOS: &str = "
data:
  people: { rows: [ { who: ann }, { who: bob }, { who: cyd }, { who: dan } ], order: shuffle }
vars: { sizes: [ s, m, l ] }
scenarios:
  arrivals:
    executor: constant-arrival-rate
    rate: 150/s
    arrivals: poisson
    max_users: 200
    duration: 2s
    steps:
      - choose:
          - { weight: 2, steps: [ { get: '/find?size={{ choice(sizes) }}&who={{ people.who }}' } ] }
          - { weight: 1, steps: [ { get: '/see/{{ uuid() }}?n={{ random(1, 1000000) }}' } ] }
  users:
    executor: per-user-iterations
    users: 7
    iterations: 9
    max_duration: 60s
    steps:
      - post: '/users/{{ iteration }}?by={{ email() | urlencode }}&who={{ people.who }}'
      - if: '{{ random(1, 2) == 1 }}'
        then: [ { get: '/now-and-then/{{ iteration }}/{{ text(8) }}' } ]
";

/// The requests of a run on agents of these weights, as the target wrote them down, in alphabetical order.
fn sent_by(weights: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (log, plan) = (folder.path().join("access.log"), folder.path().join("plan.yaml"));
    let target = Target::start(Config { access_log: Some(log.clone()), ..Config::default() }).unwrap();
    let head = format!("name: split\ntarget: http://{}\nseed: 11\nhttp: {{ timeout: 60s }}", target.addr());
    std::fs::write(&plan, head + SCENARIOS).unwrap();

    let count = weights.len().to_string();
    let mut run = muster(&["run", plan.to_str().unwrap(), "--agents", &count, "--listen", "127.0.0.1:0"]);
    let line = run.says("waiting for ");
    let address = line.rsplit(' ').next().unwrap();
    let join = |weight: &&str| agent(&["--join", address, "--weight", weight, "--workers", "1", "--once"]);
    let agents: Vec<Process> = weights.iter().map(join).collect();
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for agent in agents {
        assert_eq!(agent.end().code, Some(0));
    }

    let _counts = target.stop();
    let mut sent: Vec<String> = std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect();
    sent.sort();
    sent
}

#[test]
fn one_agent_and_three_send_the_same_requests() {
    let alone = sent_by(&["1"]);
    assert!(alone.len() > 300, "{}", alone.len());
    for path in ["/find", "/see/", "/users/", "/now-and-then/"] {
        assert!(alone.iter().any(|line| line.contains(path)), "{path} is among them");
    }
    let together = sent_by(&["1", "2", "3"]);
    let differ: Vec<_> = alone.iter().zip(&together).filter(|(one, three)| one != three).take(5).collect();
    assert!(alone == together, "{} and {} requests: {differ:?}", alone.len(), together.len());
}
