//! Files between clients of this library, over the server of this crate.

use std::io::ErrorKind;
use std::num::NonZeroU16;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use toom_core::{Body, Epoch, MemoryStorage, Password, Secret, UserName};
use toom_net::client::{CallError, Client, Options, Pushed, Pushes, RelayPipe};
use toom_net::protocol::{
    Code, ContentHash, EndCode, FileName, FileOffer, Fingerprint, NameWord, TransferId, TransferPush,
    TransferTicket,
};
use toom_net::server::{RelayFiles, RunningServer, Server, ServerBuilder, ServerLimits, TransferMetrics};

use crate::server::client::Steered;

fn builder(limits: ServerLimits) -> ServerBuilder<MemoryStorage> {
    let account = |name: &str| (name.parse().unwrap(), Secret::plain("may the force").unwrap());
    let storage = MemoryStorage::new(Epoch::new(7));
    Server::builder(storage).accounts(["obiwan", "luke"].map(account)).limits(limits)
}

fn server(limits: ServerLimits) -> RunningServer {
    builder(limits).start().unwrap()
}

fn options(udp: u16) -> Options {
    Options { udp: NonZeroU16::new(udp), ..Options::default() }
}

async fn login(server: &RunningServer, name: &str, udp: u16) -> (Client, Pushes) {
    let (client, pushes) = Client::connect(server.local_addr(), options(udp)).await.unwrap();
    client.login(UserName::parse(name).unwrap(), Password::new("may the force")).await.unwrap();
    (client, pushes)
}

fn film() -> FileOffer {
    FileOffer {
        bytes: 3,
        hash: ContentHash::new([1; 32]),
        fingerprint: Fingerprint::new([2; 32]),
        name: FileName::parse("film of the year.mp4").unwrap(),
    }
}

fn name(name: &str) -> NameWord {
    NameWord::parse(name).unwrap()
}

fn ticket() -> TransferTicket {
    TransferTicket::new([4; 16])
}

async fn told(pushes: &mut Pushes) -> TransferPush {
    match pushes.next().await {
        Some(Pushed::Transfer(push)) => push,
        other => panic!("{other:?}"),
    }
}

