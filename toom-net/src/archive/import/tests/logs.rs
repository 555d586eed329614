use proptest::prelude::*;

use super::*;
use crate::archive::world::{AT, messages, room, text_of, worlds};

const SECOND: i64 = 1_000_000;

/// The members of every room and every message, by hand, of logs in UTC.
fn imported(files: &[(&str, &str)]) -> (Vec<Vec<String>>, Vec<Message>) {
    let (mut store, _) = import(&Folder::new(files).path(""), &options()).unwrap();
    (members_of(&mut store), messages(&mut store))
}

fn members_of(store: &mut MemoryStorage) -> Vec<Vec<String>> {
    let rooms = store.recover().unwrap().rooms;
    rooms.iter().map(|room| room.members.iter().map(|member| member.as_str().to_owned()).collect()).collect()
}

fn notices(files: &[(&str, &str)]) -> Vec<String> {
    Import::check(&Folder::new(files).path(""), &options(), &mut |_| ()).unwrap().notices().to_vec()
}

/// Microseconds behind 04 Aug 2022 09:02:29 UTC.
fn micros(message: &Message) -> i64 {
    message.at.unix_micros() - AT / SECOND * SECOND
}

#[test]
fn the_logs_of_the_old_server_are_imported() {
    let (members, messages) = imported(&[
        ("userlog.txt", "1; 04 Aug 2022 09:02:21; obiwan; 127.0.0.1; 2000\n"),
        ("credentials.txt", "obiwan pw\n"),
        (
            "messagelog.txt",
            "1; 03 Aug 2022 21:01:15; obiwan; hello\r\n2; 04 Aug 2022 08:59:21; hans; hello; you\n\n3; 4 aug 2022 09:02:29; obiwan;  hi ",
        ),
        (
            "SR_1_messageLog.txt",
            "1; 04 Aug 2022 09:03:07; obiwan; have\\na nice day\n2; 04 Aug 2022 09:03:08; luke; C:\\dir\n",
        ),
    ]);
    assert_eq!(members, [["obiwan", "luke"]]);
    let said: Vec<_> = messages
        .iter()
        .map(|message| (message.conversation, message.author.as_str(), message.body.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Conversation::Broadcast, "obiwan", "hello"),
            (Conversation::Broadcast, "hans", "hello; you"),
            (Conversation::Broadcast, "obiwan", " hi "),
            (room(1), "obiwan", "have\na nice day"),
            (room(1), "luke", "C:\\dir"),
        ]
    );
    assert_eq!(micros(&messages[2]), 0);
}

#[test]
fn messages_of_one_second_are_spread_and_those_of_all_files_are_in_order_of_time() {
    let line = |number: u64, second: u64| format!("{number}; 04 Aug 2022 09:02:{second}; luke; text\n");
    let broadcast = [line(1, 29), line(2, 29), line(3, 31)].concat();
    let there = [line(1, 29), line(2, 30), line(3, 31)].concat();
    let (_, messages) = imported(&[("messagelog.txt", &broadcast), ("SR_1_messagelog.txt", &there)]);
    // The first microsecond of second 29 is that of the room.
    let places: Vec<_> = messages.iter().map(micros).collect();
    assert_eq!(places, [1, 2, 2 * SECOND, 3, SECOND, 2 * SECOND + 1]);
}

#[test]
fn rooms_are_built_in_order_of_number_before_what_was_said_in_them() {
    let line = |second: u64| format!("1; 04 Aug 2022 09:02:{second}; luke; text\n");
    let folder = Folder::new(&[
        ("SR_1_messagelog.txt", &line(40)),
        ("SR_2_messagelog.txt", &line(30)),
        ("SR_3_messagelog.txt", ""),
        ("messagelog.txt", &line(29)),
    ]);
    let members = [(RoomId::new(3).unwrap(), vec![name("yoda"), name("leia")])].into();
    let (mut store, _) = import(&folder.path(""), &ImportOptions { members, ..options() }).unwrap();
    let places: Vec<_> =
        store.recover().unwrap().rooms.iter().map(|room| room.at.unix_micros() % (60 * SECOND)).collect();
    assert_eq!(places, [30 * SECOND, 30 * SECOND + 1, 40 * SECOND + 1]);
}

