//! The client library against a peer that plays a script over a loopback socket.

mod files;
mod stay;
#[cfg(feature = "client-tls")]
mod tls;
mod whole;

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadBuf,
};
use tokio::net::{TcpListener, TcpStream};
use toom_core::{Body, Conversation, Password, RoomId, UserName};
use toom_net::client::{CallError, Client, ConnectError, Ended, Options, Pushed, Pushes, Violation};
use toom_net::protocol::{ByeCode, Code, HistoryRow, Live, NameWord, PageLimit, Since};

const GREETING: &str = "TOOM 1 toomd/0.1.0 max-line=16384 epoch=7\n";
const LOGIN: &str = "OK LOGIN 1 1970-01-01T00:00:01.000000Z obiwan 127.0.0.1 0\n";

/// The far end of one connection, played by a test.
struct Peer(BufReader<TcpStream>);

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        Self(BufReader::new(listener.accept().await.unwrap().0))
    }

    async fn hears(&mut self, expected: &str) {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        assert_eq!(line, format!("{expected}\n"));
    }

    async fn says(&mut self, lines: &str) {
        self.0.get_mut().write_all(lines.as_bytes()).await.unwrap();
    }

    async fn hears_and_says(&mut self, expected: &str, lines: &str) {
        self.hears(expected).await;
        self.says(lines).await;
    }

    /// Waits until the client has closed, and tells what it had still sent.
    async fn closed(mut self) -> String {
        let mut rest = String::new();
        match self.0.read_to_string(&mut rest).await {
            Ok(_) => rest,
            Err(error) => error.kind().to_string(),
        }
    }
}

fn options() -> Options {
    Options { connect_timeout: Duration::from_mins(1), ..Options::default() }
}

async fn listen() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

/// What becomes of a client that connects to a peer that says `lines` and hangs up.
async fn refused_with(lines: &str) -> ConnectError {
    let (listener, at) = listen().await;
    let peer = async {
        let mut peer = Peer::accept(&listener).await;
        peer.says(lines).await;
        peer.0.get_mut().shutdown().await.unwrap();
        peer.closed().await
    };
    tokio::join!(Client::connect(at, options()), peer).0.unwrap_err()
}

/// A client and its peer, after HELLO.
async fn connected() -> (Client, Pushes, Peer) {
    let (listener, at) = listen().await;
    let peer = async {
        let mut peer = Peer::accept(&listener).await;
        peer.says(GREETING).await;
        peer.hears_and_says(concat!("HELLO client=toom-net/", env!("CARGO_PKG_VERSION")), "OK HELLO\n").await;
        peer
    };
    let (client, peer) = tokio::join!(Client::connect(at, options()), peer);
    let (client, pushes) = client.unwrap();
    (client, pushes, peer)
}

/// A client and its peer, after LOGIN.
async fn logged_in() -> (Client, Pushes, Peer) {
    let (client, pushes, mut peer) = connected().await;
    let login = client.login(UserName::parse("obiwan").unwrap(), Password::new("may the force"));
    let (session, ()) = tokio::join!(login, peer.hears_and_says("LOGIN obiwan may the force", LOGIN));
    assert_eq!(session.unwrap().user.as_str(), "obiwan");
    (client, pushes, peer)
}

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

