//! Clients that stay when the connection is lost.

use core::ops::ControlFlow;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use toom_core::{
    Conversation, Epoch, History, MemoryStorage, MessageNumber, MessageRef, Password, Receipt, Record,
    Recovered, Secret, Storage, StorageError, Timestamp, UserName,
};
use toom_net::client::{CallError, Client, ConnectError, Ended, Options, Pushed, Pushes, StoreMet};
use toom_net::server::{RunningServer, Server};

use super::{GREETING, LOGIN, body};

/// A store that outlives its server.
#[derive(Clone)]
struct Kept(Arc<Mutex<MemoryStorage>>);

impl Kept {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(MemoryStorage::new(Epoch::new(7)))))
    }

    fn store(&self) -> MutexGuard<'_, MemoryStorage> {
        self.0.lock().unwrap()
    }

    fn serve(&self) -> RunningServer {
        let account = |name: &str| (name.parse().unwrap(), Secret::plain("may the force").unwrap());
        Server::builder(self.clone()).accounts(["obiwan", "luke"].map(account)).start().unwrap()
    }
}

impl History for Kept {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        self.store().locate(conversation, since)
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.store().read(conversation, after, limit, visit)
    }

    fn floor(&self, conversation: Conversation) -> Result<MessageNumber, StorageError> {
        self.store().floor(conversation)
    }
}

impl Storage for Kept {
    type Reader = <MemoryStorage as Storage>::Reader;

    fn epoch(&self) -> Epoch {
        self.store().epoch()
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.store().append(records)
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        self.store().recover()
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        self.store().reserve_stamps(until)
    }

    fn reader(&self) -> Self::Reader {
        self.store().reader()
    }
}

async fn log_in(client: &Client, name: &str) {
    let session = client.login(name.parse().unwrap(), Password::new("may the force")).await.unwrap();
    assert_eq!(session.user.as_str(), name);
}

/// A client that stays wherever the server is at the time.
async fn stay(at: &Arc<Mutex<SocketAddr>>, name: &str) -> (Client, Pushes) {
    let at = Arc::clone(at);
    let connect = move || {
        let at = *at.lock().unwrap();
        async move { Ok(TcpStream::connect(at).await?) }
    };
    let (client, pushes) = Client::stay(connect, Options::default()).await.unwrap();
    log_in(&client, name).await;
    (client, pushes)
}

/// The text and number of the next message.
async fn message(pushes: &mut Pushes) -> (u64, String) {
    match pushes.next().await {
        Some(Pushed::Message(message)) => (message.number.get(), message.body.as_str().to_owned()),
        other => panic!("{other:?}"),
    }
}

fn post(client: &Client, text: &str) -> tokio::task::JoinHandle<Result<Receipt, CallError>> {
    let (client, body) = (client.clone(), body(text));
    tokio::spawn(async move { client.broadcast(body).await })
}

