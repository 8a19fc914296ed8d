//! Users who ramp down and up again: nobody is there twice, and whoever overstays has the grace of its own ramp.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::server::{OK, Server};
use super::support::{generate_while, get, plan, scenario, seconds, users};

/// The moments, by window, at which users were cut off.
fn cut_off_in(generated: &super::support::Generated) -> Vec<u32> {
    let windows = generated.windows.iter();
    windows.flat_map(|(window, measured)| vec![*window; measured.scenarios[0].cut_off as usize]).collect()
}

#[test]
fn a_user_who_comes_back_begins_when_its_earlier_stretch_has_ended() {
    static AT_WORK: AtomicUsize = AtomicUsize::new(0);
    static AT_WORK_MOST: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|heard| {
        AT_WORK_MOST.fetch_max(AT_WORK.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(if heard.connection == 0 { 600 } else { 10 }));
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
        Some(OK.to_owned())
    });
    let profile = users(&[(0.1, 1, 1), (0.1, 0, 0), (30.0, 1, 1)]);
    let steps = vec![get(server.address, "/")];
    let generated = generate_while(plan(vec![scenario(profile, steps)]), 1, |engine| {
        server.wait_for(3);
        engine.drain();
    });
    generated.assert_books_balance();
    assert_eq!(AT_WORK_MOST.load(Ordering::SeqCst), 1);
    assert_eq!((generated.iterations().cut_off, generated.iterations().failed), (0, 0));
}

#[test]
fn a_user_who_comes_back_begins_when_its_earlier_stretch_was_cut_off() {
    let server = Server::start(|heard| {
        if heard.connection == 0 {
            thread::sleep(Duration::from_secs(60));
        }
        Some(OK.to_owned())
    });
    let profile = users(&[(1.0, 1, 1), (0.1, 0, 0), (30.0, 1, 1)]);
    let mut scenario = scenario(profile, vec![get(server.address, "/")]);
    scenario.graceful_stop = seconds(0.4);
    let generated = generate_while(plan(vec![scenario]), 1, |engine| {
        server.wait_for(2);
        engine.drain();
    });
    generated.assert_books_balance();
    assert_eq!(generated.iterations().cut_off, 1);
    let begun_before: u64 = generated.windows.range(..7).map(|(_, window)| window.scenarios[0].started).sum();
    assert_eq!(begun_before, 1, "it was cut off 1.4 s after the start at the earliest");
}

#[test]
fn a_stop_prolongs_nobodys_grace() {
    let server = Server::start(|_| {
        thread::sleep(Duration::from_secs(60));
        None
    });
    let mut scenario = scenario(users(&[(0.5, 2, 2), (30.0, 1, 1)]), vec![get(server.address, "/")]);
    scenario.graceful_stop = seconds(1.5);
    let generated = generate_while(plan(vec![scenario]), 1, |engine| {
        thread::sleep(Duration::from_millis(1_800));
        engine.drain();
    });
    generated.assert_books_balance();
    let cut_off_in = cut_off_in(&generated);
    assert_eq!(cut_off_in.len(), 2);
    assert!(cut_off_in[0] < cut_off_in[1], "one had ramped down before, and one had not: {cut_off_in:?}");
}
