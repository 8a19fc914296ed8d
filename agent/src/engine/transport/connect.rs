//! From a URL to a connection that may carry a request: resolve, ask the guard, connect, shake hands.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Connect, Url};
use tokio::net::TcpStream;

use super::super::clock;
use super::super::deadline::{Deadline, Expired};
use super::proxy::open_tunnel;
use super::resolve::{Found, Resolver};
use super::source::{SourceError, Sources};
use super::tls::{TlsDialer, TlsError};
use super::{Failure, Io};
use crate::guard::{Guard, Refusal};

/// The one protocol that is offered in a TLS handshake, as ALPN names it.
const HTTP1: &[u8] = b"http/1.1";

/// Makes connections as the plan wants and the agent's operator allows. One per worker; clones share everything.
#[derive(Clone)]
pub struct Connector {
    resolver: Rc<Resolver>,
    sources: Rc<Sources>,
    tls: TlsDialer,
    proxy: Option<Rc<Url>>,
    guard: Arc<Guard>,
}

/// Settings of a plan with which no connection could be made; told before the run starts.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The TLS settings.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The local addresses.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The proxy speaks TLS.
    #[error("cannot use the proxy {0}: wanted `http://host:port`, a proxy that is itself spoken to in the clear")]
    Proxy(Box<Url>),
}

/// A new connection.
#[derive(Debug)]
pub struct Connected {
    /// Its bytes.
    pub io: Io,
    /// How long it took.
    pub times: ConnectTimes,
}

/// A connection that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectFailed {
    /// Why.
    pub failure: Failure,
    /// How long it took, the phase that failed included.
    pub times: ConnectTimes,
}

/// How long the phases of a connection took, in nanoseconds; 0 for one that was not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectTimes {
    /// Finding the address.
    pub dns_ns: u64,
    /// Establishing TCP, and the proxy's tunnel where there is one.
    pub connecting_ns: u64,
    /// The TLS handshake.
    pub tls_ns: u64,
}

impl Connector {
    /// Reads the plan's settings and this machine's.
    ///
    /// # Errors
    /// When a certificate, a local address or the proxy cannot be used.
    pub fn new(connect: &Connect, guard: Arc<Guard>) -> Result<Self, ConnectorError> {
        if let Some(proxy) = connect.proxy.as_ref().filter(|proxy| proxy.tls) {
            return Err(ConnectorError::Proxy(Box::new(proxy.clone())));
        }
        Ok(Self {
            resolver: Rc::new(Resolver::new(connect)),
            sources: Rc::new(Sources::new(&connect.sources)?),
            tls: TlsDialer::new(&connect.tls, &[HTTP1])?,
            proxy: connect.proxy.clone().map(Rc::new),
            guard,
        })
    }

    /// Whether a request for this URL must name all of it in its request line, as a proxy that is no tunnel wants it
    /// (RFC 9112, section 3.2.2).
    #[must_use]
    pub fn absolute_form(&self, url: &Url) -> bool {
        self.proxy.is_some() && !url.tls
    }

    /// Makes a connection over which requests for this URL's authority can be sent. Each address of its name is tried
    /// once, in turn, unless the failure is our own.
    ///
    /// # Errors
    /// A failure of kind DNS, refused, timeout, other, TLS, blocked or overload. A deadline that ends during the
    /// look-up is a DNS failure, during the TLS handshake a TLS failure, and a connect timeout in between.
    pub async fn connect(&self, url: &Url, deadline: &mut Deadline) -> Result<Connected, ConnectFailed> {
        self.connect_as(0, url, deadline).await
    }

    /// [`Connector::connect`] for the user of this number, who may have a certificate of its own.
    ///
    /// # Errors
    /// The same.
    pub async fn connect_as(&self, user: u64, url: &Url, deadline: &mut Deadline) -> Result<Connected, ConnectFailed> {
        let mut times = ConnectTimes::default();
        match self.establish(user, url, deadline, &mut times).await {
            Ok(io) => Ok(Connected { io, times }),
            Err(failure) => Err(ConnectFailed { failure, times }),
        }
    }

