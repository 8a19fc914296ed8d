//! Accepts connections and deals them to the threads in turn: an even spread, where the kernel's own hashing of
//! addresses over several listeners would leave a thread of a small test with twice another's connections.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::config::{Config, StartError};
use crate::connection;
use crate::counts::Counts;
use crate::lane::{Lane, Shared};

/// How many connections the kernel may hold until they are accepted.
const BACKLOG: i32 = 4096;

/// The wait after the system refused to accept, usually for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);

/// A listening socket whose connections send without delay. Must be called within a runtime.
///
/// # Errors
/// When the address is not to be had.
pub fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        // Linux hands this on to every accepted connection, which spares a call for each.
        socket.set_tcp_nodelay(true)?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    bound().map_err(|source| StartError::Listen { listen: address, source })
}

/// Serves on the present runtime until `shutdown` comes, then drops the connections and gives the final counts.
/// `config.listen` and `config.threads` are not looked at.
///
/// # Errors
/// When the configuration contradicts itself, the access log cannot be created, or the system has no timer left.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<Counts, StartError> {
    let shared = Arc::new(Shared::new(config, 1)?);
    serve_on(&listener, &lanes(&shared, [Handle::current()])?, shutdown).await;
    Ok(shared.counts())
}

/// A lane and the runtime that serves it.
pub(crate) type Served = (Arc<Lane>, Handle);

/// One lane for each runtime.
pub(crate) fn lanes(
    shared: &Arc<Shared>,
    runtimes: impl IntoIterator<Item = Handle>,
) -> Result<Vec<Served>, StartError> {
    let lane = |(index, runtime)| Ok((Arc::new(Lane::new(shared.clone(), index)?), runtime));
    runtimes.into_iter().enumerate().map(lane).collect()
}

/// Serves on all these lanes until `shutdown` comes. Their runtimes have to be running until this returns.
pub(crate) async fn serve_on(listener: &TcpListener, lanes: &[Served], shutdown: impl Future<Output = ()>) {
    let mut drivers = JoinSet::new();
    for (lane, runtime) in lanes {
        let driven = lane.clone();
        drivers.spawn_on(async move { driven.timer.drive().await }, runtime);
    }
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    for (lane, runtime) in lanes.iter().cycle() {
        let accepted = tokio::select! {
            stream = accept(listener, &mut connections) => stream,
            () = &mut shutdown => break,
        };
        take(accepted, lane, runtime, &mut connections);
    }
    connections.shutdown().await;
    drivers.shutdown().await;
    if let Some(log) = lanes.first().and_then(|(lane, _)| lane.shared.log.as_ref()) {
        // What could not be written stands in the counts.
        let _ = log.flush();
    }
}

/// The next connection. Meanwhile forgets those that have ended.
async fn accept(listener: &TcpListener, connections: &mut JoinSet<()>) -> std::net::TcpStream {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => return stream,
            Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
        }
    }
}

/// Gives a connection to a lane, if there may be one more.
fn take(stream: std::net::TcpStream, lane: &Arc<Lane>, runtime: &Handle, connections: &mut JoinSet<()>) {
    let shared = &lane.shared;
    if shared.open.fetch_add(1, Relaxed) >= shared.config.connections_max {
        shared.open.fetch_sub(1, Relaxed);
        lane.counters().refused.fetch_add(1, Relaxed);
        return;
    }
    lane.counters().connections.fetch_add(1, Relaxed);
    let place = Place(lane.clone());
    connections.spawn_on(
        async move {
            if let Ok(stream) = TcpStream::from_std(stream) {
                connection::serve(&place.0, stream).await;
            }
        },
        runtime,
    );
}

/// One open connection, given back when it ends in whatever way.
struct Place(Arc<Lane>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.shared.open.fetch_sub(1, Relaxed);
    }
}
