//! Our two ends, each a program of its own: they are this one, told to be that. The first plays the server that introduces them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use toom_files::{Endpoint, Identity, Inbox, Offer, Source, Ticket, Transfer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Send,
    Receive,
}

/// One transfer.
#[derive(Debug)]
pub(crate) struct Ours {
    hashing: Duration,
    pub(crate) sending: Duration,
    pub(crate) sender_kib: u64,
    pub(crate) receiver_kib: u64,
}

impl Ours {
    pub(crate) fn with_hashing(&self) -> Duration {
        self.hashing + self.sending
    }
}

/// Has the file sent from one new program to another.
pub(crate) fn transfer(file: &Path, folder: &Path) -> Ours {
    let (mut sender, mut receiver) = (Half::start(Role::Send, file), Half::start(Role::Receive, folder));
    let offer = sender.hear();
    let [hashing, offer @ ..] = &words(&offer)[..] else { panic!("{offer}") };
    receiver.say(&offer.join(" "));
    let accepted = receiver.hear();
    sender.say(&accepted);
    let (sent, arrived) = (sender.hear(), receiver.hear());
    let [sending, sender_kib] = words(&sent)[..] else { panic!("{sent}") };
    let [path, receiver_kib] = words(&arrived)[..] else { panic!("{arrived}") };
    assert!(fs::metadata(path).unwrap().len() == fs::metadata(file).unwrap().len());
    fs::remove_file(path).unwrap();
    sender.end();
    receiver.end();
    let micros = |text: &str| Duration::from_micros(text.parse().unwrap());
    Ours {
        hashing: micros(hashing),
        sending: micros(sending),
        sender_kib: sender_kib.parse().unwrap(),
        receiver_kib: receiver_kib.parse().unwrap(),
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

struct Half {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Half {
    fn start(role: Role, path: &Path) -> Self {
        let role = role.to_possible_value().unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--role", role.get_name(), "--path"])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, to, from }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.to, "{line}").unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line
    }

    fn end(mut self) {
        assert!(self.process.wait().unwrap().success());
    }
}

/// Be one of them.
pub(crate) fn run(role: Role, path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let endpoint = Endpoint::bind(([127, 0, 0, 1], 0).into(), &Identity::fresh().unwrap()).unwrap();
        match role {
            Role::Send => send(&endpoint, path).await,
            Role::Receive => receive(&endpoint, path).await,
        }
        endpoint.close().await;
    });
}

async fn send(endpoint: &Endpoint, path: &Path) {
    let begun = Instant::now();
    let source = Source::open(path, &Transfer::new()).await.unwrap();
    let hashing = begun.elapsed().as_micros();
    println!("{hashing} {} {} {}", endpoint.fingerprint(), source.hash(), source.bytes());
    let accepted = line();
    let [addr, fingerprint, ticket] = words(&accepted)[..] else { panic!("{accepted}") };
    let (addr, receiver, ticket) =
        (addr.parse().unwrap(), fingerprint.parse().unwrap(), ticket.parse().unwrap());
    let begun = Instant::now();
    endpoint.send(addr, receiver, ticket, &source, &Transfer::new()).await.unwrap();
    println!("{} {}", begun.elapsed().as_micros(), peak_kib());
}

async fn receive(endpoint: &Endpoint, folder: &Path) {
    let offered = line();
    let [sender, hash, bytes] = words(&offered)[..] else { panic!("{offered}") };
    let offer = Offer {
        from: "bench".to_owned(),
        name: "file".to_owned(),
        bytes: bytes.parse().unwrap(),
        hash: hash.parse().unwrap(),
    };
    let ticket = Ticket::fresh();
    let mut expected = endpoint.expect(ticket, sender.parse().unwrap());
    println!("{} {} {ticket}", endpoint.local_addr().unwrap(), endpoint.fingerprint());
    let connection = expected.connection().await;
    let received = Inbox::new(folder, u64::MAX).receive(&offer, connection, &Transfer::new()).await.unwrap();
    println!("{} {}", received.path.display(), peak_kib());
}

fn line() -> String {
    let mut line = String::new();
    stdin().read_line(&mut line).unwrap();
    line
}

/// The most memory that this program ever held.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse().unwrap()
}
