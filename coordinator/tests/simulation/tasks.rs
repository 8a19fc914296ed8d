//! The order in which a crash drops tasks, which must not depend on what ran in this process before.
//!
//! Tokio numbers a process's tasks one after the other, and drops those of a runtime by the remainder of their numbers.

use tokio::runtime::{Builder, Runtime};

/// A multiple of what tokio divides by.
const NUMBERS: u64 = 64;

/// Lets the next task have the first of so many numbers again.
pub(crate) fn number_anew() {
    let runtime = runtime();
    while spawn_on(&runtime) % NUMBERS != NUMBERS - 1 {}
}

/// Uses up a number.
pub(crate) fn spawn_one() {
    spawn_on(&runtime());
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime without drivers")
}

fn spawn_on(runtime: &Runtime) -> u64 {
    runtime.spawn(async {}).id().to_string().parse().expect("tasks have numbers")
}
