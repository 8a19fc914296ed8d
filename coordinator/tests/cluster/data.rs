//! Rows of data on their way to agents.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use muster::conduct::Opening;
use muster::data::Data;
use muster::plan_file::{Format, PlanFile, from_str};
use muster::run::record::{Ending, RunRecord};
use muster_agent::cache::{Cache, Pieces};
use muster_agent::engine::lease::Lease;
use muster_agent::engine::rows::{Content, HELD_BYTES_MAX};
use muster_agent::engine::start::EngineConfig;
use muster_agent::generator::{PrepareError, Workers};
use muster_agent::session::{Surroundings, ThisMachine};
use muster_proto::convert::{AssignmentMessage, Performed, Wanted, wanted_to_wire};
use muster_proto::plan::{ContentHash, PIECE_BYTES_MAX, Plan, RowsId};
use muster_proto::wire::cluster_client::ClusterClient;
use muster_target::{Config, Target};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tonic::Code;

use super::support::{Coordinator, assert_balanced, document, join_in, settings_of};

/// How many rows there are, each long enough that all together do not fit into memory.
const ROWS: usize = 600;

/// A file of rows, and a target that notes which of them it is sent.
struct Scene {
    folder: TempDir,
    target: Target,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let access_log = Some(folder.path().join("access.log"));
        let target = Target::start(Config { access_log, ..Config::default() }).unwrap();
        let padding = "x".repeat(HELD_BYTES_MAX as usize / ROWS);
        let lines: Vec<String> = (0..ROWS).map(|number| format!("{number},{padding}\n")).collect();
        fs::write(folder.path().join("rows.csv"), format!("id,padding\n{}", lines.concat())).unwrap();
        Self { folder, target }
    }

    /// A plan in which each row is for one of so many agents' arrivals.
    fn plan(&self, agents: usize) -> PlanFile {
        let text = format!(
            "name: test\ntarget: http://{}\nagents: {{ start_when: {agents}, on_loss: fail }}\n\
             data: {{ row: {{ file: rows.csv, order: shuffle, on_end: stop }} }}\n\
             scenarios:\n  open:\n    executor: constant-arrival-rate\n    rate: 400/s\n    duration: 2s\n    \
             graceful_stop: 10s\n    steps: [ {{ name: row, get: '/row/{{{{ row.id }}}}' }} ]\n",
            self.target.addr()
        );
        from_str(&text, Format::Yaml, "test", self.folder.path()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    /// A run of this plan with these agents.
    async fn run(plan: PlanFile, data: Data, agents: &[Agent]) -> (RunRecord, Vec<String>) {
        let opening = |settings| Opening { data, ..Opening::unwritten(settings) };
        let coordinator = Coordinator::open(settings_of(plan.plan), opening).await;
        let joined: Vec<_> =
            agents.iter().map(|agent| join_in(agent.clone(), &coordinator.address, &agent.name)).collect();
        let ended = coordinator.end().await;
        for agent in joined {
            let _ = agent.await.unwrap();
        }
        ended
    }

    /// The rows that were sent to the target, in order.
    fn sent(self) -> Vec<usize> {
        let _ = self.target.stop();
        let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        let row = |line: &str| line.split([' ', '/']).nth(3).unwrap().parse().unwrap();
        let mut rows: Vec<usize> = log.lines().map(row).collect();
        rows.sort_unstable();
        rows
    }
}

/// An agent that counts what it fetches.
#[derive(Clone)]
struct Agent {
    name: String,
    machine: ThisMachine,
    pieces: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Agent {
    fn new(name: &str, cache: &Path) -> Self {
        let machine = ThisMachine { cache: Cache::at(cache, 1 << 30), ..ThisMachine::default() };
        Self { name: name.to_owned(), machine, pieces: Arc::default(), bytes: Arc::default() }
    }

    fn fetched(&self) -> (u64, u64) {
        (self.pieces.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// Pieces that are counted.
struct Counted<P>(P, Agent);

impl<P: Pieces> Pieces for Counted<P> {
    async fn piece(&mut self, rows: RowsId, offset: u64) -> Result<Bytes, String> {
        let piece = self.0.piece(rows, offset).await?;
        self.1.pieces.fetch_add(1, Ordering::Relaxed);
        self.1.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Ok(piece)
    }
}

impl Surroundings for Agent {
    type Connection = TcpStream;
    type Generator = Workers;

    fn now_ns(&self) -> u64 {
        self.machine.now_ns()
    }

    async fn connect(&self, address: String) -> io::Result<TcpStream> {
        self.machine.connect(address).await
    }

    async fn prepare(
        &self,
        assignment: AssignmentMessage,
        pieces: impl Pieces,
        config: EngineConfig,
        lease: Lease,
    ) -> Result<Workers, PrepareError> {
        self.machine.prepare(assignment, Counted(pieces, self.clone()), config, lease).await
    }

    async fn perform(&self, plan: Plan, config: EngineConfig) -> Performed {
        self.machine.perform(plan, config).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_use_each_row_of_a_large_file_once_and_have_it_the_next_time() {
    let scene = Scene::new();
    let caches = ["one", "two"].map(|name| scene.folder.path().join(name));
    let agents: Vec<Agent> = caches.iter().map(|cache| Agent::new(cache.to_str().unwrap(), cache)).collect();
    for run in 1..=2_usize {
        let plan = scene.plan(2);
        let (id, data) = (plan.rows[0].id(), Data::of(&plan.rows));
        let (record, told) = Scene::run(plan, data, &agents).await;
        assert_eq!(record.ending, Ending::Completed, "{told:?}");
        assert_balanced(&record);
        let document = document(&record);
        assert_eq!(document["accounting"]["iterations"]["skipped"]["data"], 800 - ROWS, "{told:?}");
        let shown = &document["run"]["plan"]["data"][0];
        assert_eq!((&shown["file"], &shown["rows"]), (&"rows.csv".into(), &ROWS.into()));
        assert_eq!(shown["sha256"], id.hash.to_string());
        for agent in &agents {
            let (pieces, bytes) = agent.fetched();
            assert!(pieces > 4 && bytes == id.bytes, "{pieces} pieces, {bytes} bytes by run {run}");
        }
    }
    let sent = scene.sent();
    assert!(sent.iter().copied().eq((0..ROWS).flat_map(|row| [row, row])), "each once in each run: {sent:?}");
}

/// Why a run fails whose coordinator has these rows instead of the plan's.
async fn failure(data: impl FnOnce(RowsId, Bytes) -> Data) -> String {
    let scene = Scene::new();
    let plan = scene.plan(1);
    let id = plan.rows[0].id();
    let mut whole = Vec::new();
    while (whole.len() as u64) < id.bytes {
        whole.extend(plan.rows[0].content().piece(whole.len() as u64, PIECE_BYTES_MAX).unwrap());
    }
    let cache: PathBuf = scene.folder.path().join("cache");
    let agent = Agent::new("one", &cache);
    let (record, told) = Scene::run(plan, data(id, whole.into()), &[agent]).await;
    let Ending::Failed { reason, .. } = record.ending else { panic!("{:?} {told:?}", record.ending) };
    let left = fs::read_dir(&cache).map_or(0, Iterator::count);
    assert_eq!((left, scene.sent().len()), (0, 0), "{reason}");
    reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_not_the_plans_are_refused_and_nothing_is_sent() {
    let held = |id: RowsId, bytes: Vec<u8>| [(id.hash, Content::Held(bytes.into()))].into_iter().collect::<Data>();
    let bent = failure(|id, whole| {
        let mut bent = whole.to_vec();
        bent[whole.len() / 2] ^= 1;
        held(id, bent)
    });
    let bent = bent.await;
    assert!(bent.contains("the rows of feeder row: they are not the plan's: wanted 600 rows in"), "{bent}");
    let short = failure(|id, whole| held(id, whole[..whole.len() / 2].to_vec())).await;
    assert!(short.contains("the rows of feeder row: they are not the plan's"), "{short}");
    let none = failure(|_, _| Data::default()).await;
    assert!(none.contains("they cannot be fetched: the coordinator has no rows with SHA-256"), "{none}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_more_of_a_coordinator_than_pieces_of_its_runs_rows() {
    let scene = Scene::new();
    let plan = scene.plan(1);
    let (id, data) = (plan.rows[0].id(), Data::of(&plan.rows));
    let opening = |settings| Opening { data, ..Opening::unwritten(settings) };
    let coordinator = Coordinator::open(settings_of(plan.plan), opening).await;
    let mut client = ClusterClient::connect(format!("http://{}", coordinator.address)).await.unwrap();
    let wanted = Wanted { hash: id.hash, offset: 0, bytes: 10 };
    let mut ask = async |wanted: Wanted| {
        let piece = client.fetch(wanted_to_wire(&wanted)).await;
        piece.map(|piece| piece.into_inner().content.len()).map_err(|status| status.code())
    };
    assert_eq!(ask(wanted).await, Ok(10));
    assert_eq!(ask(Wanted { offset: id.bytes - 3, ..wanted }).await, Ok(3));
    assert_eq!(ask(Wanted { offset: id.bytes + 3, ..wanted }).await, Ok(0));
    assert_eq!(ask(Wanted { offset: u64::MAX, ..wanted }).await, Err(Code::Internal));
    assert_eq!(ask(Wanted { bytes: PIECE_BYTES_MAX + 1, ..wanted }).await, Err(Code::InvalidArgument));
    assert_eq!(ask(Wanted { hash: ContentHash([0; 32]), ..wanted }).await, Err(Code::NotFound));
    coordinator.stops.send(()).await.unwrap();
    coordinator.end().await;
}
