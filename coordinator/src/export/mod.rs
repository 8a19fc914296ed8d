//! A run's metrics, sent elsewhere while it goes on.
//!
//! Each second that closes is handed over once, on the coordinator alone, and counted into totals from the run's start
//! on. Of these there is one view, which every outlet takes: what Prometheus asks for, remote write, OTLP. Nothing here
//! ever makes the run wait: what is handed over lies on a bounded belt, and where somebody is slow it is resolution in
//! time that gives.

mod belt;
mod catalogue;
mod client;
pub mod distribution;
pub mod exponential;
mod moment;
mod notes;
pub mod otlp;
mod pairs;
pub mod prometheus;
mod sender;
pub mod settings;
#[cfg(test)]
mod tests;
mod totals;
pub mod view;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use belt::Belt;
use catalogue::Catalogue;
use moment::{Moment, State};
use notes::Notes;
use prometheus::scrape::Scraped;
use sender::Outbox;
pub use settings::{Settings, SettingsError};
use tokio::task::JoinHandle;
use totals::Totals;
use view::View;

use crate::begun::Begun;
use crate::run::life::Run;
use crate::run::record::RunRecord;
use crate::run::timeline::Second;

/// Closed seconds that wait to be counted; of more, the last ones are counted as one.
const MOMENTS_MAX: usize = 16;
/// How long receivers have to take what is left when the run is over.
const FLUSH_MAX: Duration = Duration::from_secs(10);
/// So much later than the last second is the last view, which has everything that was told too late for its second.
const AFTERWARDS_NS: u64 = 1_000_000;

/// Where a run's metrics go.
pub struct Exports {
    moments: Arc<Belt<Handed>>,
    begun: Begun,
    notes: Notes,
    counting: JoinHandle<()>,
    senders: Vec<JoinHandle<()>>,
    scraped: Option<Scraped>,
}

/// What is handed over.
enum Handed {
    Closed(Box<Moment>),
    /// Everything that was ever told.
    Last(Box<Totals>),
}

impl Exports {
    /// Sends this run's metrics to wherever they are wanted, if that is anywhere.
    #[must_use]
    pub fn begin(settings: Settings, run: &Run, begun: Begun) -> Option<Self> {
        if settings.is_empty() {
            return None;
        }
        let Settings { scraped, remote_write, otlp } = settings;
        let notes = Notes::default();
        let mut outlets = Outlets { scraped: scraped.as_ref().map(Scraped::shown), outboxes: Vec::new() };
        let mut senders = Vec::new();
        let mut receivers = Receivers { notes: &notes, outlets: &mut outlets, senders: &mut senders };
        remote_write.into_iter().for_each(|protocol| receivers.add(protocol));
        otlp.into_iter().for_each(|protocol| receivers.add(protocol));
        scraped.iter().for_each(|page| notes.tell_where(page.address()));
        notes.tell_what_is_left_out(run);
        let moments = Arc::new(Belt::new());
        let plan = Arc::new(run.plan().clone());
        let counting = Counting {
            totals: Totals::of_closed(&plan, run.timeline()),
            catalogue: Catalogue::of(&plan),
            latest: View { run: run.id().to_string().into(), test: plan.name.as_str().into(), ..View::default() },
            state: Arc::default(),
            outlets,
        };
        let counting = tokio::spawn(counting.go_on(Arc::clone(&moments)));
        Some(Self { moments, begun, notes, counting, senders, scraped })
    }

    /// What there is to be told, once.
    pub fn notes(&self) -> Vec<String> {
        self.notes.take()
    }

    /// Hands over seconds that have closed. Takes no longer than copying what is known of agents.
    pub fn closed(&self, seconds: Vec<Second>, run: &Run) {
        let Some(start_ns) = run.start_ns() else { return };
        let (start_ns, state) = (self.begun.unix_ns(start_ns), Arc::new(State::of(run)));
        let lasted_ns = run.lasted_ns();
        let moments = seconds.into_iter().map(|second| Moment::of(second, Arc::clone(&state), start_ns, lasted_ns));
        let merged = self.moments.put(|waiting| moments.map(|moment| u64::from(lay_down(waiting, moment))).sum());
        self.notes.merged(merged);
    }