#[test]
fn times_are_read_in_the_zone_that_is_named() {
    let folder = Folder::new(&[("messagelog.txt", "1; 04 Aug 2022 11:02:29; luke; hello\n")]);
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    let (mut store, _) = import(&folder.path(""), &ImportOptions { zone, ..options() }).unwrap();
    assert_eq!(micros(&messages(&mut store)[0]), 0);
}

#[test]
fn a_clock_that_went_back_keeps_no_message_out_and_is_counted() {
    let folder = Folder::new(&[(
        "messagelog.txt",
        "1; 04 Aug 2022 09:02:29; luke; a\n2; 04 Aug 2022 09:02:20; luke; b\n3; 04 Aug 2022 09:02:30; luke; c\n",
    )]);
    let (mut store, imported) = import(&folder.path(""), &options()).unwrap();
    assert_eq!(messages(&mut store).iter().map(micros).collect::<Vec<_>>(), [0, 1, SECOND]);
    assert_eq!(imported.moved, 1);
}

#[test]
fn every_malformed_line_is_told_with_its_file_and_number_and_nothing_is_imported() {
    let folder = Folder::new(&[
        (
            "messagelog.txt",
            "1; 04 Aug 2022 09:02:29; luke; a\nwhat?\n3; yesterday; luke; c\n4; 04 Aug 2022 09:02:29; luke; d\n",
        ),
        (
            "SR_1_messagelog.txt",
            "2; 04 Aug 2022 09:02:29; luke; a\n3; 04 Aug 2022 09:02:29; luke; b\n3; 04 Aug 2022 09:02:29; luke; c\n",
        ),
    ]);
    let (lines, more) = faults(&folder.path(""));
    assert_eq!(
        lines,
        [
            "messagelog.txt 2: a line is expected such as `3; 04 Aug 2022 09:02:29; obiwan; hello`",
            "messagelog.txt 3: `yesterday` is no time such as 04 Aug 2022 09:02:29",
            "SR_1_messagelog.txt 1: message 2 stands here, and 1 is due",
            "SR_1_messagelog.txt 3: message 3 stands here, and 4 is due",
        ]
    );
    assert_eq!(more, 0);
}

