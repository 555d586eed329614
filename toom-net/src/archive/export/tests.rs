use core::num::NonZeroUsize;
use std::fs;

use proptest::prelude::*;
use toom_core::{Epoch, MemoryStorage};

use super::*;
use crate::archive::world::{Folder, World, room, worlds};

fn files(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
}

fn small_world() -> World {
    let mut world = World::new();
    world.post(Conversation::Broadcast, "obiwan", "hello");
    world.build(&["obiwan", "luke"]);
    world.build(&["yoda", "luke"]);
    world.wait(38_000_000);
    world.post(room(1), "obiwan", "have a\nnice day");
    world.post(Conversation::Broadcast, "luke", "bye");
    world
}

#[test]
fn the_text_logs_have_a_file_for_each_conversation() {
    let expected = [
        ("SR_1_messagelog.txt", "1; 04 Aug 2022 09:03:07; obiwan; have a\\nnice day\n"),
        ("SR_2_messagelog.txt", ""),
        ("messagelog.txt", "1; 04 Aug 2022 09:02:29; obiwan; hello\n2; 04 Aug 2022 09:03:07; luke; bye\n"),
    ];
    assert_eq!(small_world().text().files(), files(&expected));
    assert_eq!(World::new().text().files(), files(&[("messagelog.txt", "")]));
}

#[test]
fn lines_of_json_say_everything_in_order_of_time() {
    assert_eq!(
        small_world().json(),
        r#"{"type":"toom","format":1,"rooms":2,"messages":3}
{"type":"message","number":1,"at":"2022-08-04T09:02:29.123457Z","user":"obiwan","text":"hello"}
{"type":"room","room":1,"at":"2022-08-04T09:02:29.123458Z","members":["obiwan","luke"]}
{"type":"room","room":2,"at":"2022-08-04T09:02:29.123459Z","members":["yoda","luke"]}
{"type":"message","room":1,"number":1,"at":"2022-08-04T09:03:07.123460Z","user":"obiwan","text":"have a\nnice day"}
{"type":"message","number":2,"at":"2022-08-04T09:03:07.123461Z","user":"luke","text":"bye"}
"#
    );
    assert_eq!(World::new().json(), "{\"type\":\"toom\",\"format\":1,\"rooms\":0,\"messages\":0}\n");
}

#[test]
fn what_is_gone_for_good_is_not_counted() {
    let mut world = World::new();
    world.store = MemoryStorage::keeping(Epoch::new(1), NonZeroUsize::MIN.saturating_add(1));
    for _ in 0..9 {
        world.post(Conversation::Broadcast, "luke", "more");
    }
    let json = world.json();
    let counted = json.lines().count() - 1;
    assert!(
        counted < 9
            && json.starts_with(&format!(
                "{{\"type\":\"toom\",\"format\":1,\"rooms\":0,\"messages\":{counted}}}"
            ))
    );
}

#[test]
fn a_file_that_is_there_is_not_overwritten_and_no_other_is_made() {
    for taken in ["messagelog.txt", "SR_2_messagelog.txt"] {
        let folder = Folder::new(&[(taken, "mine")]);
        let refused = export_text(&mut small_world().store, &folder.path(""), &TimeZone::UTC, &mut |_| ());
        assert!(
            matches!(&refused, Err(ExportError::Exists { path }) if *path == folder.path(taken)),
            "{refused:?}"
        );
        assert_eq!(folder.files(), files(&[(taken, "mine")]));
        let refused = export_json_file(&mut small_world().store, &folder.path(taken), &mut |_| ());
        assert!(matches!(refused, Err(ExportError::Exists { .. })), "{refused:?}");
        assert_eq!(folder.files(), files(&[(taken, "mine")]));
    }
}

#[test]
fn a_writer_that_fails_is_told() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let refused = export_json(&mut small_world().store, &mut Full, &mut |_| ());
    assert!(matches!(refused, Err(ExportError::Write(_))), "{refused:?}");
    let mut meter = |_| ();
    let mut meter = Meter::new(Step::Exporting, 1, &mut meter);
    let refused =
        write_log(&small_world().store, Conversation::Broadcast, &TimeZone::UTC, &mut Full, &mut meter);
    assert!(matches!(refused, Err(ExportError::Write(_))), "{refused:?}");
}

#[test]
fn an_export_that_is_not_finished_leaves_no_file_and_says_which_it_could_not_write() {
    let folder = Folder::new(&[("mine", "mine")]);
    let full = |_: &mut _| Err::<(), _>(ExportError::Write(io::ErrorKind::StorageFull.into()));
    let mut made = Unfinished::default();
    made.write(&folder.path("one"), |out| out.write_all(b"one").map_err(ExportError::Write)).unwrap();
    assert_eq!(folder.files(), files(&[("mine", "mine"), ("one", "one")]));
    let refused = made.write(&folder.path("two"), full).unwrap_err();
    assert!(refused.to_string().starts_with(&format!("cannot write {}: ", folder.path("two").display())));
    let refused = made.write(&folder.path("mine"), full);
    assert!(matches!(refused, Err(ExportError::Exists { .. })), "{refused:?}");
    drop(made);
    assert_eq!(folder.files(), files(&[("mine", "mine")]));
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = Folder::new(&[]);
    let folder = parent.path("a/b");
    export_text(&mut small_world().store, &folder, &TimeZone::UTC, &mut |_| ()).unwrap();
    export_json_file(&mut small_world().store, &folder.join("json"), &mut |_| ()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["messagelog.txt", "SR_1_messagelog.txt", "json"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[test]
fn progress_begins_at_nothing_and_ends_at_all() {
    let mut world = World::new();
    for _ in 0..2500 {
        world.post(Conversation::Broadcast, "luke", "more");
    }
    let mut told = Vec::new();
    export_json(&mut world.store, &mut Vec::new(), &mut |progress| told.push((progress.done, progress.of)))
        .unwrap();
    assert_eq!(told, [(0, 2500), (1000, 2500), (2000, 2500), (2500, 2500)]);
}

proptest! {
    #[test]
    fn every_message_is_exported_once_in_order_of_time(world in worlds()) {
        let mut world = world;
        let expected = crate::archive::world::messages(&mut world.store);
        let json = world.json();
        let records: Vec<_> = json.lines().skip(1).map(|line| json::read(line).unwrap()).collect();
        prop_assert!(records.is_sorted_by(|one, next| one.at() < next.at()));
        prop_assert_eq!(records.len(), expected.len() + world.rooms.len());
        for message in expected {
            let posted = toom_core::Record::Posted(toom_core::Posted { message, key: None });
            prop_assert!(records.contains(&posted));
        }
    }
}