async fn ended(pushes: &mut Pushes) -> (TransferId, EndCode) {
    match told(pushes).await {
        TransferPush::End { id, code, .. } => (id, code),
        other => panic!("{other:?}"),
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, CallError>) -> Code {
    let Err(CallError::Refused(failure)) = result else { panic!("{result:?}") };
    failure.code
}

/// What the server has counted once `expected` holds.
async fn counted(server: &RunningServer, expected: impl Fn(&TransferMetrics) -> bool) -> TransferMetrics {
    let begun = std::time::Instant::now();
    loop {
        let counts = server.handle().metrics().connections.transfers;
        if expected(&counts) {
            return counts;
        }
        assert!(begun.elapsed().as_secs() < 20, "{counts:?}");
        tokio::task::yield_now().await;
    }
}

/// Two who are logged in, and a file of obiwan's that luke has accepted.
struct Two {
    obiwan: Client,
    to_obiwan: Pushes,
    luke: Client,
    to_luke: Pushes,
    id: TransferId,
}

impl Two {
    async fn accepted(server: &RunningServer) -> Self {
        let (obiwan, mut to_obiwan) = login(server, "obiwan", 0).await;
        let (luke, mut to_luke) = login(server, "luke", 2001).await;
        let id = obiwan.offer_file(&name("LUKE"), film()).await.unwrap();
        let offer = TransferPush::Offer { id, user: name("obiwan"), file: film() };
        assert_eq!(told(&mut to_luke).await, offer);
        let fingerprint = Fingerprint::new([3; 32]);
        luke.accept_file(id, fingerprint, ticket()).await.unwrap();
        let address = "127.0.0.1:2001".parse().unwrap();
        let accept = TransferPush::Accept { id, address, fingerprint, ticket: ticket() };
        assert_eq!(told(&mut to_obiwan).await, accept);
        Self { obiwan, to_obiwan, luke, to_luke, id }
    }

    /// Both ends of the way through the server: obiwan's and luke's.
    async fn relayed(&mut self) -> (RelayPipe, RelayPipe) {
        let from_obiwan = self.obiwan.relay_file(self.id).await.unwrap();
        assert_eq!(told(&mut self.to_luke).await, TransferPush::Relay { id: self.id });
        (from_obiwan, self.luke.relay_pipe(self.id))
    }
}

/// Bytes of which no two pieces are alike.
fn bytes(count: u32, seed: u32) -> Vec<u8> {
    (0..count / 4).flat_map(|place| (place.wrapping_mul(2_654_435_761) ^ seed).to_le_bytes()).collect()
}

#[tokio::test]
async fn a_file_is_offered_taken_and_done() {
    let server = server(ServerLimits::default());
    let mut two = Two::accepted(&server).await;
    two.luke.file_done(two.id).await.unwrap();
    assert_eq!(ended(&mut two.to_obiwan).await, (two.id, EndCode::Done));
    assert_eq!(refusal(two.obiwan.cancel_file(two.id).await), Code::Refused);
    let counts = counted(&server, |counts| counts.open == 0).await;
    assert_eq!((counts.offers, counts.done, counts.relays_begun), (1, 1, 0));

    let id = two.obiwan.offer_file(&name("luke"), film()).await.unwrap();
    assert!(id > two.id);
    told(&mut two.to_luke).await;
    two.luke.refuse_file(id, "not now").await.unwrap();
    let no = TransferPush::End { id, code: EndCode::Refused, text: "not now".into() };
    assert_eq!(told(&mut two.to_obiwan).await, no);
    let id = two.obiwan.offer_file(&name("luke"), film()).await.unwrap();
    told(&mut two.to_luke).await;
    two.obiwan.cancel_file(id).await.unwrap();
    assert_eq!(ended(&mut two.to_luke).await, (id, EndCode::Cancelled));
}

#[tokio::test]
async fn an_offer_that_comes_to_nothing_says_why() {
    let server = server(ServerLimits { transfers_per_session_max: 1, ..ServerLimits::default() });
    let (obiwan, _to_obiwan) = login(&server, "obiwan", 0).await;
    let offer = |to: &'static str| {
        let obiwan = obiwan.clone();
        async move { obiwan.offer_file(&name(to), film()).await }
    };
    assert_eq!(refusal(offer("vader").await), Code::UnknownUser(name("vader")));
    assert_eq!(refusal(offer("a/b").await), Code::UnknownUser(name("a/b")));
    assert_eq!(refusal(offer("luke").await), Code::InactiveUser(name("luke")));
    assert_eq!(refusal(offer("obiwan").await), Code::Refused);
    let (_deaf, _) = login(&server, "luke", 0).await;
    assert_eq!(refusal(offer("luke").await), Code::Refused);
    let (_luke, _to_luke) = login(&server, "luke", 2001).await;
    offer("luke").await.unwrap();
    assert_eq!(refusal(offer("luke").await), Code::LimitReached);
}

