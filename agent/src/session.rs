//! An agent's conversation with its coordinator: join, obey, report, join again. The only room here that knows gRPC.

mod fetch;
mod hand_in;
mod leave;
mod part;
mod stream;
mod surroundings;

use std::collections::BTreeMap;
use std::time::Duration;

use muster_proto::id::Incarnation;
use tokio::time::Instant;

pub use self::hand_in::hand_in;
pub use self::leave::Leave;
use self::part::Part;
use self::stream::{Stream, hello};
pub use self::surroundings::{Notice, Surroundings, ThisMachine};
use crate::engine::start::EngineConfig;

/// How long an agent whose stream broke tries to find its coordinator again. Its load has paused by then.
const REJOIN_MAX: Duration = Duration::from_secs(60);
/// The first pause between two attempts, and the longest.
const REJOIN_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// The part of what is left of its lease that an agent pauses for at most.
const PAUSES_PER_LEASE: u32 = 8;

/// Who this agent is and what it may do.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Its name in reports.
    pub name: String,
    /// Labels for placement and reports.
    pub labels: BTreeMap<String, String>,
    /// Its part of the load, relative to the other agents'.
    pub weight: u32,
    /// Usable cores.
    pub cores: u32,
    /// How it generates load.
    pub engine: EngineConfig,
}

/// Why a session ended other than by its coordinator's release.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is nobody at that address.
    #[error("cannot reach the coordinator at {address}: {reason}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The coordinator does not want this agent.
    #[error("the coordinator at {address} refused this agent: {reason}")]
    Refused {
        /// Where.
        address: String,
        /// What it said.
        reason: String,
    },
    /// The stream broke, or the coordinator fell silent.
    #[error("lost the coordinator at {address}: {reason}")]
    Lost {
        /// Where.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The coordinator does not keep to the protocol.
    #[error("the coordinator at {address} broke the protocol: {reason}")]
    Protocol {
        /// Where.
        address: String,
        /// What it did.
        reason: String,
    },
}

/// Takes part in one run of the coordinator at `address` (`host:port`): until it releases the agent, or the agent's
/// operator wants it to leave.
///
/// A stream that breaks while load is generated is opened anew, and whatever was not acknowledged is sent again. The
/// load goes on as long as the lease holds, and after that as soon as the coordinator has been found again.
///
/// # Errors
/// [`SessionError`] says what ended it instead; the load has stopped then.
pub async fn take_part(
    address: &str,
    config: &AgentConfig,
    incarnation: Incarnation,
    leave: Leave,
) -> Result<(), SessionError> {
    take_part_in(&ThisMachine::default(), address, config, incarnation, leave).await
}

/// [`take_part`], in other surroundings than this machine.
///
/// # Errors
/// The same.
pub async fn take_part_in<S: Surroundings>(
    surroundings: &S,
    address: &str,
    config: &AgentConfig,
    incarnation: Incarnation,
    leave: Leave,
) -> Result<(), SessionError> {
    see_through(surroundings, address, config, incarnation, Part::none(), leave).await
}

/// Sees a part in a run through to its end, over as many streams as it takes.
async fn see_through<S: Surroundings>(
    surroundings: &S,
    address: &str,
    config: &AgentConfig,
    incarnation: Incarnation,
    mut part: Part<S>,
    mut leave: Leave,
) -> Result<(), SessionError> {
    let (mut pause, mut lost) = (REJOIN_PAUSES.0, None);
    loop {
        let joining = Stream::join(surroundings, address, hello(config, incarnation, &part), part.epoch);
        let joined = if part.is_underway() {
            part.meanwhile(joining).await
        } else {
            tokio::select! {
                biased;
                () = leave.wanted() => return Ok(()),
                joined = joining => joined,
            }
        };
        let ended = match joined {
            Ok(stream) => {
                (pause, lost) = (REJOIN_PAUSES.0, None);
                stream.serve(config, &mut part, &mut leave).await
            }
            Err(error) => Err(error),
        };
        match ended {
            Err(error) if error.may_pass() && part.is_underway() => {
                tracing::warn!(%error, "joining again");
                let (lost_at, reason) = lost.get_or_insert_with(|| (Instant::now(), error.to_string()));
                if lost_at.elapsed() > REJOIN_MAX {
                    return Err(SessionError::Lost { address: address.to_owned(), reason: reason.clone() });
                }
                let left = Duration::from_nanos(part.lease.until_ns().saturating_sub(surroundings.now_ns()));
                let pausing = tokio::time::sleep(bounded(pause, left).mul_f64(0.5 + incarnation.fraction()));
                part.meanwhile(pausing).await;
                pause = (pause * 2).min(REJOIN_PAUSES.1);
            }
            ended => return ended,
        }
    }
}

/// A pause within the lease of which so much is left: a coordinator that is back in time shall be found in time, before
/// the load has to pause. Without a lease nothing is to be gained by haste.
fn bounded(pause: Duration, left: Duration) -> Duration {
    if left.is_zero() { pause } else { pause.min((left / PAUSES_PER_LEASE).max(REJOIN_PAUSES.0)) }
}

impl SessionError {
    /// Whether another attempt may end differently.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Lost { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinator_is_looked_for_more_often_the_sooner_the_lease_ends() {
        let ms = Duration::from_millis;
        assert_eq!(bounded(ms(1_000), ms(60_000)), ms(1_000));
        assert_eq!(bounded(ms(400), ms(800)), ms(100));
        assert_eq!(bounded(ms(400), ms(10)), REJOIN_PAUSES.0);
        assert_eq!(bounded(ms(400), ms(0)), ms(400), "it has ended");
    }
}