    async fn establish(
        &self,
        user: u64,
        url: &Url,
        deadline: &mut Deadline,
        times: &mut ConnectTimes,
    ) -> Result<Io, Failure> {
        let peer = self.peer_for(url)?;
        let start_ns = clock::now_ns();
        let gave_up = |kind, phase: &str, whom: &str| timed_out(kind, phase, whom, start_ns);

        let found = deadline.limit(self.resolver.resolve(&peer.host)).await;
        let found_ns = clock::now_ns();
        times.dns_ns = found_ns - start_ns;
        let found = found.map_err(|Expired| gave_up(ErrorKind::Dns, "looking up", &peer.host))??;

        let tcp = deadline.limit(self.reach(url, peer, &found)).await;
        let reached_ns = clock::now_ns();
        times.connecting_ns = reached_ns - found_ns;
        let tcp = tcp.map_err(|Expired| gave_up(ErrorKind::ConnectTimeout, "connecting to", &peer.authority()))??;
        if !url.tls {
            return Ok(Io::Plain(tcp));
        }

        let tls = deadline.limit(self.tls.handshake(tcp, &url.host, user)).await;
        times.tls_ns = clock::now_ns() - reached_ns;
        let tls = tls.map_err(|Expired| gave_up(ErrorKind::Tls, "the TLS handshake with", &url.authority()))??;
        Ok(Io::Tls(Box::new(tls)))
    }

    /// Whom to connect to: the target or the proxy before it.
    fn peer_for<'a>(&'a self, url: &'a Url) -> Result<&'a Url, Refusal> {
        let peer = match &self.proxy {
            Some(proxy) => {
                self.guard.check_unresolved(&url.host, url.port)?;
                proxy
            }
            None => url,
        };
        self.guard.check_host(&peer.host, peer.port)?;
        Ok(peer)
    }

    async fn reach(&self, url: &Url, peer: &Url, found: &Found) -> Result<TcpStream, Failure> {
        let mut tcp = self.dial(peer, found).await?;
        if self.proxy.is_some() && url.tls {
            open_tunnel(&mut tcp, url).await?;
        }
        Ok(tcp)
    }

    async fn dial(&self, peer: &Url, found: &Found) -> Result<TcpStream, Failure> {
        let mut reported = Failure::new(ErrorKind::Dns, format!("{} has no address", peer.host));
        for ip in found.in_turn() {
            let failure = match self.dial_address(peer, ip, found.by_plan).await {
                Ok(tcp) => return Ok(tcp),
                Err(failure) => failure,
            };
            match (telling(failure.kind), telling(reported.kind)) {
                (None, _) => return Err(failure),
                (new, old) if new >= old => reported = failure,
                _ => {}
            }
        }
        Err(reported)
    }

    async fn dial_address(&self, peer: &Url, ip: IpAddr, by_plan: bool) -> Result<TcpStream, Failure> {
        // What the plan says about a name's address must not make that address allowed for the name's sake.
        if by_plan {
            self.guard.check_addr(&ip.to_string(), ip, peer.port)?;
        } else {
            self.guard.check_addr(&peer.host, ip, peer.port)?;
        }
        self.sources.dial((ip, peer.port).into()).await
    }
}

/// How much a failure tells when another address of the name failed too; `None` where no other address would help.
fn telling(kind: ErrorKind) -> Option<u8> {
    match kind {
        ErrorKind::Dns => Some(0),
        ErrorKind::BlockedByAgent => Some(1),
        ErrorKind::ConnectOther => Some(2),
        ErrorKind::ConnectRefused => Some(3),
        _ => None,
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorKind::BlockedByAgent, refusal.to_string())
    }
}

fn timed_out(kind: ErrorKind, phase: &str, whom: &str, start_ns: u64) -> Failure {
    let elapsed_s = (clock::now_ns() - start_ns) as f64 / 1e9;
    Failure::new(kind, format!("{phase} {whom} timed out, {elapsed_s:.3} s after the attempt began"))
}