#[tokio::test]
async fn each_call_is_one_line_and_its_answer_is_what_the_peer_said() {
    let (client, _pushes, mut peer) = logged_in().await;
    assert_eq!(client.greeting().epoch.get(), 7);
    let room = RoomId::new(2).unwrap();
    let key = client.new_key();
    let script = async {
        peer.hears_and_says("BCM hello", "OK BCM 3 1970-01-01T00:00:02Z\n").await;
        peer.hears_and_says(&format!("!{} BCM hello", key.as_str()), "OK BCM 4 1970-01-01T00:00:03Z\n").await;
        peer.hears_and_says("ATU", "ROW luke 1970-01-01T00:00:01Z\nOK ATU 1\n").await;
        peer.hears_and_says("SRB luke a@b", "ERR SRB unknown-user a@b who is that\n").await;
        peer.hears_and_says("SRB luke", "OK SRB 2 obiwan luke\n").await;
        peer.hears_and_says("SRM 2 a\u{b}b", "OK SRM 2 1 1970-01-01T00:00:04Z\n").await;
        peer.hears_and_says("RDM b #2 1", "ROW b 3 1970-01-01T00:00:02Z obiwan hello\nOK RDM 1 next=C3\n")
            .await;
        peer.hears_and_says("RDM b C3 1", "OK RDM 0\n").await;
        peer.hears_and_says("PING", "OK PING\n").await;
        peer.hears_and_says("HELP", "ROW OUT: logs you out\nOK HELP 1\n").await;
        peer.hears_and_says("OUT", "OK OUT obiwan\n").await;
        peer
    };
    let calls = async {
        assert_eq!(client.broadcast(body("hello")).await.unwrap().number.get(), 3);
        assert_eq!(client.broadcast_once(key.clone(), body("hello")).await.unwrap().number.get(), 4);
        assert_eq!(client.active_users().await.unwrap()[0].user.as_str(), "luke");
        let names = ["luke", "a@b"].map(|name| NameWord::parse(name).unwrap());
        let refusal = client.create_room(&names).await.unwrap_err();
        assert!(
            matches!(&refusal, CallError::Refused(why) if why.code == Code::UnknownUser(names[1].clone()))
        );
        assert_eq!(refusal.to_string(), "who is that");
        assert_eq!(client.create_room(&names[..1]).await.unwrap().room, room);
        assert_eq!(
            client.post_room(room, body("a\nb")).await.unwrap().conversation,
            Conversation::Room(room)
        );
        let since = Since::Number(toom_core::MessageNumber::new(2));
        let page =
            client.read_since(Conversation::Broadcast, since, PageLimit::new(1).unwrap()).await.unwrap();
        assert!(matches!(&page.rows[..], [HistoryRow::Message(message)] if message.body.as_str() == "hello"));
        let last = client.read_on(page.next.unwrap()).await.unwrap();
        assert_eq!((last.rows.len(), last.next), (0, None));
        client.ping().await.unwrap();
        assert_eq!(*client.help().await.unwrap()[0], *"OUT: logs you out");
        assert_eq!(client.logout().await.unwrap().unwrap().as_str(), "obiwan");
    };
    let (peer, ()) = tokio::join!(script, calls);
    assert_eq!(peer.closed().await, "");
    let after = client.ping().await;
    assert!(matches!(after, Err(CallError::Ended(Ended::Closed))), "{after:?}");
}

#[tokio::test]
async fn options_are_told_in_hello() {
    let (listener, at) = listen().await;
    let peer = async {
        let mut peer = Peer::accept(&listener).await;
        peer.says(GREETING).await;
        peer.hears_and_says("HELLO client=me/2 udp=2000 live=off", "OK HELLO\n").await;
    };
    let client = toom_net::protocol::ClientWord::parse("me/2").unwrap();
    let udp = std::num::NonZeroU16::new(2000);
    let (connected, ()) =
        tokio::join!(Client::connect(at, Options { client, udp, live: Live::Off, ..options() }), peer);
    connected.unwrap();
}

#[tokio::test]
async fn a_server_that_refuses_hello_is_not_connected_to() {
    let (listener, at) = listen().await;
    let peer = async {
        let mut peer = Peer::accept(&listener).await;
        peer.says(GREETING).await;
        peer.hears_and_says(
            concat!("HELLO client=toom-net/", env!("CARGO_PKG_VERSION")),
            "ERR HELLO syntax no\n",
        )
        .await;
        peer.closed().await
    };
    let (refused, rest) = tokio::join!(Client::connect(at, options()), peer);
    assert!(matches!(refused, Err(ConnectError::Call(CallError::Refused(_)))), "{refused:?}");
    assert_eq!(rest, "");
}

