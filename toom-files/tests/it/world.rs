//! Two programs, and a folder of each.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use toom_files::{
    Endpoint, Identity, Inbox, Offer, Patience, ReceiveError, Received, SendError, Source, Ticket, Transfer,
};

pub(crate) const MIB: usize = 1 << 20;

/// Short enough that a test of a dead link is over soon, long enough for a busy machine.
pub(crate) const HASTE: Patience =
    Patience { connect: Duration::from_secs(4), idle: Duration::from_secs(3), stall: Duration::from_mins(1) };

pub(crate) struct World {
    pub(crate) sender: Endpoint,
    pub(crate) receiver: Endpoint,
    pub(crate) inbox: Inbox,
    folder: TempDir,
}

/// How a transfer ended on either side.
pub(crate) type Ends = (Result<(), SendError>, Result<Received, ReceiveError>);

impl World {
    pub(crate) fn new() -> Self {
        // In memory where there is such a place: a disk that others keep busy takes seconds for a sync.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        fs::create_dir(folder.path().join("mine")).unwrap();
        fs::create_dir(folder.path().join("downloads")).unwrap();
        let inbox = Inbox::new(folder.path().join("downloads"), 1 << 40);
        Self { sender: endpoint(HASTE), receiver: endpoint(HASTE), inbox, folder }
    }

    /// The same two with other folders, and sender and receiver changed round.
    pub(crate) fn back(&self) -> Self {
        Self { sender: self.receiver.clone(), receiver: self.sender.clone(), ..Self::new() }
    }

    /// A file of the sender's.
    pub(crate) async fn source(&self, name: &str, content: &[u8]) -> Source {
        let path = self.folder.path().join("mine").join(name);
        fs::write(&path, content).unwrap();
        Source::open(path, &Transfer::new()).await.unwrap()
    }

    pub(crate) fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// What lies in the receiver's folder, hidden or not.
    pub(crate) fn listing(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.downloads())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What the receiver is told.
    pub(crate) fn offer(source: &Source) -> Offer {
        Offer {
            from: "yoda".to_owned(),
            name: source.name().to_owned(),
            bytes: source.bytes(),
            hash: source.hash(),
        }
    }

    /// Sends straight to the receiver.
    pub(crate) async fn send(&self, source: &Source) -> Ends {
        self.send_via(source, self.receiver.local_addr().unwrap(), &Transfer::new(), &Transfer::new()).await
    }

    /// Sends to an address behind which the receiver is.
    pub(crate) async fn send_via(
        &self,
        source: &Source,
        addr: SocketAddr,
        sending: &Transfer,
        receiving: &Transfer,
    ) -> Ends {
        let ticket = Ticket::fresh();
        let mut expected = self.receiver.expect(ticket, self.sender.fingerprint());
        let receive = async {
            let connection = expected.connection().await;
            self.inbox.receive(&Self::offer(source), connection, receiving).await
        };
        tokio::join!(self.sender.send(addr, self.receiver.fingerprint(), ticket, source, sending), receive)
    }
}

pub(crate) fn endpoint(patience: Patience) -> Endpoint {
    let identity = Identity::fresh().unwrap();
    Endpoint::bind_with((Ipv4Addr::LOCALHOST, 0).into(), &identity, patience).unwrap()
}

/// Bytes that look random, the same for the same seed.
pub(crate) fn content(seed: u64, bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof().fill(&mut content);
    content
}
