//! A coordinator, its agents and their target, each on a host of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::coordinator::Coordinator;
use super::fault::{AGENTS, Kind, Schedule};
use super::folder::Folder;
use super::network::{Host, Network};
use super::places::{agent_program, muster_program};
use super::process::{Ended, Process, Signal, wait_for};

/// Arrivals per second, of all agents together.
pub(crate) const RATE: u64 = 500;
/// Where the target listens.
pub(crate) const TARGET_PORT: u16 = 8080;
/// What leaves the agents after a run, it leaves within this time: leases have ended.
const AFTERMATH: Duration = Duration::from_millis(1_200);

/// What an agent is called.
pub(crate) fn name(agent: usize) -> String {
    format!("a{}", agent + 1)
}

/// The programs of a run and where they are.
pub(crate) struct Cluster {
    pub(crate) coordinator: Coordinator,
    target: Process,
    /// Those that were started, each as often as it was.
    agents: Vec<(usize, Process)>,
    pub(crate) coordinator_host: Host,
    /// One for each agent, and one more for whoever joins late.
    pub(crate) agent_hosts: Vec<Host>,
    target_host: Host,
    folder: Folder,
    /// Whether agents have a spool.
    spooled: bool,
    /// Declared last, because its hosts go first.
    _network: Network,
}

impl Cluster {
    /// Starts a run and waits until there is load.
    pub(crate) fn start(schedule: &Schedule, world: u8) -> Self {
        let network = Network::new(world);
        let still = Duration::ZERO;
        let (coordinator_host, target_host) = (network.host(1, still), network.host(2, still));
        let agent_hosts: Vec<Host> = (10_u8..).zip(&schedule.ahead).map(|(n, ahead)| network.host(n, *ahead)).collect();
        let folder = Folder::new(schedule, &target_host);
        let listen = format!("{}:{TARGET_PORT}", target_host.address);
        let (muster, ids) = (muster_program().to_string_lossy(), folder.path("ids"));
        let mut target = target_host.start(&[&*muster, "target", "--listen", &listen, "--ids", &ids]);
        target.says("serving");
        let words = coordinator_words(schedule, &folder, &coordinator_host);
        let coordinator = Coordinator::start(&coordinator_host, &words);
        let (agents, spooled) = (Vec::new(), schedule.spooled);
        let mut cluster = Self {
            coordinator,
            target,
            agents,
            coordinator_host,
            agent_hosts,
            target_host,
            folder,
            spooled,
            _network: network,
        };
        for agent in 0..AGENTS {
            cluster.join(agent);
            // One after the other, so that the order in which the coordinator numbers them is known.
            cluster.agents[agent].1.says("joined");
        }
        wait_for("the first request is served", || cluster.is_loaded().then_some(()));
        cluster
    }

    /// Starts an agent.
    pub(crate) fn join(&mut self, agent: usize) {
        let (program, join) = (agent_program(), format!("{}:7117", self.coordinator_host.address));
        let program = program.to_string_lossy();
        let (name, allowed) = (name(agent), self.target_host.address.to_string());
        let of_this = ["--name", &name, "--weight", "1", "--workers", "1", "--allow", &allowed];
        let spool = self.folder.path(&format!("spool-{name}"));
        let spooled = if self.spooled { &["--spool", &spool][..] } else { &[] };
        let words = [&[&*program, "--join", &join, "--insecure-cluster"][..], &of_this, spooled].concat();
        let process = self.agent_hosts[agent].start(&words);
        self.agents.push((agent, process));
    }

    /// Starts a coordinator that goes on with the run of the one before.
    pub(crate) fn resume(&mut self) {
        let words = resuming_words(&self.folder);
        self.coordinator.resume(&self.coordinator_host, &words);
    }

    /// Cuts the power of the coordinator and of its disk.
    pub(crate) fn cut_power(&mut self) {
        let disk = self.folder.disk();
        let left = self.coordinator.kill(|| disk.what_is_left());
        disk.come_back(&left);
    }

    /// The process of an agent that was started last.
    pub(crate) fn agent(&self, agent: usize) -> &Process {
        &self.agents.iter().rev().find(|(index, _)| *index == agent).unwrap().1
    }

    fn is_loaded(&self) -> bool {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect((self.target_host.address, TARGET_PORT))?;
            stream.write_all(b"GET /_ids HTTP/1.1\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.contains("\"seen\":") && !answer.contains("\"seen\":0"))
    }

    /// Waits for the run's end, and for whatever may still come after it.
    pub(crate) fn end(self) -> Remains {
        let (killed, ended) = (self.coordinator.killed(), self.coordinator.end());
        std::thread::sleep(AFTERMATH);
        self.target.signal(Signal::INT);
        self.target.end();
        let read = |name: &str| std::fs::read_to_string(self.folder.path(name)).unwrap_or_default();
        Remains { ended, killed, ids: read("ids"), document: read("result.json"), folder: self.folder }
    }
}

/// What is left of a run.
pub(crate) struct Remains {
    /// What became of the coordinator.
    pub(crate) ended: Ended,
    /// How many coordinators were killed before.
    pub(crate) killed: u64,
    /// What the target wrote about each request.
    pub(crate) ids: String,
    /// The result document.
    pub(crate) document: String,
    /// All files.
    pub(crate) folder: Folder,
}

fn coordinator_words(schedule: &Schedule, folder: &Folder, host: &Host) -> Vec<String> {
    let mut words = Vec::new();
    let broken = match schedule.find(Kind::FailingSync) {
        Some(_) => Some(format!("inject=fdatasync:error=EIO:when={}+", 50 + schedule.seed % 120)),
        None => schedule.disk_lies.then(|| "inject=fdatasync,fsync:retval=0".to_owned()),
    };
    if let Some(broken) = broken {
        // The tracer is a process apart, so that a signal meets the coordinator itself.
        let traced = ["strace", "-D", "-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", &broken];
        words.extend(traced.map(str::to_owned));
    }
    let (plan, result, runs) = (folder.path("plan.yaml"), folder.path("result.json"), folder.path("runs"));
    let (agents, listen) = (AGENTS.to_string(), format!("{}:7117", host.address));
    words.push(muster_program().to_string_lossy().into_owned());
    words.extend(["run", &plan, "--json", &result, "--out", &runs, "--insecure-cluster"].map(str::to_owned));
    words.extend(["--agents", &agents, "--listen", &listen].map(str::to_owned));
    words
}

fn resuming_words(folder: &Folder) -> Vec<String> {
    let (muster, result) = (muster_program().to_string_lossy(), folder.path("result.json"));
    [&*muster, "run", "--resume", &folder.only_run(), "--json", &result, "--insecure-cluster"]
        .map(str::to_owned)
        .to_vec()
}
