//! What happens to a run, as it is written down: what agents say is kept as they say it.

use muster_proto::measurement::Shape;
use muster_proto::wire::{FromAgent, Gone, JournalEntry, Ordered, Resumed, Said, from_agent, journal_entry};
use prost::Message;

use super::head::{begun, unix_ns};
use crate::begun::Begun;
use crate::run::event::{Event, Link};
use crate::run::order::{Order, Ticket};
use crate::run_clock::Anchor;
use crate::service::{event_of, order_from_wire, order_to_wire};

/// Something that happened, for the run and for its journal.
#[derive(Clone, Debug)]
pub struct Happened {
    /// As the run is told of it.
    pub event: Event,
    what: journal_entry::What,
}

impl Happened {
    /// An agent said something.
    ///
    /// # Errors
    /// Why it makes no sense, for the agent to read.
    pub fn said(link: Link, mut message: FromAgent, shape: Shape) -> Result<Self, String> {
        let event = event_of(link, &message, shape)?;
        // What a setup finds out may be secret, and stays out of the journal.
        if let Some(from_agent::Message::Performed(performed)) = &mut message.message {
            performed.found.iter_mut().for_each(|var| var.json.clear());
        }
        Ok(Self { event, what: journal_entry::What::Said(Said { link: link.0, message: Some(message) }) })
    }

    /// An agent's stream ended; why, for a person to read.
    #[must_use]
    pub fn gone(link: Link, reason: String) -> Self {
        let what = journal_entry::What::Gone(Gone { link: link.0, reason: reason.clone(), expelled: false });
        Self { event: Event::Gone(link, reason), what }
    }

    /// An agent does not keep to the protocol, or cannot be spoken to; why, for a person to read.
    #[must_use]
    pub fn expelled(link: Link, reason: String) -> Self {
        let what = journal_entry::What::Gone(Gone { link: link.0, reason: reason.clone(), expelled: true });
        Self { event: Event::Expelled(link, reason), what }
    }

    /// The user wants the run to end.
    #[must_use]
    pub fn stop() -> Self {
        Self { event: Event::Stop, what: journal_entry::What::Stop(true) }
    }

    /// The user wants something of the run.
    #[must_use]
    pub fn ordered(ticket: Ticket, order: Order) -> Self {
        let what = journal_entry::What::Ordered(Ordered { ticket: ticket.0, order: Some(order_to_wire(&order)) });
        Self { event: Event::Ordered(ticket, order), what }
    }

    /// Time went by.
    #[must_use]
    pub fn tick() -> Self {
        Self { event: Event::Tick, what: journal_entry::What::Tick(true) }
    }

    /// Another coordinator goes on with the run, whose machine shows this; whether it had to go by the wall clock, and
    /// whether it lacks the plan's secrets.
    #[must_use]
    pub fn resumed(shown: &Begun, by_wall_clock: bool, lacks_secrets: bool) -> Self {
        let what = journal_entry::What::Resumed(Resumed {
            clock_ns: shown.clock_ns,
            unix_ns: unix_ns(shown.wall),
            boot_id: shown.boot.as_bytes().to_vec().into(),
            by_wall_clock,
            lacks_secrets,
        });
        Self { event: Event::Resumed { by_wall_clock, lacks_secrets }, what }
    }

    /// The event for the run and the entry for its journal, with the moment of the run's clock.
    #[must_use]
    pub fn at(self, at_ns: u64) -> (Event, Entry) {
        (self.event, Entry(JournalEntry { at_ns, what: Some(self.what) }))
    }
}

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub struct Entry(JournalEntry);

impl Entry {
    /// How many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.encoded_len()
    }

    pub(super) fn encode(&self, content: &mut Vec<u8>) {
        // Memory is the only thing that this could lack, and a vector does not say so.
        let _ = self.0.encode_length_delimited(content);
    }

    /// Takes the next entry from the front of a frame's content.
    pub(super) fn decode(content: &mut &[u8]) -> Result<Self, String> {
        JournalEntry::decode_length_delimited(content).map(Self).map_err(|error| error.to_string())
    }

    /// When it happened, by the run's clock in nanoseconds.
    pub(super) fn at_ns(&self) -> u64 {
        self.0.at_ns
    }

    /// What the machine showed, if it was a new coordinator that had something to say.
    pub(super) fn anchor(&self) -> Result<Option<Anchor>, String> {
        let Some(journal_entry::What::Resumed(resumed)) = &self.0.what else { return Ok(None) };
        let shown = begun(resumed.clock_ns, resumed.unix_ns, &resumed.boot_id)?;
        Ok(Some(Anchor { at_ns: self.0.at_ns, shown }))
    }

    /// As the run is told of it.
    pub(super) fn event(self, shape: Shape) -> Result<Event, String> {
        Ok(match self.0.what.ok_or("it does not say what happened")? {
            journal_entry::What::Said(Said { link, message }) => {
                event_of(Link(link), &message.ok_or("an agent said nothing")?, shape)?
            }
            journal_entry::What::Gone(Gone { link, reason, expelled: false }) => Event::Gone(Link(link), reason),
            journal_entry::What::Gone(Gone { link, reason, expelled: true }) => Event::Expelled(Link(link), reason),
            journal_entry::What::Stop(_) => Event::Stop,
            journal_entry::What::Tick(_) => Event::Tick,
            journal_entry::What::Ordered(Ordered { ticket, order }) => {
                Event::Ordered(Ticket(ticket), order_from_wire(order.ok_or("an order to do nothing")?)?)
            }
            journal_entry::What::Resumed(Resumed { by_wall_clock, lacks_secrets, .. }) => {
                Event::Resumed { by_wall_clock, lacks_secrets }
            }
        })
    }
}
