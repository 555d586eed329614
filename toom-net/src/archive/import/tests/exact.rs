use proptest::prelude::*;

use super::*;
use crate::archive::world::{digests, json_of, messages, room, worlds};

const HEADER: &str = r#"{"type":"toom","format":1,"rooms":1,"messages":2}"#;
const ROOM: &str = r#"{"type":"room","room":1,"at":"2022-08-04T09:02:40Z","members":["obiwan","luke"]}"#;
const SAID: &str =
    r#"{"type":"message","number":1,"at":"2022-08-04T09:02:29.000001Z","user":"obiwan","text":"hello"}"#;
const SAID_THERE: &str =
    r#"{"type":"message","room":1,"number":1,"at":"2022-08-04T09:03:07Z","user":"luke","text":"psst"}"#;

fn file(lines: &[&str]) -> Folder {
    Folder::new(&[("x.json", &lines.join("\n"))])
}

fn faults_of(lines: &[&str]) -> Vec<String> {
    faults(&file(lines).path("x.json")).0
}

#[test]
fn an_export_is_imported_as_it_was() {
    let mut world = World::new();
    world.post(Conversation::Broadcast, "Obiwan", "hel\nlo \u{202e}\\n");
    world.build(&["Obiwan", "luke", "leia"]);
    world.post(room(1), "luke", "psst");
    let from = Folder::new(&[("x.json", &world.json())]);
    let (mut store, imported) = import(&from.path("x.json"), &options()).unwrap();
    assert_eq!(imported, Imported { counts: Counts { rooms: 1, messages: 2 }, moved: 0 });
    assert_eq!(messages(&mut store), messages(&mut world.store));
    assert_eq!(json_of(&mut store), world.json());
    assert_eq!(digests(store), digests(world.store));
}

#[test]
fn the_lines_of_the_description_are_imported() {
    let from = file(&[HEADER, SAID, ROOM, SAID_THERE]);
    assert_eq!(import(&from.path("x.json"), &options()).unwrap().1.counts, Counts { rooms: 1, messages: 2 });
}

#[test]
fn what_does_not_begin_like_an_export_is_refused_at_its_first_line() {
    for lines in [&[][..], &[SAID], &["no JSON"], &["{}"], &[r#"{"type":"toom"}"#], &["[1]"]] {
        let faults = faults_of(lines);
        assert!(
            matches!(&faults[..], [fault] if fault.starts_with("x.json 1: a file of `toomd export")),
            "{faults:?}"
        );
    }
    let faults = faults_of(&[r#"{"type":"toom","format":2,"rooms":0,"messages":0}"#]);
    assert_eq!(faults, ["x.json 1: this toomd reads format 1, and the file has format 2"]);
}

#[test]
fn an_export_that_was_cut_is_refused() {
    let all = [HEADER, SAID, ROOM, SAID_THERE];
    for end in 1..all.len() {
        let refused = import(&file(&all[..end]).path("x.json"), &options());
        assert!(matches!(refused, Err(ImportError::NotWhole { .. })), "{end}");
    }
    let cut = &SAID_THERE[..SAID_THERE.len() - 1];
    assert!(faults_of(&[HEADER, SAID, ROOM, cut])[0].starts_with("x.json 4: no line of an export: "));
}

#[test]
fn a_line_that_breaks_a_law_is_told_with_its_number() {
    let with = |line: &str, from: &str, to: &str| {
        assert!(line.contains(from));
        line.replace(from, to)
    };
    let cases = [
        (with(SAID_THERE, "09:03:07", "09:02:40"), "its time is not later than that of the line before"),
        (with(SAID_THERE, "09:03:07", "09:03:67"), "a time is written as"),
        (with(SAID_THERE, r#""number":1"#, r#""number":0"#), "rooms and messages are numbered from 1"),
        (with(SAID_THERE, r#""number":1"#, r#""number":2"#), "the conversation begins with message 2"),
        (with(SAID_THERE, r#""room":1,"#, ""), "message 1 stands here, and 2 is due"),
        (with(SAID_THERE, r#""room":1"#, r#""room":2"#), "there is no room 2 before this line"),
        (with(SAID_THERE, r#""room":1"#, r#""room":0"#), "rooms and messages are numbered from 1"),
        (with(SAID_THERE, "luke", "leia"), "leia is no member of room 1"),
        (with(SAID_THERE, "luke", "two words"), "a user name is one word"),
        (with(SAID_THERE, "psst", " "), "the message is empty"),
        (with(SAID_THERE, "psst", "\\u0007"), "the message holds the control character U+0007"),
        (with(SAID_THERE, "text", "body"), "no line of an export: "),
        (with(SAID_THERE, "message", "massage"), "no line of an export: "),
        (with(HEADER, "2", "2"), "a file of `toomd export"),
        (with(ROOM, "09:02:40", "09:03:40"), "room 1 stands here, and 2 is due"),
        (with(ROOM, r#""room":1"#, r#""room":3"#), "room 3 stands here, and 2 is due"),
        (
            with(&with(ROOM, r#""room":1"#, r#""room":2"#), "obiwan", "luke"),
            "a room has members, and none twice",
        ),
        (with(&with(ROOM, r#""room":1"#, r#""room":2"#), r#""obiwan","luke""#, ""), "a room has members"),
    ];
    for (line, reason) in cases {
        let faults = faults_of(&[HEADER, SAID, ROOM, &line]);
        let expected = format!("x.json 4: {reason}");
        assert!(matches!(&faults[..], [fault] if fault.starts_with(&expected)), "{line}: {faults:?}");
    }
}

#[test]
fn members_are_not_named_for_an_export() {
    let members = [(RoomId::FIRST, vec![name("yoda")])].into();
    let refused = import(&file(&[HEADER]).path("x.json"), &ImportOptions { members, ..options() });
    assert!(matches!(refused, Err(ImportError::MembersOfExport { .. })));
}

#[test]
fn a_file_that_changes_meanwhile_is_noticed() {
    for after in
        [&[HEADER, SAID, ROOM][..], &[HEADER, SAID, ROOM, "x"], &[SAID], &[HEADER, ROOM, SAID, SAID_THERE]]
    {
        let folder = file(&[HEADER, SAID, ROOM, SAID_THERE]);
        let checked = Import::check(&folder.path("x.json"), &options(), &mut |_| ()).unwrap();
        std::fs::write(folder.path("x.json"), after.join("\n")).unwrap();
        let refused = checked.run(&mut MemoryStorage::new(Epoch::new(2)), &mut |_| ());
        assert!(refused.is_err(), "{after:?}");
    }
}

proptest! {
    #[test]
    fn every_history_comes_through_an_export_unchanged(world in worlds()) {
        let mut world = world;
        let json = world.json();
        let from = Folder::new(&[("x.json", &json)]);
        let (mut store, _) = import(&from.path("x.json"), &options()).unwrap();
        prop_assert_eq!(json_of(&mut store), json);
        prop_assert_eq!(digests(store), digests(world.store));
    }

    #[test]
    fn no_export_that_was_tampered_with_is_too_strange(at in 0..300_usize, byte in any::<u8>()) {
        let mut bytes = [HEADER, SAID, ROOM, SAID_THERE].join("\n").into_bytes();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let folder = Folder::new(&[]);
        std::fs::write(folder.path("x.json"), bytes).unwrap();
        if let Ok(checked) = Import::check(&folder.path("x.json"), &options(), &mut |_| ()) {
            prop_assert!(checked.run(&mut MemoryStorage::new(Epoch::new(2)), &mut |_| ()).is_ok());
        }
    }
}
