//! Users who ramp down and up again: nobody is there twice, and whoever overstays has the grace of its own ramp.

use std::thread;
use std::time::Duration;

use super::server::Server;
use super::support::{generate_while, get, plan, scenario, seconds, users};

/// The moments, by window, at which users were cut off.
fn cut_off_in(generated: &super::support::Generated) -> Vec<u32> {
    let windows = generated.windows.iter();
    windows.flat_map(|(window, measured)| vec![*window; measured.scenarios[0].cut_off as usize]).collect()
}

#[test]
fn a_stop_prolongs_nobodys_grace() {
    let server = Server::start(|_| {
        thread::sleep(Duration::from_secs(60));
        None
    });
    let mut scenario = scenario(users(&[(0.1, 2, 2), (30.0, 1, 1)]), vec![get(server.address, "/")]);
    scenario.graceful_stop = seconds(1.5);
    let generated = generate_while(plan(vec![scenario]), 1, |engine| {
        thread::sleep(Duration::from_millis(1_400));
        engine.drain();
    });
    generated.assert_books_balance();
    let cut_off_in = cut_off_in(&generated);
    assert_eq!(cut_off_in.len(), 2);
    assert!(cut_off_in[0] < cut_off_in[1], "one had ramped down before, and one had not: {cut_off_in:?}");
}
