//! Text logs and exports, read into an empty store.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use tempfile::TempDir;
use toom_core::{Digest, Epoch, MemoryStorage, Storage};
use toom_net::archive::{Import, ImportOptions, Imported, export_json, export_text};

const UTC: TimeZone = TimeZone::UTC;

/// Files to import. If the first byte is even, the rest is an export; else it is text logs with zeros between them: of the
/// broadcast conversation, of room 1, of room 2, and so on.
///
/// They are refused before anything is stored, or all of it is stored, and an export of that says the same and imports as the
/// same.
pub fn import(data: &[u8]) {
    let Some((kind, files)) = data.split_first() else { return };
    let folder = TempDir::new().expect("there is room for a folder");
    if kind % 2 == 0 {
        exact(files, folder.path());
    } else {
        logs(files, folder.path());
    }
}

fn exact(file: &[u8], folder: &Path) {
    let path = folder.join("given.json");
    fs::write(&path, file).expect("there is room for a small file");
    let Some((mut store, imported)) = imported(&path, file.len()) else { return };
    assert_eq!(imported.moved, 0);
    let written = json(&mut store);
    fs::write(&path, &written).expect("there is room for a small file");
    let (mut again, _) = self::imported(&path, written.len()).expect("what was exported can be imported");
    assert!(json(&mut again) == written, "another import exports something else");
    assert_eq!(digest(&mut again), digest(&mut store));
}

fn logs(files: &[u8], folder: &Path) {
    let given = folder.join("given");
    fs::create_dir(&given).expect("there is room for a folder");
    for (number, file) in files.split(|&byte| byte == 0).enumerate().take(20) {
        let name = if number == 0 { "messagelog.txt".into() } else { format!("SR_{number}_messagelog.txt") };
        fs::write(given.join(name), file).expect("there is room for a small file");
    }
    let Some((mut store, _)) = imported(&given, files.len()) else { return };
    let (first, second) = (folder.join("first"), folder.join("second"));
    export_text(&mut store, &first, &UTC, &mut |_| ()).expect("there is room for small files");
    let (mut again, _) = imported(&first, files.len()).expect("what was exported can be imported");
    export_text(&mut again, &second, &UTC, &mut |_| ()).expect("there is room for small files");
    assert_eq!(texts(&first), texts(&second));
}

/// What comes of an import of files with so many bytes; `None` if they are refused.
fn imported(from: &Path, bytes: usize) -> Option<(MemoryStorage, Imported)> {
    let options = ImportOptions { zone: UTC, members: BTreeMap::new() };
    let import = match Import::check(from, &options, &mut |_| ()) {
        Ok(import) => import,
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            return None;
        }
    };
    let counts = import.counts();
    assert!(counts.messages + counts.rooms <= bytes as u64, "more is counted than there can be");
    let mut store = MemoryStorage::new(Epoch::new(1));
    match import.run(&mut store, &mut |_| ()) {
        Ok(imported) => {
            assert_eq!(imported.counts, counts);
            Some((store, imported))
        }
        Err(error) => {
            panic!("what was found right is not imported: {error}");
        }
    }
}

fn json(store: &mut MemoryStorage) -> String {
    let mut out = Vec::new();
    export_json(store, &mut out, &mut |_| ()).expect("memory takes everything");
    String::from_utf8(out).expect("JSON is text")
}

fn digest(store: &mut MemoryStorage) -> Digest {
    let recovered = store.recover().expect("it lies in memory");
    Digest::of_history(&store.reader(), &recovered).expect("it lies in memory")
}

fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries =
        fs::read_dir(folder).expect("it was made just now").map(|entry| entry.expect("it is there"));
    let text = |path: &Path| fs::read_to_string(path).expect("it was written just now");
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), text(&entry.path()))).collect()
}
