//! Speaks protocols. A failing target is data: what goes wrong here is told by values that are measured, not thrown.

mod connect;
mod failure;
mod hosts;
pub mod http1;
mod io;
mod proxy;
mod resolve;
mod source;
mod tls;

pub use connect::{ConnectFailed, ConnectTimes, Connected, Connector, ConnectorError};
pub use failure::{Broken, Failure, Kept, Reply};
pub use io::Io;
pub use source::SourceError;
pub use tls::{TlsError, alert_in};

/// A connection to a target, ready for one request after the other.
pub type Connection = http1::Http1<Io>;
