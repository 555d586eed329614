//! The exchange with one honest side, over a pipe in memory: what the other one says is written out.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::receive::{ReceiveError, receive};
use super::send::{SendError, send};
use super::*;
use crate::inbox::{Inbox, Offer, Received};
use crate::marks::{ContentHash, Ticket};
use crate::outline::{Groups, Outline, Outliner};
use crate::pipe::Pipe;
use crate::pulse::Pulse;
use crate::source::Source;
use crate::testing::folder;
use crate::transfer::Transfer;

const MIB: usize = 1 << 20;
const STALL: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiver with an empty folder, and a file of two and a half groups that it was offered.
struct Receiver {
    folder: TempDir,
    content: Vec<u8>,
    outline: Outline,
    patience: Duration,
}

impl Receiver {
    fn new() -> Self {
        let content: Vec<u8> = (0..=250).cycle().take(5 * MIB / 2).collect();
        let mut outliner = Outliner::new(content.len() as u64);
        outliner.update(&content);
        Self { folder: folder(), content, outline: outliner.finish(), patience: PATIENCE }
    }

    fn offer(&self) -> Offer {
        Offer {
            from: "yoda".to_owned(),
            name: "file".to_owned(),
            bytes: self.content.len() as u64,
            hash: self.outline.hash(),
        }
    }

    /// What an honest sender says first, but for the ticket.
    fn head(&self) -> Vec<u8> {
        let mut head = (self.content.len() as u64).to_be_bytes().to_vec();
        head.extend(self.outline.hash().bytes());
        head.extend(self.outline.values().as_flattened());
        head
    }

    /// Receives `offer` from one who says that, and then nothing more, but listens. How it ended, and the last that it heard.
    async fn hears(&self, offer: Offer, said: &[u8]) -> (Result<Received, ReceiveError>, u8) {
        let (here, there) = duplex(64 << 10);
        let (mut listening, mut speaking) = tokio::io::split(there);
        let inbox = Inbox::new(self.folder.path(), u64::MAX);
        let transfer = Transfer::new();
        let speak = async {
            // It may hang up before it has heard all.
            let _ = speaking.write_all(said).await;
        };
        let listen = async {
            let mut heard = Vec::new();
            listening.read_to_end(&mut heard).await.unwrap();
            heard.last().copied().unwrap_or_default()
        };
        let received = receive(Pipe::tls(here), &inbox, &offer, &transfer, self.patience);
        let (received, (), heard) = tokio::join!(received, speak, listen);
        (received, heard)
    }