#[tokio::test]
async fn a_server_that_is_stopped_and_started_again_is_met_again_with_nothing_lost_and_nothing_twice() {
    let kept = Kept::new();
    let server = kept.serve();
    let at = Arc::new(Mutex::new(server.local_addr()));
    let (obiwan, mut to_obiwan) = stay(&at, "obiwan").await;
    let (luke, to_luke) = Client::connect(server.local_addr(), Options::default()).await.unwrap();
    log_in(&luke, "luke").await;
    luke.broadcast(body("one")).await.unwrap();
    assert_eq!(message(&mut to_obiwan).await, (1, "one".to_owned()));
    assert_eq!(obiwan.broadcast(body("two")).await.unwrap().number.get(), 2);
    luke.broadcast(body("three")).await.unwrap();
    assert_eq!(message(&mut to_obiwan).await, (3, "three".to_owned()));

    server.shut_down().unwrap();
    let Some(Pushed::Away(away)) = to_obiwan.next().await else { panic!("the loss is not told") };
    assert_eq!(away.bye.unwrap().code, toom_net::protocol::ByeCode::Shutdown);
    let typed = [post(&obiwan, "typed meanwhile"), post(&obiwan, "and more")];
    drop((luke, to_luke));

    let server = kept.serve();
    let (luke, _to_luke) = Client::connect(server.local_addr(), Options::default()).await.unwrap();
    log_in(&luke, "luke").await;
    for number in 4..=250 {
        assert_eq!(luke.broadcast(body("missed")).await.unwrap().number.get(), number);
    }
    *at.lock().unwrap() = server.local_addr();
    loop {
        match to_obiwan.next().await {
            Some(Pushed::Away(_)) => {}
            Some(Pushed::Back { store: StoreMet::Same, session }) => {
                assert_eq!(session.user.as_str(), "obiwan");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    for number in 4..=250 {
        assert_eq!(message(&mut to_obiwan).await, (number, "missed".to_owned()));
    }
    let mut numbers = Vec::new();
    for call in typed {
        numbers.push(call.await.unwrap().unwrap().number.get());
    }
    assert_eq!(numbers, [251, 252]);
    luke.broadcast(body("last")).await.unwrap();
    assert_eq!(message(&mut to_obiwan).await, (253, "last".to_owned()));
    obiwan.logout().await.unwrap();
    assert_eq!(to_obiwan.next().await, None);
    assert!(matches!(to_obiwan.ended(), Some(Ended::Closed)));
    server.shut_down().unwrap();
}

/// The far ends of the connections that a client makes, one after the other.
type Doors = mpsc::UnboundedReceiver<BufReader<DuplexStream>>;

/// A client that has logged in over a pipe. Time is paused, so that pauses take none.
async fn piped() -> (Client, Pushes, BufReader<DuplexStream>, Doors) {
    let (open, mut doors) = mpsc::unbounded_channel();
    let connect = move || {
        let (far, near) = tokio::io::duplex(64 * 1024);
        let opened =
            open.send(BufReader::new(far)).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused));
        async move { Ok(opened.map(|()| near)?) }
    };
    let come_in = async {
        let (client, pushes) = Client::stay(connect, Options::default()).await.unwrap();
        log_in(&client, "obiwan").await;
        (client, pushes)
    };
    let ((client, pushes), far) = tokio::join!(come_in, let_in(&mut doors));
    (client, pushes, far, doors)
}

/// Plays a server that greets and lets obiwan in.
async fn let_in(doors: &mut Doors) -> BufReader<DuplexStream> {
    let mut far = doors.recv().await.unwrap();
    say(&mut far, GREETING).await;
    assert!(hear(&mut far).await.starts_with("HELLO "));
    say(&mut far, "OK HELLO\n").await;
    assert!(hear(&mut far).await.starts_with("LOGIN obiwan "));
    say(&mut far, LOGIN).await;
    far
}

async fn say(far: &mut BufReader<DuplexStream>, lines: &str) {
    far.get_mut().write_all(lines.as_bytes()).await.unwrap();
}

async fn hear(far: &mut BufReader<DuplexStream>) -> String {
    let mut line = String::new();
    far.read_line(&mut line).await.unwrap();
    line
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_answer_is_lost_is_repeated_under_its_key() {
    let (client, mut pushes, mut far, mut doors) = piped().await;
    let call = post(&client, "hello");
    let first = hear(&mut far).await;
    assert!(first.starts_with('!') && first.ends_with(" BCM hello\n"), "{first}");
    drop(far);
    let mut far = let_in(&mut doors).await;
    assert_eq!(hear(&mut far).await, first);
    say(&mut far, "OK BCM 5 1970-01-01T00:00:02Z\n").await;
    assert_eq!(hear(&mut far).await, "RDM b 1970-01-01T00:00:01.000000Z\n");
    say(&mut far, "ROW b 5 1970-01-01T00:00:02Z obiwan hello\nOK RDM 1\n").await;
    assert_eq!(call.await.unwrap().unwrap().number.get(), 5);
    assert!(matches!(pushes.next().await, Some(Pushed::Away(_))));
    assert!(matches!(pushes.next().await, Some(Pushed::Back { .. })));
    assert_eq!(hear(&mut far).await, "RDM s 1970-01-01T00:00:01.000000Z\n");
    say(&mut far, "OK RDM 0\nMSG b 6 1970-01-01T00:00:03Z luke hi\n").await;
    assert_eq!(message(&mut pushes).await, (6, "hi".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_client_ends_a_stay_also_while_it_is_away() {
    let (client, mut pushes, far, mut doors) = piped().await;
    drop(far);
    assert!(matches!(pushes.next().await, Some(Pushed::Away(_))));
    drop(client);
    assert_eq!(pushes.next().await, None);
    assert!(doors.recv().await.is_none(), "it does not connect any more");
}

#[tokio::test(start_paused = true)]
async fn more_than_the_queue_holds_comes_out_once_the_taker_wakes() {
    let (_client, mut pushes, mut far, _doors) = piped().await;
    let text = "x".repeat(1000);
    for number in 1..=500 {
        say(&mut far, &format!("MSG b {number} 1970-01-01T00:00:02Z luke {text}\n")).await;
    }
    for number in 1..=500 {
        assert_eq!(message(&mut pushes).await.0, number);
    }
}

#[tokio::test]
async fn a_first_connection_that_does_not_come_about_is_an_error() {
    let refused = || async { Err::<TcpStream, _>(io::Error::from(io::ErrorKind::ConnectionRefused).into()) };
    let error = Client::stay(refused, Options::default()).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_leaves_the_connection_for_another_try() {
    let (open, mut doors) = mpsc::unbounded_channel();
    let connect = move || {
        let (far, near) = tokio::io::duplex(1024);
        open.send(BufReader::new(far)).unwrap();
        async move { Ok(near) }
    };
    let script = async {
        let mut far = doors.recv().await.unwrap();
        say(&mut far, GREETING).await;
        hear(&mut far).await;
        say(&mut far, "OK HELLO\n").await;
        hear(&mut far).await;
        say(&mut far, "ERR LOGIN bad-credentials no\n").await;
        assert_eq!(hear(&mut far).await, "LOGIN obiwan right\n");
        say(&mut far, LOGIN).await;
        far
    };
    let calls = async {
        let (client, _) = Client::stay(connect, Options::default()).await.unwrap();
        let name: UserName = "obiwan".parse().unwrap();
        let wrong = client.login(name.clone(), Password::new("wrong")).await.unwrap_err();
        assert!(matches!(wrong, CallError::Refused(_)));
        client.login(name, Password::new("right")).await.unwrap();
        client
    };
    let (client, _far) = tokio::join!(calls, script);
    assert!(client.ended().is_none());
}
