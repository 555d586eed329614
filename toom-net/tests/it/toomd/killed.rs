//! Servers that are killed, or told to end, while many write.

use std::sync::mpsc::{Sender, channel};

use super::ledger::{Ledger, Unknown, texts_of, try_ask};
use super::*;

const WRITERS: usize = 16;
const WORDS: [&str; 2] = ["--limit", "posts-per-second=0"];
const ACCOUNTS: &str = "luke pw\nleia pw\n";

/// How often a server is killed.
fn kills() -> usize {
    if std::env::var_os("TOOM_LONG").is_some() { 1000 } else { 20 }
}

/// What one request came to.
type Came = (String, Option<String>);

/// Where a writer posts, and the request that does it.
fn place(writer: usize) -> (&'static str, &'static str) {
    if writer.is_multiple_of(2) { ("b", "BCM") } else { ("1", "SRM 1") }
}

/// Posts without a pause until the connection ends, and tells of every acknowledgement.
fn post_on(mut peer: Peer, run: usize, writer: usize, acknowledged: &Sender<()>) -> Vec<Came> {
    let mut came = Vec::new();
    let (_, verb) = place(writer);
    for number in 0.. {
        let text = format!("{run}-{writer}-{number} {}", "x".repeat(1 + number * 37 % 500));
        let answer = try_ask(&mut peer, &format!("{verb} {text}"));
        let goes_on = answer.as_ref().is_some_and(|answer| answer.starts_with("OK "));
        came.push((text, answer));
        if !goes_on {
            break;
        }
        let _ = acknowledged.send(());
    }
    came
}

/// Lets all writers post, and sends the signal after so many acknowledgements: what came of it, by conversation.
fn written(server: &Toomd, run: usize, acknowledgements: usize, signal: &str) -> Vec<(&'static str, Came)> {
    let (sender, acknowledged) = channel();
    // All of them are there before the first posts.
    let peers: Vec<_> = (0..WRITERS).map(|_| server.log_in("luke")).collect();
    std::thread::scope(|scope| {
        let writers: Vec<_> = peers
            .into_iter()
            .enumerate()
            .map(|(writer, peer)| {
                let sender = sender.clone();
                (place(writer).0, scope.spawn(move || post_on(peer, run, writer, &sender)))
            })
            .collect();
        drop(sender);
        assert_eq!(acknowledged.iter().take(acknowledgements).count(), acknowledgements);
        server.signal(signal);
        let came = writers.into_iter().map(|(conversation, writer)| (conversation, writer.join().unwrap()));
        came.flat_map(|(conversation, came)| came.into_iter().map(move |came| (conversation, came))).collect()
    })
}

/// The two conversations that are written to.
#[derive(Default)]
struct Ledgers {
    broadcasts: Ledger,
    room: Ledger,
}

impl Ledgers {
    fn note(&mut self, came: Vec<(&str, Came)>) {
        for (conversation, (text, answer)) in came {
            self.of(conversation).note(text, answer.as_deref());
        }
    }

    fn of(&mut self, conversation: &str) -> &mut Ledger {
        if conversation == "b" { &mut self.broadcasts } else { &mut self.room }
    }

    /// Compares what a server holds now, and how many messages each conversation then has.
    fn settle(&mut self, server: &Toomd, held: &mut [u64; 2]) {
        let mut luke = server.log_in("luke");
        for (conversation, after) in ["b", "1"].into_iter().zip(held) {
            let texts = texts_of(&mut luke, conversation, *after);
            let count = texts.len() as u64;
            self.of(conversation).settle(*after, texts);
            *after += count;
        }
    }
}

/// A server whose lines nobody reads.
fn start(folder: TempDir) -> Toomd {
    let mut toomd = command(&folder, &[&["0"], &WORDS[..]].concat());
    Toomd::started(toomd.stdout(Stdio::null()).spawn().unwrap(), folder)
}

fn with_a_room() -> Toomd {
    let server = start(folder(ACCOUNTS));
    let (_leia, mut luke) = (server.log_in("leia"), server.log_in("luke"));
    assert!(luke.ask("SRB leia").starts_with("OK SRB 1 "));
    server
}

#[test]
fn a_server_killed_while_sixteen_write_loses_nothing_that_it_acknowledged() {
    let (mut server, mut ledgers, mut held) = (with_a_room(), Ledgers::default(), [0; 2]);
    let mut slowest = Duration::ZERO;
    for run in 0..kills() {
        ledgers.note(written(&server, run, WRITERS + run * 7919 % 300, "KILL"));
        let folder = server.stop("KILL");
        let begun = Instant::now();
        server = start(folder);
        slowest = slowest.max(begun.elapsed());
        ledgers.settle(&server, &mut held);
    }
    // A second, on a machine with nothing else to do; this is so that a busy one is not taken for a slow server.
    assert!(slowest < Duration::from_secs(30), "{slowest:?} until it listened again");
    // What one kill left is there after all the others.
    let mut luke = server.log_in("luke");
    ledgers.broadcasts.compare(0, &texts_of(&mut luke, "b", 0), Unknown::IsNotShown);
    ledgers.room.compare(0, &texts_of(&mut luke, "1", 0), Unknown::IsNotShown);
    drop(luke);
    let folder = server.stop("KILL");
    assert!(command(&folder, &["verify"]).output().unwrap().status.success());
    let messages = ledgers.broadcasts.acknowledged() + ledgers.room.acknowledged();
    assert!(messages >= kills() * WRITERS, "{messages}");
}

#[test]
fn a_server_told_to_end_while_sixteen_write_tells_all_of_them_and_loses_nothing() {
    let mut server = with_a_room();
    let mut ledgers = Ledgers::default();
    let mut idle = server.log_in("leia");
    let came = written(&server, 0, 500, "TERM");
    let told = Instant::now();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    let byes = came.iter().filter(|(_, (_, answer))| {
        answer.as_ref().is_some_and(|answer| answer == "BYE shutdown the server shuts down")
    });
    assert_eq!(byes.count(), WRITERS, "every writer is told");
    let heard = std::iter::repeat_with(|| idle.line())
        .find(|line| !line.starts_with("MSG ") && !line.starts_with("LAG "));
    assert!(heard.is_some_and(|line| line.starts_with("BYE shutdown ")));
    ledgers.note(came);
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    ledgers.settle(&start(folder), &mut [0; 2]);
    assert!(ledgers.broadcasts.acknowledged() + ledgers.room.acknowledged() >= 500);
}
