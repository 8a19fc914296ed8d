//! What it costs to find a row of data, in memory and in a file, beside what it costs to read its JSON.

mod support;

use std::hint::black_box;
use std::time::Instant;

use minijinja::Value;
use muster_agent::engine::rows::{Intake, Rows};
use support::row;

const ROUNDS: usize = 7;
const LOOKS: u64 = 200_000;
/// Rows are looked for all over the place.
const STRIDE: u64 = 7_919;

fn main() {
    let held = filled(Intake::held(), 40_000);
    let of_each = filled(Intake::in_file(tempfile::tempfile().expect("a file")), 500_000);
    let of_some = filled(Intake::in_file(tempfile::tempfile().expect("a file")), 3_000_000);
    row("figure (best of 7 rounds)", "goal", "measured");
    for (rows, where_it_lies) in [
        (&held, "a row in memory"),
        (&of_each, "a row of 500 000 in a file, of each of which the place is known"),
        (&of_some, "a row of 3 000 000 in a file, of which each 64th's is"),
    ] {
        let mut buffer = Vec::new();
        let ns = best_ns(rows.id().count, |number| {
            black_box(rows.row(number, &mut buffer).expect("a row"));
        });
        row(where_it_lies, "", &format!("{ns:.0} ns"));
    }
    let json = line(7).into_bytes();
    let ns = best_ns(1, |_| {
        black_box(serde_json::from_slice::<Value>(&json).expect("JSON"));
    });
    row("reading its JSON", "", &format!("{ns:.0} ns"));
}

fn line(number: u64) -> String {
    format!("{{\"id\":\"{number}\",\"name\":\"user{number}\",\"password\":\"secret{number}\"}}\n")
}

fn filled(mut intake: Intake, count: u64) -> Rows {
    (0..count).for_each(|number| intake.push(line(number).as_bytes()).expect("room"));
    intake.finish().expect("rows")
}

/// How long a look takes, in nanoseconds.
fn best_ns(count: u64, mut look: impl FnMut(u64)) -> f64 {
    let round = |_| {
        let since = Instant::now();
        (0..LOOKS).for_each(|number| look(number * STRIDE % count));
        since.elapsed().as_nanos() as f64 / LOOKS as f64
    };
    (0..ROUNDS).map(round).fold(f64::MAX, f64::min)
}
