//! Opens TCP connections, from the local addresses that the plan names.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr};

use muster_proto::outcome::ErrorKind;
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustix::io::Errno;
use tokio::net::{TcpSocket, TcpStream};

use super::Failure;

/// A local address of the plan that cannot be sent from.
#[derive(Debug, thiserror::Error)]
#[error("cannot send from {address}, which `connect.source` names: {error}; wanted an address of this machine")]
pub struct SourceError {
    address: IpAddr,
    error: io::Error,
}

/// The local addresses to send from, in turn.
#[derive(Debug)]
pub(super) struct Sources {
    v4: Turns,
    v6: Turns,
}

#[derive(Debug)]
struct Turns {
    addresses: Vec<IpAddr>,
    next: Cell<usize>,
}

impl Sources {
    /// Takes turns over these addresses; none leaves the choice to the system.
    ///
    /// # Errors
    /// When one of them does not belong to this machine.
    pub(super) fn new(addresses: &[IpAddr]) -> Result<Self, SourceError> {
        for &address in addresses {
            // A datagram socket needs no runtime and takes no TCP port; it is closed at once.
            std::net::UdpSocket::bind((address, 0)).map_err(|error| SourceError { address, error })?;
        }
        let (v4, v6) = addresses.iter().partition(|address| address.is_ipv4());
        let turns = |addresses| Turns { addresses, next: Cell::new(0) };
        Ok(Self { v4: turns(v4), v6: turns(v6) })
    }

    /// Opens a connection, without Nagle's delay.
    ///
    /// # Errors
    /// A failure of kind refused, timeout, generator overload or other.
    pub(super) async fn dial(&self, to: SocketAddr) -> Result<TcpStream, Failure> {
        let from = self.turn_for(to)?;
        let fail = |error: io::Error| failure_of(&error, to, from);
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(fail)?;
        socket.set_nodelay(true).map_err(fail)?;
        if let Some(from) = from {
            // With this option the port is chosen when the target is known, so that each pair of source and target
            // has all ports to itself. A kernel without it works too, with one set of ports for all targets.
            let _ = setsockopt(&socket, IpBindAddressNoPort, &true);
            socket.bind(SocketAddr::new(from, 0)).map_err(fail)?;
        }
        socket.connect(to).await.map_err(fail)
    }

    fn turn_for(&self, to: SocketAddr) -> Result<Option<IpAddr>, Failure> {
        let (wanted, other, family) =
            if to.is_ipv4() { (&self.v4, &self.v6, "IPv4") } else { (&self.v6, &self.v4, "IPv6") };
        match wanted.take() {
            None if !other.addresses.is_empty() => Err(Failure::new(
                ErrorKind::ConnectOther,
                format!("cannot connect to {to}: `connect.source` names no {family} address"),
            )),
            from => Ok(from),
        }
    }
}

impl Turns {
    fn take(&self) -> Option<IpAddr> {
        let turn = self.next.get();
        self.next.set(turn.wrapping_add(1));
        self.addresses.get(turn.checked_rem(self.addresses.len())?).copied()
    }
}

/// What a failed connection means: the target's doing, the network's, or our own.
fn failure_of(error: &io::Error, to: SocketAddr, from: Option<IpAddr>) -> Failure {
    let source = from.map(|from| format!(" from {from}")).unwrap_or_default();
    let overload =
        |what: &str| Failure::new(ErrorKind::GeneratorOverload, format!("{what} ({error}, to {to}{source})"));
    let other = |kind| Failure::new(kind, format!("cannot connect to {to}{source}: {error}"));
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => other(ErrorKind::ConnectRefused),
        Some(Errno::TIMEDOUT) => other(ErrorKind::ConnectTimeout),
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => overload(
            "no local port left for this target: keep connections, name more addresses in `connect.source`, \
             widen net.ipv4.ip_local_port_range, or add agents",
        ),
        Some(Errno::MFILE) => overload("this process may open no more descriptors: raise `ulimit -n`, or add agents"),
        Some(Errno::NFILE) => overload("this machine may open no more descriptors: raise fs.file-max, or add agents"),
        Some(Errno::NOBUFS | Errno::NOMEM) => {
            overload("the system has no memory left for sockets: lower the number of connections, or add agents")
        }
        _ => other(ErrorKind::ConnectOther),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_out_here_is_the_generators_fault_and_says_what_to_do() {
        let to = "192.0.2.1:80".parse().unwrap();
        let from = Some("127.0.0.2".parse().unwrap());
        for (errno, kind, text) in [
            (Errno::ADDRNOTAVAIL, ErrorKind::GeneratorOverload, "connect.source"),
            (Errno::ADDRINUSE, ErrorKind::GeneratorOverload, "connect.source"),
            (Errno::MFILE, ErrorKind::GeneratorOverload, "ulimit -n"),
            (Errno::NFILE, ErrorKind::GeneratorOverload, "fs.file-max"),
            (Errno::NOBUFS, ErrorKind::GeneratorOverload, "memory"),
            (Errno::NOMEM, ErrorKind::GeneratorOverload, "memory"),
            (Errno::CONNREFUSED, ErrorKind::ConnectRefused, "192.0.2.1:80 from 127.0.0.2"),
            (Errno::TIMEDOUT, ErrorKind::ConnectTimeout, "192.0.2.1:80"),
            (Errno::NETUNREACH, ErrorKind::ConnectOther, "unreachable"),
            (Errno::CONNRESET, ErrorKind::ConnectOther, "192.0.2.1:80"),
        ] {
            let failure = failure_of(&errno.into(), to, from);
            assert_eq!(failure.kind, kind, "{errno}");
            assert!(failure.text.contains(text), "{}", failure.text);
        }
    }

    #[test]
    fn sources_take_turns_within_the_targets_family() {
        let sources = Sources::new(&["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()]).unwrap();
        let to = "127.0.0.1:80".parse().unwrap();
        let turns: Vec<_> = (0..4).map(|_| sources.turn_for(to).unwrap().unwrap().to_string()).collect();
        assert_eq!(turns, ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"]);
        let failure = sources.turn_for("[::1]:80".parse().unwrap()).unwrap_err();
        assert_eq!(failure.kind, ErrorKind::ConnectOther);
        assert!(failure.text.contains("no IPv6 address"), "{}", failure.text);
        assert_eq!(Sources::new(&[]).unwrap().turn_for(to), Ok(None));
    }

    #[test]
    fn a_foreign_source_is_found_out_before_the_run() {
        let error = Sources::new(&["192.0.2.77".parse().unwrap()]).unwrap_err().to_string();
        assert!(error.contains("192.0.2.77") && error.contains("this machine"), "{error}");
    }
}
