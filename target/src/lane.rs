//! What all connections share, and what those of one thread share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::access_log::AccessLog;
use crate::clock::now_ns;
use crate::config::{Config, StartError};
use crate::counts::{Counters, Counts};
use crate::freeze::Freeze;
use crate::ids::Ids;
use crate::plain::Plain;
use crate::timer::Timer;

/// One target's settings and everything that it remembers.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) plain: Option<Plain>,
    pub(crate) freeze: Option<Freeze>,
    pub(crate) ids: Option<Ids>,
    pub(crate) log: Option<AccessLog>,
    pub(crate) open: AtomicUsize,
    start_ns: u64,
    counters: Vec<Counters>,
    random: ChaCha8Rng,
    drawn: AtomicU64,
}

/// One thread's part of a target.
pub(crate) struct Lane {
    pub(crate) shared: Arc<Shared>,
    pub(crate) timer: Timer,
    index: usize,
}

impl Shared {
    /// Prepares a target that is served by `lanes` threads.
    pub(crate) fn new(config: Config, lanes: usize) -> Result<Self, StartError> {
        config.check()?;
        let log = config.access_log.as_deref().map(|path| {
            AccessLog::create(path).map_err(|source| StartError::AccessLog { path: path.to_owned(), source })
        });
        let start_ns = now_ns();
        Ok(Self {
            plain: Plain::of(&config),
            freeze: config.stall.map(|stall| Freeze::new(stall, start_ns)),
            ids: config.track_ids.then(Ids::default),
            log: log.transpose()?,
            open: AtomicUsize::new(0),
            start_ns,
            counters: (0..lanes).map(|_| Counters::default()).collect(),
            random: ChaCha8Rng::seed_from_u64(config.seed),
            drawn: AtomicU64::new(0),
            config,
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts {
            ids: self.ids.as_ref().map(Ids::counts),
            log_lines_lost: self.log.as_ref().map_or(0, AccessLog::lost),
            ..Counts::default()
        };
        self.counters.iter().for_each(|counters| counters.add_to(&mut counts));
        counts
    }

    /// The fortune of the next request: a random stream that no other request has, whichever thread it comes to.
    pub(crate) fn next_random(&self) -> ChaCha8Rng {
        let mut random = self.random.clone();
        random.set_stream(self.drawn.fetch_add(1, Relaxed));
        random
    }

    pub(crate) fn elapsed(&self, now_ns: u64) -> Duration {
        Duration::from_nanos(now_ns.saturating_sub(self.start_ns))
    }
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Result<Self, StartError> {
        Ok(Self { shared, timer: Timer::new()?, index })
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters[self.index]
    }

    /// Waits while the target is frozen.
    pub(crate) async fn thawed(&self) {
        if let Some(freeze) = &self.shared.freeze {
            while let Some(thaw_ns) = freeze.thaw_ns(now_ns()) {
                self.timer.wait_until(thaw_ns).await;
            }
        }
    }
}