    /// Sends what is left, and everything that was told too late for its second. The page for Prometheus stays until it is
    /// dropped; what there is to be told comes with it.
    pub async fn finish(self, record: &RunRecord) -> (Option<Scraped>, Vec<String>) {
        let last = Totals::of_told(&record.plan, &record.timeline);
        self.moments.put(|waiting| waiting.push_back(Handed::Last(Box::new(last))));
        self.moments.close();
        let aborts: Vec<_> = self.senders.iter().map(JoinHandle::abort_handle).collect();
        let flush = async {
            let _ = self.counting.await;
            for sender in self.senders {
                let _ = sender.await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_MAX, flush).await;
        aborts.iter().for_each(tokio::task::AbortHandle::abort);
        self.notes.conclude();
        (self.scraped, self.notes.take())
    }
}

/// Lays a moment down, and says whether it was counted to the last one for want of room.
fn lay_down(waiting: &mut VecDeque<Handed>, moment: Moment) -> bool {
    let is_full = waiting.len() >= MOMENTS_MAX;
    match waiting.back_mut() {
        Some(Handed::Closed(last)) if is_full => last.merge(moment),
        _ => waiting.push_back(Handed::Closed(Box::new(moment))),
    }
    is_full
}

/// Those to whom views are sent, while they are set up.
struct Receivers<'a> {
    notes: &'a Notes,
    outlets: &'a mut Outlets,
    senders: &'a mut Vec<JoinHandle<()>>,
}

impl Receivers<'_> {
    fn add<P: sender::Protocol>(&mut self, protocol: P) {
        let outbox = Outbox::new(self.notes.clone(), P::NAME);
        self.senders.push(tokio::spawn(sender::send(protocol, Arc::clone(&outbox))));
        self.outlets.outboxes.push(outbox);
    }
}

/// Whoever takes views.
#[derive(Default)]
struct Outlets {
    scraped: Option<tokio::sync::watch::Sender<Arc<View>>>,
    outboxes: Vec<Arc<Outbox>>,
}

impl Outlets {
    fn show(&self, view: &Arc<View>) {
        if let Some(scraped) = &self.scraped {
            scraped.send_replace(Arc::clone(view));
        }
        self.outboxes.iter().for_each(|outbox| outbox.put(view));
    }
}

/// Counts seconds into totals, and shows them.
struct Counting {
    catalogue: Catalogue,
    totals: Totals,
    state: Arc<State>,
    /// Which run it is, and the last moment that was shown.
    latest: View,
    outlets: Outlets,
}

impl Counting {
    async fn go_on(mut self, moments: Arc<Belt<Handed>>) {
        while let Some(handed) = moments.next().await {
            match handed {
                Handed::Closed(moment) => {
                    self.totals.add(&moment.measurement);
                    self.state = moment.state;
                    self.latest.start_ns = moment.start_ns;
                    // No two views are of one moment, also where the run ended with a second.
                    self.latest.at_ns = moment.end_ns.max(self.latest.at_ns + AFTERWARDS_NS);
                    self.show();
                }
                // Of a run that never began there is nothing to show.
                Handed::Last(_) if self.latest.at_ns == 0 => {}
                Handed::Last(totals) => {
                    self.totals = *totals;
                    Arc::make_mut(&mut self.state).leave();
                    self.latest.at_ns += AFTERWARDS_NS;
                    self.latest.is_last = true;
                    self.show();
                }
            }
        }
        self.outlets.outboxes.iter().for_each(|outbox| outbox.close());
    }

    fn show(&self) {
        let mut view = self.latest.clone();
        self.catalogue.fill(&mut view, &self.totals, &self.state);
        self.outlets.show(&Arc::new(view));
    }
}
