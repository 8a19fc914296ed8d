//! What the agent's program ends with, and what it says about it.

use std::net::TcpListener;

use muster_proto::wire::cluster_server::{Cluster, ClusterServer};
use muster_proto::wire::{FromAgent, FromCoordinator, Piece, Refusal, Wanted, Welcome, from_coordinator};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};

use super::process::Ended;
use super::programs::agent;

fn ended(arguments: &[&str]) -> Ended {
    agent(arguments).end()
}

#[test]
fn a_coordinator_elsewhere_wants_an_explicit_word() {
    let ended = ended(&["--join", "192.0.2.1:7117"]);
    assert_eq!(ended.code, Some(106), "{ended:?}");
    assert!(ended.err.contains("192.0.2.1:7117 is another machine"), "{ended:?}");
    assert!(ended.err.contains("hint: ") && ended.err.contains("--insecure-cluster"), "{ended:?}");
}

#[test]
fn patience_ends_with_a_question_that_helps() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ended = ended(&["--join", &nobody, "--patience", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains(&format!("gave up after 1 s; is a coordinator listening at {nobody}?")), "{ended:?}");
}

#[test]
fn arguments_that_make_no_sense_end_with_104() {
    for arguments in [
        &[][..],
        &["--join", "127.0.0.1:7117", "--no-such-flag"],
        &["--join", "127.0.0.1:7117", "--workers", "0"],
        &["--join", "127.0.0.1:7117", "--label", "zone"],
        &["--join", "127.0.0.1:7117", "--allow", "10.0.0.0/99"],
        &["--join", "127.0.0.1"],
    ] {
        let ended = ended(arguments);
        assert_eq!(ended.code, Some(104), "{arguments:?}: {ended:?}");
        assert!(ended.err.starts_with("error: "), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn a_name_that_nobody_knows_is_told() {
    let ended = ended(&["--join", "nowhere.invalid:7117"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("error: cannot resolve the coordinator nowhere.invalid:7117"), "{ended:?}");
}

/// A coordinator that answers any hello with these words, and says nothing more.
struct Curt(from_coordinator::Message);

#[tonic::async_trait]
impl Cluster for Curt {
    type JoinStream = tokio_stream::Once<Result<FromCoordinator, Status>>;

    async fn join(&self, _: Request<Streaming<FromAgent>>) -> Result<Response<Self::JoinStream>, Status> {
        Ok(Response::new(tokio_stream::once(Ok(FromCoordinator { message: Some(self.0.clone()) }))))
    }

    async fn fetch(&self, _: Request<Wanted>) -> Result<Response<Piece>, Status> {
        Err(Status::unimplemented("it has no data"))
    }
}

/// What an agent does that is answered so; with the coordinator's address.
async fn answered(message: from_coordinator::Message) -> (Ended, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tonic::transport::Server::builder().add_service(ClusterServer::new(Curt(message)));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let join = address.clone();
    (tokio::task::spawn_blocking(move || ended(&["--join", &join, "--once"])).await.unwrap(), address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refusal_is_printed_as_the_coordinator_put_it() {
    let reason = "it speaks protocol 1; install the same version on both".to_owned();
    let (ended, address) = answered(from_coordinator::Message::Refusal(Refusal { reason: reason.clone() })).await;
    assert_eq!(ended.code, Some(106), "{ended:?}");
    let wanted = format!("the coordinator at {address} refused this agent: {reason}");
    assert!(ended.err.contains(&wanted), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn leases_that_nobody_could_keep_are_survived() {
    for lease_ns in [0, 1, u64::MAX] {
        let (ended, address) =
            answered(from_coordinator::Message::Welcome(Welcome { lease_ns, ..Welcome::default() })).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(&format!("lost the coordinator at {address}")), "{ended:?}");
    }
}