#[tokio::test]
async fn calls_of_many_tasks_are_pipelined_and_each_gets_its_own_answer() {
    let (client, _pushes, mut peer) = logged_in().await;
    let posts: Vec<_> = (1..=200u64)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(
                async move { (n, client.broadcast(body(&n.to_string())).await.unwrap().number.get()) },
            )
        })
        .collect();
    // Nothing is answered until 100 have been heard: they do not wait for each other.
    let mut heard = Vec::new();
    for _ in 0..100 {
        heard.push(hear_number(&mut peer).await);
    }
    for _ in 0..100 {
        for n in heard.drain(..) {
            peer.says(&format!("OK BCM {n} 1970-01-01T00:00:02Z\n")).await;
        }
        heard.push(hear_number(&mut peer).await);
    }
    peer.says(&format!("OK BCM {} 1970-01-01T00:00:02Z\n", heard[0])).await;
    for post in posts {
        let (posted, answered) = post.await.unwrap();
        assert_eq!(posted, answered);
    }
}

async fn hear_number(peer: &mut Peer) -> u64 {
    let mut line = String::new();
    peer.0.read_line(&mut line).await.unwrap();
    line.trim_end().strip_prefix("BCM ").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_call_dropped_before_its_answer_does_not_shift_the_answers_of_others() {
    let (client, _pushes, mut peer) = logged_in().await;
    let (first, second) = (client.broadcast(body("first")), client.broadcast(body("second")));
    let mut first = Box::pin(first);
    tokio::select! {
        biased;
        _ = &mut first => panic!("nobody answered"),
        () = peer.hears("BCM first") => {}
    }
    drop(first);
    let script = async {
        peer.hears("BCM second").await;
        peer.says("OK BCM 1 1970-01-01T00:00:02Z\nOK BCM 2 1970-01-01T00:00:03Z\n").await;
    };
    assert_eq!(tokio::join!(second, script).0.unwrap().number.get(), 2);
}

#[tokio::test]
async fn pushes_come_in_order_then_bye_then_the_end_and_waiting_calls_learn_why() {
    let (client, mut pushes, mut peer) = logged_in().await;
    let script = async {
        peer.hears("PING").await;
        peer.says("MSG b 1 1970-01-01T00:00:01Z luke hi\nROOM 1 luke obiwan\nLAG 1 1 2\nNEWS of later\n")
            .await;
        peer.says("BYE shutdown see you\n").await;
        drop(peer);
    };
    let (call, ()) = tokio::join!(client.ping(), script);
    let error = call.unwrap_err();
    assert_eq!(error.to_string(), "the server closed the connection: shutdown: see you");
    assert!(matches!(pushes.next().await, Some(Pushed::Message(message)) if message.body.as_str() == "hi"));
    assert!(matches!(pushes.next().await, Some(Pushed::Room { members, .. }) if members.len() == 2));
    assert!(matches!(pushes.next().await, Some(Pushed::Lag { last, .. }) if last.get() == 2));
    assert!(matches!(pushes.next().await, Some(Pushed::Bye(bye)) if bye.code == ByeCode::Shutdown));
    assert_eq!(pushes.next().await, None);
    assert!(matches!(pushes.ended(), Some(Ended::Lost { bye: Some(_), .. })), "{:?}", pushes.ended());
}

#[tokio::test]
async fn a_call_is_answered_behind_more_pushes_than_the_queue_holds_and_the_missed_ones_are_named() {
    const PUSHED: u64 = 1000;
    let (client, mut pushes, mut peer) = logged_in().await;
    let text = "x".repeat(4000);
    let script = async {
        peer.hears("PING").await;
        for n in 1..=PUSHED {
            peer.says(&format!("MSG b {n} 1970-01-01T00:00:01Z luke {text}\n")).await;
        }
        peer.says("OK PING\n").await;
    };
    tokio::join!(client.ping(), script).0.unwrap();
    let mut next = 1;
    while let Some(event) = pushes.try_next() {
        match event {
            Pushed::Message(message) => assert_eq!(message.number.get(), next),
            Pushed::Lag { first, last, .. } => {
                assert_eq!((first.get(), last.get()), (next, PUSHED));
                next = last.get();
            }
            other => panic!("{other:?}"),
        }
        next += 1;
    }
    assert_eq!(next, PUSHED + 1);
}

#[tokio::test]
async fn without_a_taker_of_pushes_calls_go_on() {
    let (client, pushes, mut peer) = logged_in().await;
    drop(pushes);
    let script = peer.hears_and_says("PING", "MSG b 1 1970-01-01T00:00:01Z luke hi\nOK PING\n");
    tokio::join!(client.ping(), script).0.unwrap();
}

#[tokio::test]
async fn a_violation_ends_the_connection_and_every_call() {
    let (client, mut pushes, mut peer) = logged_in().await;
    let (first, second, ()) = tokio::join!(
        client.ping(),
        client.help(),
        peer.hears_and_says("PING", "OK BCM 1 1970-01-01T00:00:01Z\n")
    );
    for error in [first.unwrap_err(), second.unwrap_err(), client.ping().await.unwrap_err()] {
        assert!(
            matches!(error, CallError::Ended(Ended::Violation(Violation::OtherVerb { .. }))),
            "{error:?}"
        );
    }
    assert_eq!(pushes.next().await, None);
}

#[tokio::test]
async fn who_waits_for_a_push_is_woken_by_it() {
    let (_client, mut pushes, mut peer) = logged_in().await;
    let (event, ()) = tokio::join!(pushes.next(), peer.says("MSG b 1 1970-01-01T00:00:01Z luke hi\n"));
    assert!(matches!(event, Some(Pushed::Message(_))), "{event:?}");
}

/// A pipe to a peer. The time is paused, so that waiting for nothing to happen takes none.
async fn piped() -> (Client, Pushes, BufReader<DuplexStream>) {
    let (far, near) = tokio::io::duplex(64 * 1024);
    let mut far = BufReader::new(far);
    let (client, ()) = tokio::join!(Client::over(near, options()), greet(&mut far));
    let (client, pushes) = client.unwrap();
    (client, pushes, far)
}

async fn greet(far: &mut BufReader<DuplexStream>) {
    far.get_mut().write_all(GREETING.as_bytes()).await.unwrap();
    far.read_line(&mut String::new()).await.unwrap();
    far.get_mut().write_all(b"OK HELLO\n").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bounded_number_of_calls_is_under_way_and_dropping_the_last_client_closes_nevertheless() {
    let (client, mut pushes, mut far) = piped().await;
    let calls: Vec<_> = (0..300)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.ping().await })
        })
        .collect();
    let mut lines = 0;
    let mut line = String::new();
    while tokio::time::timeout(Duration::from_secs(1), far.read_line(&mut line)).await.is_ok() {
        lines += 1;
    }
    assert_eq!(lines, 128);
    far.get_mut().write_all(b"OK PING\n").await.unwrap();
    far.read_line(&mut line).await.unwrap();
    drop(client);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(pushes.next().await, None);
    assert!(matches!(pushes.ended(), Some(Ended::Closed)), "{:?}", pushes.ended());
    assert_eq!(far.read_line(&mut line).await.unwrap(), 0);
}

