use toom_core::{Conversation, Epoch, MemoryStorage, Message, Timestamp};

use super::*;
use crate::archive::world::{Folder, World, name};

mod exact;
mod logs;

fn options() -> ImportOptions {
    ImportOptions { zone: TimeZone::UTC, members: BTreeMap::new() }
}

/// Imports `from` into a new store.
fn import(from: &Path, options: &ImportOptions) -> Result<(MemoryStorage, Imported), ImportError> {
    let mut store = MemoryStorage::new(Epoch::new(2));
    let imported = Import::check(from, options, &mut |_| ())?.run(&mut store, &mut |_| ())?;
    Ok((store, imported))
}

/// What is wrong with these files, with the names of the files alone.
fn faults(from: &Path) -> (Vec<String>, u64) {
    match import(from, &options()) {
        Err(ImportError::Malformed { lines, more }) => {
            let file = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            let told = |fault: &Malformed| format!("{} {}: {}", file(&fault.path), fault.line, fault.reason);
            (lines.iter().map(told).collect(), more)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("imported"),
    }
}

#[test]
fn a_store_that_holds_something_is_refused_and_stays_as_it_is() {
    let from = Folder::new(&[("messagelog.txt", "1; 04 Aug 2022 09:02:29; obiwan; hello\n")]);
    let mut spoken = World::new();
    spoken.post(Conversation::Broadcast, "luke", "mine");
    let mut built = World::new();
    built.build(&["luke", "leia"]);
    for mut world in [spoken, built] {
        let before = world.json();
        let refused = Import::check(&from.path(""), &options(), &mut |_| ())
            .unwrap()
            .run(&mut world.store, &mut |_| ());
        assert!(matches!(refused, Err(ImportError::NotEmpty)), "{refused:?}");
        assert_eq!(world.json(), before);
    }
}

#[test]
fn what_is_not_there_is_told_by_its_name() {
    let folder = Folder::new(&[("notes.txt", "")]);
    let refused = import(&folder.path("missing"), &options()).unwrap_err().to_string();
    assert!(refused.contains("cannot read") && refused.contains("missing"), "{refused}");
    let refused = import(&folder.path(""), &options()).unwrap_err().to_string();
    assert!(refused.contains("holds no messagelog.txt"), "{refused}");
}

#[test]
fn a_store_that_fails_ends_the_import() {
    struct Failing(MemoryStorage);
    impl toom_core::History for Failing {
        fn locate(
            &self,
            conversation: Conversation,
            since: Timestamp,
        ) -> Result<Option<toom_core::MessageNumber>, toom_core::StorageError> {
            self.0.locate(conversation, since)
        }
        fn read(
            &self,
            conversation: Conversation,
            after: Option<toom_core::MessageNumber>,
            limit: usize,
            visit: impl FnMut(toom_core::MessageRef<'_>) -> core::ops::ControlFlow<()>,
        ) -> Result<(), toom_core::StorageError> {
            self.0.read(conversation, after, limit, visit)
        }
        fn floor(
            &self,
            conversation: Conversation,
        ) -> Result<toom_core::MessageNumber, toom_core::StorageError> {
            self.0.floor(conversation)
        }
    }
    impl Storage for Failing {
        type Reader = <MemoryStorage as Storage>::Reader;
        fn epoch(&self) -> Epoch {
            self.0.epoch()
        }
        fn append(&mut self, _: &[Record]) -> Result<(), toom_core::StorageError> {
            Err(toom_core::StorageError::NeedsReopen)
        }
        fn recover(&mut self) -> Result<toom_core::Recovered, toom_core::StorageError> {
            self.0.recover()
        }
        fn reserve_stamps(&mut self, _: toom_core::Timestamp) -> Result<(), toom_core::StorageError> {
            Err(toom_core::StorageError::NeedsReopen)
        }
        fn reader(&self) -> Self::Reader {
            self.0.reader()
        }
    }
    let from = Folder::new(&[("messagelog.txt", "1; 04 Aug 2022 09:02:29; obiwan; hello\n")]);
    let checked = Import::check(&from.path(""), &options(), &mut |_| ()).unwrap();
    let refused = checked.run(&mut Failing(MemoryStorage::new(Epoch::new(1))), &mut |_| ());
    assert!(matches!(refused, Err(ImportError::Storage(_))), "{refused:?}");
}

#[test]
fn progress_goes_through_both_steps_to_their_ends() {
    let lines: Vec<_> =
        (1..=1500).map(|number| format!("{number}; 04 Aug 2022 09:02:29; obiwan; hello\n")).collect();
    let content = lines.concat();
    let from = Folder::new(&[("messagelog.txt", &content)]);
    let bytes = content.len() as u64;
    let (mut checking, mut importing) = (Vec::new(), Vec::new());
    let import = Import::check(&from.path(""), &options(), &mut |progress| checking.push(progress)).unwrap();
    import.run(&mut MemoryStorage::new(Epoch::new(1)), &mut |progress| importing.push(progress)).unwrap();
    assert!(checking.iter().all(|progress| (progress.step, progress.of) == (Step::Checking, bytes)));
    assert_eq!((checking.first().unwrap().done, checking.last().unwrap().done), (0, bytes));
    assert!(importing.iter().all(|progress| (progress.step, progress.of) == (Step::Importing, 1500)));
    assert_eq!(importing.iter().map(|progress| progress.done).collect::<Vec<_>>(), [0, 1000, 1500]);
}
