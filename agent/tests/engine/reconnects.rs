//! Kept connections that the server gives up just when the next request comes.

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::Step;

use super::server::{OK, Server};
use super::support::{Generated, generate, get, per_user, plan, post, scenario};

/// A server that reads the second request on each connection and closes.
fn impatient() -> Server {
    Server::start(|heard| (heard.nth == 0).then(|| OK.to_owned()))
}

fn three_times(step: Step) -> Generated {
    let generated = generate(plan(vec![scenario(per_user(1, 3), vec![step])]), 1);
    generated.assert_books_balance();
    generated
}

#[test]
fn an_idempotent_request_is_repeated_and_counts_once() {
    let server = impatient();
    let generated = three_times(get(server.address, "/"));
    let requests = generated.requests();
    assert_eq!((generated.iterations().completed, requests.sent, requests.expected), (3, 3, 3));
    assert_eq!((requests.reconnects, requests.connections), (2, 3));
    let heard = server.heard();
    assert_eq!(heard.len(), 5);
    assert_eq!(requests.bytes_sent, heard.iter().map(|heard| heard.bytes).sum::<u64>(), "repeated ones included");
    assert_eq!(requests.bytes_received, 3 * OK.len() as u64);
}

#[test]
fn a_post_is_not_repeated() {
    let server = impatient();
    let generated = three_times(post(server.address, "/", b"order"));
    let requests = generated.requests();
    assert_eq!((generated.iterations().completed, requests.sent, generated.failed(ErrorKind::Reset)), (2, 3, 1));
    assert_eq!((requests.reconnects, requests.connections), (0, 2));
    assert_eq!(server.heard().len(), 3);
}