    fn listing(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

/// The content in pieces, without the end.
fn pieces(content: &[u8]) -> Vec<u8> {
    let piece = |piece: &[u8]| [&u32::try_from(piece.len()).unwrap().to_be_bytes(), piece].concat();
    content.chunks(PIECE_BYTES).flat_map(piece).collect()
}

#[tokio::test]
async fn a_sender_that_ends_early_or_late_is_told_so_and_nothing_is_left() {
    let luke = Receiver::new();
    let few = [luke.head(), pieces(&luke.content[..2 * MIB]), vec![0; 4]].concat();
    let (received, heard) = luke.hears(luke.offer(), &few).await;
    assert_eq!(received.unwrap_err().to_string(), "2621440 bytes were offered, and 2097152 came");
    assert_eq!((heard, luke.listing()), (Reason::WrongLength.code(), 0));

    let many = [luke.head(), pieces(&luke.content), pieces(b"one more")].concat();
    let (received, heard) = luke.hears(luke.offer(), &many).await;
    assert_eq!(received.unwrap_err().to_string(), "2621440 bytes were offered, and 2621448 came");
    assert_eq!((heard, luke.listing()), (Reason::WrongLength.code(), 0));
}

#[tokio::test]
async fn another_file_than_was_offered_is_refused_before_anything_is_written() {
    let luke = Receiver::new();
    let longer = Offer { bytes: luke.offer().bytes + 1, ..luke.offer() };
    let (received, heard) = luke.hears(longer, &luke.head()).await;
    assert!(matches!(received, Err(ReceiveError::OtherFile)), "{received:?}");
    assert_eq!((heard, luke.listing()), (Reason::OtherFile.code(), 0));

    let mut outline = luke.head();
    *outline.last_mut().unwrap() ^= 1;
    let (received, heard) = luke.hears(luke.offer(), &outline).await;
    assert!(matches!(received, Err(ReceiveError::WrongOutline)), "{received:?}");
    assert_eq!((heard, luke.listing()), (Reason::WrongContent.code(), 0));
}

#[tokio::test]
async fn a_group_that_does_not_match_is_noticed_at_its_end_and_nothing_is_left() {
    let luke = Receiver::new();
    let mut content = luke.content.clone();
    content[MIB + 5] ^= 1;
    // It is not the end of the file that tells.
    let said = [luke.head(), pieces(&content[..2 * MIB]), pieces(&content[2 * MIB..])].concat();
    let (received, heard) = luke.hears(luke.offer(), &said).await;
    assert!(
        matches!(received, Err(ReceiveError::WrongContent { offset, .. }) if offset == MIB as u64),
        "{received:?}"
    );
    assert_eq!((heard, luke.listing()), (Reason::WrongContent.code(), 0));
}

#[tokio::test]
async fn a_file_for_which_there_is_no_room_is_refused() {
    let luke = Receiver::new();
    let groups = Groups::of(1 << 50);
    let value = [0; 32];
    let mut hash = value;
    let mut groups_below = 1;
    // All groups are alike, so each level of the tree has one value.
    while groups_below < groups.count() {
        let mode = blake3::hazmat::Mode::Hash;
        hash = if groups_below * 2 == groups.count() {
            *blake3::hazmat::merge_subtrees_root(&hash, &hash, mode).as_bytes()
        } else {
            blake3::hazmat::merge_subtrees_non_root(&hash, &hash, mode)
        };
        groups_below *= 2;
    }
    let offer = Offer { bytes: 1 << 50, hash: ContentHash::new(hash), ..luke.offer() };
    let values = value.repeat(groups.values());
    let said = [&offer.bytes.to_be_bytes()[..], &hash, &values].concat();
    let (received, heard) = luke.hears(offer, &said).await;
    assert!(
        matches!(received, Err(ReceiveError::NoSpace { needed, .. }) if needed == 1 << 50),
        "{received:?}"
    );
    assert_eq!((heard, luke.listing()), (Reason::NoSpace.code(), 0));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let luke = Receiver::new();
    let said = [luke.head(), (u32::try_from(PIECE_BYTES).unwrap() + 1).to_be_bytes().to_vec()].concat();
    let (received, heard) = luke.hears(luke.offer(), &said).await;
    assert!(matches!(received, Err(ReceiveError::Nonsense)), "{received:?}");
    assert_eq!((heard, luke.listing()), (Reason::Nonsense.code(), 0));
}

#[tokio::test]
async fn a_sender_that_stalls_is_given_up_and_what_was_proven_is_kept() {
    let luke = Receiver { patience: STALL, ..Receiver::new() };
    let said = [luke.head(), pieces(&luke.content[..MIB + 9])].concat();
    let (received, heard) = luke.hears(luke.offer(), &said).await;
    assert!(matches!(received, Err(ReceiveError::Stalled(_))), "{received:?}");
    assert_eq!(heard, Reason::Stalled.code());
    let room = Inbox::new(luke.folder.path(), u64::MAX).check(&luke.offer()).unwrap();
    assert_eq!(room.bytes_proven, MIB as u64);

    // What is there is not asked for again, and not read again: the rest makes it whole.
    let said = [luke.head(), pieces(&luke.content[MIB..]), vec![0; 4]].concat();
    let (received, heard) = luke.hears(luke.offer(), &said).await;
    let received = received.unwrap();
    assert_eq!((received.bytes_resumed, heard, luke.listing()), (MIB as u64, DONE, 1));
    assert!(fs::read(received.path).unwrap() == luke.content);
}

#[tokio::test]
async fn the_same_file_is_not_received_twice_at_once() {
    let luke = Receiver::new();
    let said = [luke.head(), pieces(&luke.content[..MIB])].concat();
    let (here, mut there) = duplex(8 * MIB);
    let inbox = Inbox::new(luke.folder.path(), u64::MAX);
    let (offer, transfer) = (luke.offer(), Transfer::new());
    let first = async {
        there.write_all(&said).await.unwrap();
        let mut go = [0; 9];
        there.read_exact(&mut go).await.unwrap();
        luke.hears(luke.offer(), &luke.head()).await
    };
    let (received, heard) = tokio::select! {
        received = receive(Pipe::tls(here), &inbox, &offer, &transfer, PATIENCE) => panic!("it ended: {received:?}"),
        second = first => second,
    };
    assert!(matches!(received, Err(ReceiveError::Busy)), "{received:?}");
    assert_eq!(heard, Reason::Busy.code());
}

/// A sender with a file of some mebibytes.
async fn source(folder: &TempDir, mebibytes: usize) -> Source {
    let path = folder.path().join("mine");
    fs::write(&path, vec![9; mebibytes * MIB]).unwrap();
    Source::open(path, &Transfer::new()).await.unwrap()
}

/// Reads away what the sender announces.
async fn announced(there: &mut DuplexStream, source: &Source) {
    let mut head = vec![0; TICKET_BYTES + HEAD_BYTES + source.outline().values().as_flattened().len()];
    there.read_exact(&mut head).await.unwrap();
}

/// Sends `source` to one who answers that, and then reads nothing.
async fn answered(source: &Source, answer: &[u8]) -> Result<(), SendError> {
    let (here, mut there) = duplex(64 << 10);
    let transfer = Transfer::new();
    let answer = async {
        announced(&mut there, source).await;
        there.write_all(answer).await.unwrap();
        there
    };
    tokio::join!(send(Pipe::tls(here), Ticket::fresh(), source, &transfer, STALL), answer).0
}

#[tokio::test]
async fn a_sender_says_why_the_receiver_ended_it() {
    let mine = folder();
    let source = source(&mine, 3).await;
    for reason in [Reason::NoSpace, Reason::CannotStore, Reason::Busy, Reason::WrongContent] {
        let go = [GO, 0, 0, 0, 0, 0, 0, 0, 0, WORKING, reason.code()];
        for answer in [&go[..], &go[10..]] {
            let sent = answered(&source, answer).await;
            assert!(matches!(sent, Err(SendError::Refused(heard)) if heard == reason), "{sent:?}");
        }
    }
    let beyond = [GO, 0, 0, 0, 0, 0, 0, 0, 4];
    let sent = answered(&source, &beyond).await;
    assert!(matches!(sent, Err(SendError::Refused(Reason::Nonsense))), "{sent:?}");
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_any_more_is_given_up() {
    let mine = folder();
    let source = source(&mine, 3).await;
    let sent = answered(&source, &[GO, 0, 0, 0, 0, 0, 0, 0, 0]).await;
    assert!(matches!(sent, Err(SendError::Stalled(_))), "{sent:?}");
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_is_named_on_both_sides() {
    for change in [
        |file: &fs::File| file.set_len(MIB as u64).unwrap(),
        |mut file: &fs::File| file.write_all(b"X").unwrap(),
    ] {
        let (mine, theirs) = (folder(), folder());
        let source = source(&mine, 3).await;
        change(&fs::OpenOptions::new().write(true).open(mine.path().join("mine")).unwrap());
        let offer =
            Offer { from: String::new(), name: "x".to_owned(), bytes: source.bytes(), hash: source.hash() };
        let inbox = Inbox::new(theirs.path(), u64::MAX);
        let (here, there) = duplex(64 << 10);
        let transfer = Transfer::new();
        let receiving = async {
            let mut pipe = Pipe::tls(there);
            pipe.reader.read_all(&mut [0; TICKET_BYTES], &Pulse::new()).await.unwrap();
            receive(pipe, &inbox, &offer, &Transfer::new(), PATIENCE).await
        };
        let sending = send(Pipe::tls(here), Ticket::fresh(), &source, &transfer, PATIENCE);
        let (sent, received) = tokio::join!(sending, receiving);
        assert!(matches!(sent, Err(SendError::SourceChanged)), "{sent:?}");
        let named = matches!(
            received,
            Err(ReceiveError::Refused(Reason::SourceChanged) | ReceiveError::WrongContent { offset: 0, .. })
        );
        assert!(named, "{received:?}");
        assert_eq!(fs::read_dir(theirs.path()).unwrap().count(), 0);
    }
}

#[test]
fn every_reason_has_a_code_of_its_own_that_is_no_other_word() {
    for (place, (reason, code)) in CODES.into_iter().enumerate() {
        assert!(![GO, WORKING, DONE, 0].contains(&code));
        assert_eq!(Reason::from_code(code), reason);
        assert!(CODES[..place].iter().all(|&(_, other)| other != code));
    }
}
