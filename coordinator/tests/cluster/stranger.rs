//! Somebody who speaks the protocol by hand, and as badly as a test wants.

use muster_proto::id::Incarnation;
use muster_proto::wire::cluster_client::ClusterClient;
use muster_proto::wire::{self, from_agent, from_coordinator};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// Its end of a stream.
pub(crate) struct Stranger {
    outgoing: mpsc::Sender<wire::FromAgent>,
    incoming: Streaming<wire::FromCoordinator>,
}

impl Stranger {
    /// Opens a stream that begins with this message.
    pub(crate) async fn open(address: &str, first: from_agent::Message) -> Result<Self, Status> {
        let mut client = ClusterClient::connect(format!("http://{address}")).await.unwrap();
        let (outgoing, receiver) = mpsc::channel(16);
        outgoing.send(wire::FromAgent { message: Some(first) }).await.unwrap();
        let incoming = client.join(ReceiverStream::new(receiver)).await?.into_inner();
        Ok(Self { outgoing, incoming })
    }

    /// Opens a stream with the hello of an agent of the right version.
    pub(crate) async fn join(address: &str, name: &str) -> Self {
        Self::open(address, hello(name)).await.unwrap()
    }

    /// Says something; whether anybody may still be listening.
    pub(crate) async fn say(&self, message: from_agent::Message) -> bool {
        self.outgoing.send(wire::FromAgent { message: Some(message) }).await.is_ok()
    }

    /// The next thing that the coordinator says, until it ends the stream.
    pub(crate) async fn hear(&mut self) -> Option<from_coordinator::Message> {
        self.incoming.message().await.ok().flatten().and_then(|message| message.message)
    }
}

/// The hello of an agent of the right version.
pub(crate) fn hello(name: &str) -> from_agent::Message {
    from_agent::Message::Hello(wire::Hello {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: name.to_owned(),
        cores: 1,
        workers: 1,
        weight: 1,
        incarnation: Incarnation::generate().0,
        ..Default::default()
    })
}
