//! A target on threads of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

use crate::access_log::AccessLog;
use crate::config::{Config, StartError};
use crate::counts::Counts;
use crate::ids::{Arrival, Ids};
use crate::lane::Shared;
use crate::serve::{Served, lanes, listen, serve_on};

/// A running target. It stops when it is dropped.
pub struct Target {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Target {
    /// Starts a target: when this returns, it listens.
    ///
    /// # Errors
    /// When the configuration contradicts itself, the address is taken, the access log cannot be created, or the
    /// system refuses a thread.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let (listen_on, threads) = (config.listen, config.threads);
        let shared = Arc::new(Shared::new(config, threads)?);
        let runtimes: Vec<Runtime> =
            (0..threads).map(|_| Builder::new_current_thread().enable_all().build()).collect::<io::Result<_>>()?;
        let listener = {
            let _within = runtimes[0].enter();
            listen(listen_on)?
        };
        let address = listener.local_addr()?;
        let lanes = lanes(&shared, runtimes.iter().map(|runtime| runtime.handle().clone()))?;
        let (stop, stopped) = oneshot::channel();
        let threads = spawn(runtimes, listener, lanes, stopped)?;
        Ok(Self { address, shared, stop: Some(stop), threads })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// The arrivals of every request id, in the order in which they first came. Empty unless ids are tracked.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.ids.as_ref().map(Ids::arrivals).unwrap_or_default()
    }

    /// Lets the first scripted stall begin at this moment of [`now_ns`](crate::now_ns), and the others follow it at
    /// their distance. Without a stall in the configuration this does nothing.
    pub fn align_stalls(&self, first_ns: u64) {
        if let Some(freeze) = &self.shared.freeze {
            freeze.align(first_ns);
        }
    }

    /// Writes out what the access log holds back.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush_access_log(&self) -> io::Result<()> {
        self.shared.log.as_ref().map_or(Ok(()), AccessLog::flush)
    }

    /// Drops all connections, waits for the threads, and gives the final counts.
    #[must_use]
    pub fn stop(mut self) -> Counts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        self.stop.take();
        for thread in self.threads.drain(..) {
            // A thread that panicked has already said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.end();
    }
}

/// The first thread also accepts, and the others stay for as long as it does.
fn spawn(
    runtimes: Vec<Runtime>,
    listener: TcpListener,
    lanes: Vec<Served>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let (accepting, over) = watch::channel(());
    let mut runtimes = runtimes.into_iter();
    let first = runtimes.next();
    let mut threads = Vec::new();
    for runtime in runtimes {
        let mut over = over.clone();
        let work = move || {
            let _ = runtime.block_on(over.changed());
        };
        threads.push(thread::Builder::new().name("target".to_owned()).spawn(work)?);
    }
    let work = move || {
        if let Some(runtime) = first {
            runtime.block_on(serve_on(&listener, &lanes, async { drop(stopped.await) }));
        }
        drop(accepting);
    };
    threads.push(thread::Builder::new().name("target-accept".to_owned()).spawn(work)?);
    Ok(threads)
}