#[tokio::test]
async fn bytes_go_through_the_server_both_ways_while_both_chat() {
    let server = server(ServerLimits::default());
    let mut two = Two::accepted(&server).await;
    let (near, far) = two.relayed().await;
    let (forth, back) = (bytes(600_000, 1), bytes(300_000, 2));
    let (mut near_reads, mut near_writes) = tokio::io::split(near);
    let (mut far_reads, mut far_writes) = tokio::io::split(far);
    let move_all = async {
        let (mut got_back, mut got_forth) = (vec![0; back.len()], vec![0; forth.len()]);
        let moved = tokio::join!(
            async { near_writes.write_all(&forth).await.and(near_writes.flush().await) },
            async { far_writes.write_all(&back).await.and(far_writes.flush().await) },
            near_reads.read_exact(&mut got_back),
            far_reads.read_exact(&mut got_forth),
        );
        moved.0.and(moved.1).unwrap();
        assert!(got_back == back && got_forth == forth);
    };
    let chat = async {
        for number in 1..=20 {
            let receipt = two.obiwan.broadcast(Body::parse("meanwhile").unwrap()).await.unwrap();
            assert_eq!(receipt.number.get(), number);
            let Some(Pushed::Message(message)) = two.to_luke.next().await else { panic!("none came") };
            assert_eq!(message.number, receipt.number);
        }
    };
    tokio::join!(move_all, chat);
    let counts = counted(&server, |counts| counts.relayed_bytes == 900_000).await;
    assert_eq!((counts.relays, counts.pieces_throttled, counts.pieces_early), (1, 0, 0));

    // What came before the end is read, and then there is nothing more, in either direction.
    near_writes.write_all(b"last").await.unwrap();
    near_writes.flush().await.unwrap();
    two.luke.file_done(two.id).await.unwrap();
    assert_eq!(ended(&mut two.to_obiwan).await, (two.id, EndCode::Done));
    assert_eq!(near_reads.read(&mut [0; 10]).await.unwrap(), 0);
    let broken = loop {
        match near_writes.write_all(&[0; 1000]).await.and(near_writes.flush().await) {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(broken.kind(), ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn what_goes_too_fast_waits_and_arrives_whole_and_in_order() {
    let clock = Steered::default();
    let limits = ServerLimits { relay_bytes_per_second: 200_000, ..ServerLimits::default() };
    let server = builder(limits).clock(clock.clone()).start().unwrap();
    let mut two = Two::accepted(&server).await;
    let (mut near, mut far) = two.relayed().await;
    let sent = bytes(380_000, 3);
    let mut got = vec![0; sent.len()];
    let (written, read, ()) = tokio::join!(
        async { near.write_all(&sent).await.and(near.flush().await) },
        far.read_exact(&mut got),
        async {
            let counts = counted(&server, |counts| counts.pieces_throttled > 0).await;
            assert!((190_000..=200_000).contains(&counts.relayed_bytes), "{counts:?}");
            clock.pass(2);
        }
    );
    written.unwrap();
    read.unwrap();
    assert!(got == sent);
    counted(&server, |counts| counts.relayed_bytes == 380_000).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_read_holds_the_sender_up_and_nothing_else() {
    let server = server(ServerLimits::default());
    let mut two = Two::accepted(&server).await;
    let (mut near, mut far) = two.relayed().await;
    let sent = bytes(1_000_000, 4);
    let writing = tokio::spawn({
        let sent = sent.clone();
        async move { near.write_all(&sent).await.and(near.flush().await) }
    });
    // As much as there is leave for, and what the receiving pipe itself holds.
    let counts = counted(&server, |counts| counts.relayed_bytes >= 16 * 8192).await;
    assert!(counts.relayed_bytes <= 32 * 8192, "{counts:?}");
    two.obiwan.broadcast(Body::parse("still there").unwrap()).await.unwrap();
    assert!(matches!(two.to_luke.next().await, Some(Pushed::Message(_))));
    let mut got = vec![0; sent.len()];
    far.read_exact(&mut got).await.unwrap();
    assert!(got == sent);
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn where_the_operator_wants_no_relays_or_has_enough_of_them_there_is_none() {
    for (limits, code) in [
        (ServerLimits { relay_files: RelayFiles::Off, ..ServerLimits::default() }, Code::Refused),
        (ServerLimits { relays_max: 0, ..ServerLimits::default() }, Code::LimitReached),
    ] {
        let server = server(limits);
        let two = Two::accepted(&server).await;
        assert_eq!(refusal(two.obiwan.relay_file(two.id).await), code);
        two.obiwan.cancel_file(two.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_transfer_ends_with_its_session_and_is_not_spoken_of_in_the_next() {
    let server = server(ServerLimits::default());
    let at = server.local_addr();
    let connect = move || async move { Ok(TcpStream::connect(at).await?) };
    let (obiwan, mut to_obiwan) = Client::stay(connect, options(0)).await.unwrap();
    obiwan.login("obiwan".parse().unwrap(), Password::new("may the force")).await.unwrap();
    let (luke, mut to_luke) = login(&server, "luke", 2001).await;
    let id = obiwan.offer_file(&name("luke"), film()).await.unwrap();
    told(&mut to_luke).await;
    luke.accept_file(id, Fingerprint::new([3; 32]), ticket()).await.unwrap();
    told(&mut to_obiwan).await;
    let mut near = obiwan.relay_file(id).await.unwrap();

    server.handle().kick("obiwan".parse().unwrap());
    assert!(matches!(told(&mut to_luke).await, TransferPush::Relay { .. }));
    assert_eq!(ended(&mut to_luke).await, (id, EndCode::Gone));
    let Some(Pushed::Away(_)) = to_obiwan.next().await else { panic!("it is not away") };
    assert_eq!(near.read(&mut [0; 10]).await.unwrap(), 0);
    let unsaid = obiwan.offer_file(&name("luke"), film()).await;
    assert!(matches!(unsaid, Err(CallError::SessionOver)), "{unsaid:?}");
    let Some(Pushed::Back { .. }) = to_obiwan.next().await else { panic!("it is not back") };
    assert_eq!(refusal(obiwan.cancel_file(id).await), Code::Refused);
    obiwan.offer_file(&name("luke"), film()).await.unwrap();
    assert!(matches!(told(&mut to_luke).await, TransferPush::Offer { .. }), "one offer, not two");
    assert_eq!(counted(&server, |counts| counts.offers == 2).await.open, 1);
}