#[test]
fn of_many_malformed_lines_twenty_are_told() {
    let folder = Folder::new(&[("messagelog.txt", &"what?\n".repeat(25))]);
    let refused = import(&folder.path(""), &options()).unwrap_err();
    let told = refused.to_string();
    assert_eq!(told.lines().count(), 22);
    assert!(told.ends_with("\nand 5 more\nnothing was imported"), "{told}");
    assert!(told.contains("messagelog.txt, line 20: a line is expected"), "{told}");
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_line() {
    let folder = Folder::new(&[]);
    std::fs::write(folder.path("messagelog.txt"), b"1; 04 Aug 2022 09:02:29; luke; \xff\n").unwrap();
    assert_eq!(faults(&folder.path("")).0, ["messagelog.txt 1: the line is not UTF-8"]);
}

#[test]
fn rooms_have_no_gap_and_a_member() {
    let line = "1; 04 Aug 2022 09:02:29; luke; text\n";
    let gap = Folder::new(&[("SR_1_messagelog.txt", line), ("SR_4000000000_messagelog.txt", line)]);
    let refused = import(&gap.path(""), &options());
    assert!(matches!(refused, Err(ImportError::NoRoom { room }) if room.number() == 2));
    let silent = Folder::new(&[("SR_1_messagelog.txt", "")]);
    let refused = import(&silent.path(""), &options());
    assert!(matches!(refused, Err(ImportError::NoMembers { room }) if room == RoomId::FIRST));
    let members = [(RoomId::new(2).unwrap(), vec![name("luke"), name("leia")])].into();
    let named = Folder::new(&[("SR_1_messagelog.txt", line)]);
    let (mut store, _) = import(&named.path(""), &ImportOptions { members, ..options() }).unwrap();
    assert_eq!(members_of(&mut store), [&["luke"][..], &["luke", "leia"]]);
}

#[test]
fn members_are_those_who_are_named_and_those_who_spoke_none_twice() {
    let folder = Folder::new(&[(
        "SR_1_messagelog.txt",
        "1; 04 Aug 2022 09:02:29; luke; a\n2; 04 Aug 2022 09:02:29; YODA; b\n3; 04 Aug 2022 09:02:29; Luke; c\n",
    )]);
    let members = [(RoomId::FIRST, vec![name("obiwan"), name("yoda")])].into();
    let (mut store, _) = import(&folder.path(""), &ImportOptions { members, ..options() }).unwrap();
    assert_eq!(members_of(&mut store), [["obiwan", "yoda", "luke"]]);
}

#[test]
fn what_the_logs_cannot_say_of_members_is_told() {
    let line = "1; 04 Aug 2022 09:02:29; luke; text\n";
    let two = format!("{line}2; 04 Aug 2022 09:02:29; leia; text\n");
    assert_eq!(notices(&[("SR_1_messagelog.txt", &two)]), Vec::<String>::new());
    let told = notices(&[
        ("SR_1_messagelog.txt", line),
        ("SR_2_messagelog.txt", &two),
        ("SR_3_messagelog.txt", &two),
    ]);
    assert!(told[0].starts_with("nobody but luke spoke in room 1"), "{told:?}");
    assert!(told[1].starts_with("the rooms 2 and 3 have the same members"), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn two_files_of_one_conversation_are_refused() {
    let folder = Folder::new(&[("messagelog.txt", ""), ("Messagelog.txt", "")]);
    // Where the case of names does not count, there is but one.
    if folder.files().len() == 2 {
        assert!(matches!(import(&folder.path(""), &options()), Err(ImportError::Twice { .. })));
    }
}

#[test]
fn a_log_that_changes_meanwhile_is_noticed() {
    let line = "1; 04 Aug 2022 09:02:29; luke; text\n";
    for after in ["", "what?\n", &line.replace("1;", "2;"), &format!("{line}{}", line.replace("1;", "2;"))] {
        let folder = Folder::new(&[("messagelog.txt", line)]);
        let checked = Import::check(&folder.path(""), &options(), &mut |_| ()).unwrap();
        std::fs::write(folder.path("messagelog.txt"), after).unwrap();
        let refused = checked.run(&mut MemoryStorage::new(Epoch::new(2)), &mut |_| ());
        assert!(matches!(refused, Err(ImportError::Changed { .. })), "{after:?}: {refused:?}");
    }
}

proptest! {
    #[test]
    fn every_history_comes_through_text_logs_unchanged_but_for_parts_of_seconds(world in worlds()) {
        let mut world = world;
        let text = world.text();
        let members = world.rooms.iter().map(|room| (room.room, room.members.to_vec())).collect();
        let (mut store, done) = import(&text.path(""), &ImportOptions { members, ..options() }).unwrap();
        prop_assert_eq!(done.moved, 0);
        prop_assert_eq!(text_of(&mut store).files(), text.files());
        let whole_seconds = |store: &mut MemoryStorage| {
            let mut messages = messages(store);
            for message in &mut messages {
                let second = message.at.unix_micros().div_euclid(SECOND) * SECOND;
                message.at = Timestamp::from_unix_micros(second).unwrap();
            }
            messages
        };
        prop_assert_eq!(whole_seconds(&mut store), whole_seconds(&mut world.store));
        let rooms = store.recover().unwrap().rooms;
        prop_assert_eq!(rooms.len(), world.rooms.len());
        for (room, original) in rooms.iter().zip(&world.rooms) {
            prop_assert_eq!(&room.members, &original.members);
        }
    }
}
