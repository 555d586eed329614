//! Files that arrive.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use toom_files::{ReceiveError, Stage, Transfer};

use crate::world::{MIB, World, content};

#[tokio::test]
async fn a_file_of_any_length_arrives_whole_under_the_name_of_who_sent_it() {
    let world = World::new();
    for bytes in [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 7] {
        let content = content(bytes as u64, bytes);
        let source = world.source(&format!("notes {bytes}.txt"), &content).await;
        let (sending, receiving) = (Transfer::new(), Transfer::new());
        let addr = world.receiver.local_addr().unwrap();
        let (sent, received) = world.send_via(&source, addr, &sending, &receiving).await;
        sent.unwrap();
        let received = received.unwrap();
        assert_eq!(received.path, world.downloads().join(format!("yoda_notes {bytes}.txt")));
        assert_eq!(received.bytes_resumed, 0);
        assert!(fs::read(&received.path).unwrap() == content, "{bytes} bytes");
        assert_eq!(fs::metadata(&received.path).unwrap().permissions().mode() & 0o777, 0o600);
        for transfer in [sending, receiving] {
            assert_eq!(transfer.stage(), Stage::Done);
            assert_eq!((transfer.bytes_done(), transfer.bytes_total()), (bytes as u64, bytes as u64));
        }
    }
    assert_eq!(world.listing().len(), 6, "nothing else is left: {:?}", world.listing());
}

#[tokio::test]
async fn no_file_is_ever_overwritten() {
    let world = World::new();
    for (content, name) in
        [("first", "yoda_a.txt"), ("second", "yoda_a (2).txt"), ("third", "yoda_a (3).txt")]
    {
        let source = world.source("a.txt", content.as_bytes()).await;
        let (sent, received) = world.send(&source).await;
        sent.unwrap();
        assert_eq!(received.unwrap().path, world.downloads().join(name));
    }
    assert_eq!(fs::read_to_string(world.downloads().join("yoda_a.txt")).unwrap(), "first");
    assert_eq!(world.listing().len(), 3);
}

#[tokio::test]
async fn several_files_go_both_ways_at_once() {
    let world = World::new();
    let back = world.back();
    let mut sources = Vec::new();
    for number in 0..4 {
        let content = content(number, 5 * MIB / 4);
        sources.push((
            world.source(&format!("to{number}"), &content).await,
            back.source(&format!("fro{number}"), &content).await,
        ));
    }
    let [a, b, c, d] = &sources[..] else { unreachable!("four were made") };
    let ends = tokio::join!(
        world.send(&a.0),
        world.send(&b.0),
        world.send(&c.0),
        world.send(&d.0),
        back.send(&a.1),
        back.send(&b.1),
        back.send(&c.1),
        back.send(&d.1),
    );
    let ends = [ends.0, ends.1, ends.2, ends.3, ends.4, ends.5, ends.6, ends.7];
    for (place, (sent, received)) in ends.into_iter().enumerate() {
        sent.unwrap();
        assert!(fs::read(received.unwrap().path).unwrap() == content(place as u64 % 4, 5 * MIB / 4));
    }
}

#[tokio::test]
async fn what_is_too_large_or_has_no_room_is_known_before_anything_is_answered() {
    let world = World::new();
    let source = world.source("a", b"content").await;
    let mut offer = World::offer(&source);
    let room = world.inbox.check(&offer).unwrap();
    assert_eq!(room.bytes_proven, 0);
    offer.bytes = 1 << 40;
    let refused = world.inbox.check(&offer).unwrap_err();
    assert!(matches!(refused, ReceiveError::NoSpace { needed, .. } if needed == 1 << 40), "{refused}");
    offer.bytes += 1;
    let refused = world.inbox.check(&offer).unwrap_err().to_string();
    assert_eq!(refused, "the file is 1099511627777 bytes, the limit is 1099511627776");
    assert_eq!(world.listing(), Vec::<String>::new());
}