/// A stream whose writing can be broken while its reading goes on, as that of a socket whose peer has closed.
struct Breakable {
    stream: DuplexStream,
    broken: Arc<AtomicBool>,
}

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, to)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn where_writing_fails_the_servers_last_word_is_still_read() {
    for (last_word, expected) in [
        ("BYE idle too quiet\n", "the server closed the connection: idle: too quiet"),
        ("", "the connection was lost: broken pipe"),
    ] {
        let (far, stream) = tokio::io::duplex(64 * 1024);
        let broken = Arc::new(AtomicBool::new(false));
        let near = Breakable { stream, broken: Arc::clone(&broken) };
        let mut far = BufReader::new(far);
        let (client, ()) = tokio::join!(Client::over(near, options()), greet(&mut far));
        let (client, _pushes) = client.unwrap();
        broken.store(true, Ordering::SeqCst);
        let mut call = pin!(client.ping());
        let waited = tokio::time::timeout(Duration::from_secs(1), call.as_mut()).await;
        assert!(waited.is_err(), "the far end has not closed yet: {waited:?}");
        far.get_mut().write_all(last_word.as_bytes()).await.unwrap();
        drop(far);
        assert_eq!(call.await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_request_too_long_for_a_line_fails_alone() {
    let (client, _pushes, mut peer) = logged_in().await;
    let names = vec![NameWord::parse("luke").unwrap(); 5000];
    let error = client.create_room(&names).await.unwrap_err();
    assert!(matches!(error, CallError::TooLong(_)), "{error:?}");
    tokio::join!(client.ping(), peer.hears_and_says("PING", "OK PING\n")).0.unwrap();
}

#[tokio::test]
async fn connecting_fails_with_the_reason() {
    assert_eq!(
        refused_with("SSH-2.0-OpenSSH_9.2\r\n").await.to_string(),
        "the server does not greet as a TOOM server does"
    );
    assert_eq!(
        refused_with("BYE throttled too many connections\n").await.to_string(),
        "the server closed the connection: throttled: too many connections"
    );
    assert_eq!(refused_with("").await.to_string(), "the server closed the connection");
    let unasked = refused_with(&[GREETING, "OK HELLO\n"].concat()).await;
    assert_eq!(unasked.to_string(), "the server answers what nobody asked");
    let (listener, at) = listen().await;
    drop(listener);
    let nobody = Client::connect(at, options()).await.unwrap_err();
    assert!(matches!(nobody, ConnectError::Io(_)), "{nobody:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_greet_is_given_up_in_time_and_hung_up() {
    let (mut far, near) = tokio::io::duplex(1024);
    let error = Client::over(near, Options::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut), "{error:?}");
    assert_eq!(far.read(&mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_nothing_to_say_says_so_before_the_server_takes_it_for_dead() {
    let (far, near) = tokio::io::duplex(64 * 1024);
    let mut far = BufReader::new(far);
    let greeting = async {
        far.get_mut().write_all(b"TOOM 1 toomd/0.1.0 max-line=16384 epoch=7 idle=600\n").await.unwrap();
        let mut line = String::new();
        far.read_line(&mut line).await.unwrap();
        far.get_mut().write_all(b"OK HELLO\n").await.unwrap();
        far
    };
    let (client, mut far) = tokio::join!(Client::over(near, options()), greeting);
    let (client, _pushes) = client.unwrap();
    for _ in 0..10 {
        let (mut line, heard) = (String::new(), tokio::time::Instant::now());
        far.read_line(&mut line).await.unwrap();
        assert_eq!(line, "PING\n");
        let silent = heard.elapsed().as_secs();
        assert!((200..=400).contains(&silent), "{silent}");
        far.get_mut().write_all(b"OK PING\n").await.unwrap();
    }
    // Whoever talks needs no reminder.
    for _ in 0..10 {
        let mut line = String::new();
        let answer = async {
            far.read_line(&mut line).await.unwrap();
            far.get_mut().write_all(b"OK ATU 0\n").await.unwrap();
        };
        assert!(tokio::join!(client.active_users(), answer).0.is_ok());
        assert_eq!(line, "ATU\n");
        tokio::time::sleep(Duration::from_secs(150)).await;
    }
}
