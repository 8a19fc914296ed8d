//! What a target is told before it starts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::freeze::Stall;
use crate::script::{Script, ScriptError};

/// The most threads that a target may have.
pub const THREADS_MAX: usize = 256;

/// The most connections that a target may hold at once.
pub const CONNECTIONS_MAX: usize = 1 << 20;

/// What a target is told before it starts. The default is as fast as it goes: one thread, 16 bytes, nothing scripted.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where to listen. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// How many threads serve, from 1 to [`THREADS_MAX`]. Connections are dealt to them in turn.
    pub threads: usize,
    /// What every response is like; a request's query changes it key by key.
    pub script: Script,
    /// When the whole target stands still.
    pub stall: Option<Stall>,
    /// Where chance begins: the n-th request that is not answered from the plain path meets the same fortune in every
    /// target with this seed and script.
    pub seed: u64,
    /// Closes a connection that has been silent for so long.
    pub idle_timeout: Option<Duration>,
    /// How many connections may be open at once; one more is closed as soon as it is accepted.
    pub connections_max: usize,
    /// The largest request body, in bytes; a larger one is answered with 413.
    pub request_body_max: u64,
    /// Whether to remember the number in each request's `x-request-id`.
    pub track_ids: bool,
    /// A file that gets one line for each request that could be understood and was not under `/_`: method, target,
    /// status (`-` where a fault left none) and the bytes written for it.
    pub access_log: Option<PathBuf>,
}

/// Why a target does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration contradicts itself.
    #[error("{field}: found {found}, wanted {wanted}")]
    Config {
        /// The field's name.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        wanted: String,
    },
    /// The script has a number out of its bounds.
    #[error("script: {0}")]
    Script(#[from] ScriptError),
    /// The address is not to be had.
    #[error("cannot listen on {listen}: {source}; is another program using it?")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The access log cannot be written.
    #[error("cannot create the access log {path}: {source}", path = path.display())]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused a thread, a timer or an event queue.
    #[error("cannot start serving: {0}")]
    System(#[from] io::Error),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            threads: 1,
            script: Script::default(),
            stall: None,
            seed: 0,
            idle_timeout: None,
            connections_max: 1 << 16,
            request_body_max: 64 << 20,
            track_ids: false,
            access_log: None,
        }
    }
}

impl Config {
    /// # Errors
    /// When a number is out of its bounds.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        self.script.check()?;
        within("threads", self.threads, THREADS_MAX)?;
        within("connections_max", self.connections_max, CONNECTIONS_MAX)?;
        match self.stall {
            Some(Stall { every, lasts }) if lasts >= every => Err(StartError::Config {
                field: "stall.lasts",
                found: format!("{lasts:?}"),
                wanted: format!("less than stall.every, which is {every:?}"),
            }),
            Some(Stall { every, .. }) if every > Duration::from_secs(86_400) => Err(StartError::Config {
                field: "stall.every",
                found: format!("{every:?}"),
                wanted: "at most a day".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

fn within(field: &'static str, found: usize, most: usize) -> Result<(), StartError> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(StartError::Config { field, found: found.to_string(), wanted: format!("a number from 1 to {most}") })
}
