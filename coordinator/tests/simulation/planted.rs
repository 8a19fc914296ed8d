//! Bugs planted in the product and in the generator, to prove that the simulation finds them.

use std::ops::Range;
use std::time::Instant;

use muster_agent::planted::plant;

use super::cluster::{keep_panics, simulate};

/// The seeds among which each bug must be caught.
const SEEDS: Range<u64> = 0..1_000;

/// Bugs that must be caught, some of them only together: where one mistake is made good by another's care.
const CAUGHT: &[&[&str]] = &[
    &["coalesces-a-sent-delta"],
    &["lease-from-receive-time"],
    &["lease-without-end"],
    &["lease-not-checked"],
    &["resent-from-wrong-position"],
    &["resent-from-wrong-position", "gap-accepted"],
    &["nothing-sent-again"],
    &["unsent-forgotten-at-a-break"],
    &["unsent-forgotten-at-a-break", "closing-unchecked"],
    &["open-window-overwritten"],
    &["everything-acknowledged-at-once"],
    &["ready-before-clocks-agree"],
    &["skips-not-counted"],
    &["wrong-number-acknowledged"],
    &["welcome-from-nothing", "no-dedupe"],
    &["newest-stream-not-taken"],
    &["acknowledged-before-durable"],
    &["not-synchronised"],
    &["rest-of-a-group-dropped"],
    &["torn-tail-accepted"],
    &["storage-failure-ignored"],
    &["clock-read-again"],
    &["no-margin"],
    &["loss-not-bounded"],
    &["taken-over-at-once"],
    &["welcome-without-changes"],
    &["due-counted-without-lease"],
    &["books-closed-without-lease"],
    &["epoch-forgotten"],
    &["return-not-awaited"],
    &["resumption-unwritten"],
    &["streams-numbered-anew"],
    &["boot-overlooked"],
    &["torn-tail-kept"],
    &["told-from-before-the-snapshot"],
    &["one-generation-kept"],
    &["applied-numbers-not-kept"],
    &["changes-not-kept"],
    &["stop-not-kept"],
    &["ready-owed-to-another"],
    &["changes-before-the-start"],
    &["passed-arrivals-again"],
    &["free-by-any-profile"],
    &["newcomers-not-told"],
];

/// Where bugs that take rare circumstances were met before: they are looked for there first, so that nobody waits for them.
const MET: &[(&str, u64)] = &[
    ("stop-not-kept", 105),
    ("ready-owed-to-another", 428),
    ("passed-arrivals-again", 221),
    ("free-by-any-profile", 434),
    ("newcomers-not-told", 127),
];

/// Bugs that do no harm alone, because something else takes care.
const HARMLESS: &[&[&str]] = &[
    // Whoever is given it leaves out what its holder may have begun.
    &["given-before-it-is-free"],
    &["welcome-from-nothing"],
    &["gap-accepted"],
    &["closing-unchecked"],
    &["no-dedupe"],
    // The run hears what waits before it gives anybody up, and no other coordinator goes on with it here.
    &["renewed-without-the-run"],
];
/// The seeds in which they must do none.
const HARMLESS_SEEDS: Range<u64> = 0..25;

/// A seed that goes wrong under these bugs, and what goes wrong: the one where they were met before, or the first of all.
fn caught(bugs: &'static [&'static str], seeds: Range<u64>) -> Option<(u64, String)> {
    let met = MET.iter().filter(|(bug, _)| bugs.contains(bug)).map(|(_, seed)| *seed);
    plant(bugs);
    let found = met.chain(seeds).find_map(|seed| Some((seed, simulate(seed).wrong.into_iter().next()?)));
    plant(&[]);
    found
}

/// Plants one bug after the other, or those with `MUSTER_BUG` in their names, and shows by which seed each is caught.
///
/// # Panics
/// When one is not caught, or a harmless one does harm.
pub(crate) fn all_are_caught() {
    keep_panics();
    let mut missed = Vec::new();
    let wanted = std::env::var("MUSTER_BUG").unwrap_or_default();
    for bugs in CAUGHT.iter().filter(|bugs| bugs.join(" ").contains(&wanted)) {
        let begun = Instant::now();
        match caught(bugs, SEEDS) {
            Some((seed, wrong)) => {
                let took_ms = begun.elapsed().as_millis();
                println!("seed {seed:4} {took_ms:6} ms  {}: {wrong}", bugs.join(" + "));
            }
            None => missed.push(bugs),
        }
    }
    let harmless = HARMLESS.iter().filter(|_| wanted.is_empty());
    let harmful: Vec<_> = harmless.filter_map(|bugs| caught(bugs, HARMLESS_SEEDS)).collect();
    assert!(missed.is_empty() && harmful.is_empty(), "not caught: {missed:?}; not harmless: {harmful:?}");
}
