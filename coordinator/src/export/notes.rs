//! What there is to be told of exports, each thing once.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use muster_proto::measurement::{SeriesTable, TallyTable};

use super::totals::{SCENARIOS_MAX, SERIES_MAX, TALLIES_MAX};
use crate::report::text::foreign;
use crate::run::life::Run;

/// The longest that a receiver's own words are repeated, in characters.
const QUOTED_MAX: usize = 200;

/// Whoever has something to tell, and whoever tells it, have one of these.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    untold: Vec<String>,
    /// Seconds that were counted together with the one before.
    merged: u64,
    receivers: Vec<Receiver>,
}

/// What became of the views for one receiver.
#[derive(Debug, Default)]
struct Receiver {
    name: &'static str,
    shown: u64,
    delivered: u64,
    refused: u64,
    left_out: u64,
    failed: bool,
    latest: String,
}

impl Notes {
    /// What was not told yet.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.book().untold)
    }

    /// Where metrics can be read.
    pub(super) fn tell_where(&self, page: SocketAddr) {
        self.book().untold.push(format!("metrics at http://{page}/metrics"));
    }

    /// What of the plan there is no room for.
    pub(super) fn tell_what_is_left_out(&self, run: &Run) {
        let plan = run.plan();
        let counted = [
            ("scenarios", plan.scenarios.len(), SCENARIOS_MAX),
            ("requests", SeriesTable::of(plan).len(), SERIES_MAX),
            ("checks, groups and metrics", TallyTable::of(plan).keys().len(), TALLIES_MAX),
        ];
        for (what, have, most) in counted {
            if have > most {
                self.book().untold.push(format!("{most} of {have} {what} are exported, the first of the plan"));
            }
        }
    }

    pub(super) fn merged(&self, seconds: u64) {
        let mut book = self.book();
        if seconds > 0 && book.merged == 0 {
            book.untold.push("exports cannot keep up: some seconds are exported together".to_owned());
        }
        book.merged += seconds;
    }

    /// A receiver's number.
    pub(super) fn receiver(&self, name: &'static str) -> usize {
        let mut book = self.book();
        book.receivers.push(Receiver { name, ..Receiver::default() });
        book.receivers.len() - 1
    }

    pub(super) fn shown(&self, receiver: usize) {
        self.book().receivers[receiver].shown += 1;
    }

    pub(super) fn delivered(&self, receiver: usize) {
        self.book().receivers[receiver].delivered += 1;
    }

    pub(super) fn left_out(&self, receiver: usize) {
        self.book().receivers[receiver].left_out += 1;
    }

    pub(super) fn refused(&self, receiver: usize) {
        self.book().receivers[receiver].refused += 1;
    }

    /// A receiver did not take something; whether it will be tried again.
    pub(super) fn failed(&self, receiver: usize, why: &str, again: bool) {
        let mut book = self.book();
        let told = &mut book.receivers[receiver];
        told.latest = foreign(why, QUOTED_MAX);
        if !std::mem::replace(&mut told.failed, true) {
            let then = if again { "trying again" } else { "not tried again" };
            let text = format!("{} fails, and the run goes on: {} ({then})", told.name, told.latest);
            book.untold.push(text);
        }
    }

    /// Sums up what did not arrive.
    pub(super) fn conclude(&self) {
        let mut book = self.book();
        let Book { untold, merged, receivers } = &mut *book;
        if *merged > 0 {
            untold.push(format!("{merged} seconds were exported together with the one before"));
        }
        for Receiver { name, shown, delivered, refused, left_out, latest, .. } in receivers {
            if delivered < shown {
                let late = shown.saturating_sub(*delivered + *refused + *left_out);
                untold.push(format!(
                    "{name} took {delivered} of {shown} views: {refused} refused, {left_out} left out for want of room, \
                     {late} not taken before the end; last: {latest}"
                ));
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
