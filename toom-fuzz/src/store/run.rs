//! The files in which the history lies clustered by conversation.

use std::sync::LazyLock;

use super::bytes::{copy, place_at, put, seal, u32_at, unsalted};
use super::folder::{Files, Writer, append, files_of, first_batch, made};
use super::judge::judge;

/// Bits of the first byte of an input.
const SEALED: u8 = 1;
const AGREED: u8 = 2;
const LARGE: u8 = 4;

/// Longer inputs show nothing more.
const INPUT_BYTES_MAX: usize = 64 << 10;
const ENTRY_BYTES: usize = 32;
const FENCE_BYTES: usize = 48;
const FOOTER_BYTES: usize = 72;
/// Where a manifest counts its journal files, which have 12 bytes each; behind them it counts its runs.
const MANIFEST_JOURNAL_FILES: usize = 104;
const MANIFEST_HEAD_BYTES: usize = 24;

/// Closed stores with one run: a few lines, and blocks enough for several of each conversation.
static SMALL: LazyLock<Files> = LazyLock::new(|| store(0));
static LARGER: LazyLock<Files> = LazyLock::new(|| store(9));

/// A history file, with the files of a store round it. The first byte says which store; whether all checksums, in the manifest
/// too, are set right; and whether the index is made to say what stands at the beginnings of the blocks.
pub fn run(data: &[u8]) {
    let Some((&mode, file)) = data.split_first() else { return };
    let mut file = file.get(..INPUT_BYTES_MAX).unwrap_or(file).to_vec();
    let mut files = if mode & LARGE == 0 { SMALL.clone() } else { LARGER.clone() };
    let name = name(&files);
    if mode & SEALED != 0
        && let Some(manifest) = files.get_mut("manifest")
    {
        let _cut_short = set_right(&mut file, mode & AGREED != 0, manifest);
    }
    files.insert(name, file);
    let _held = judge(&files);
}

/// The history files of the stores, as they are and to be sealed.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (files, size) in [(&*SMALL, 0), (&*LARGER, LARGE)] {
        let file = files.get(&name(files)).expect("a store has it");
        for mode in [0, SEALED, SEALED | AGREED] {
            seeds.push([&[mode | size], &file[..]].concat());
        }
    }
    seeds
}

fn store(long: u32) -> Files {
    let (disk, mut store) = made();
    let mut writer = Writer::default();
    // In one batch, so that it becomes one run.
    let mut records = first_batch(&mut writer);
    let body = "long ".repeat(300);
    records.extend((0..long).map(|nth| writer.post(nth % 3, 1, &body, None)));
    append(&mut store, &records);
    store.close().expect("there is room");
    files_of(&disk)
}

fn name(files: &Files) -> String {
    let mut runs = files.keys().filter(|name| name.starts_with("history-"));
    let name = runs.next().expect("a closed store has one").clone();
    assert!(runs.next().is_none(), "and no other");
    name
}

/// Sets right all checksums, and in the manifest what it says of the run. `None` if the file is not whole enough for all.
fn set_right(file: &mut [u8], is_agreed: bool, manifest: &mut [u8]) -> Option<()> {
    let runs = MANIFEST_JOURNAL_FILES + 8 + 12 * place_at(manifest, MANIFEST_JOURNAL_FILES)?;
    let told = runs + 8;
    let footer = file.len().checked_sub(FOOTER_BYTES)?;
    put(file, footer + 8, b"TOOMRUN1");
    copy_between(manifest, told, file, footer + 16, 8);
    put(file, footer + 24, &(footer as u64 + FOOTER_BYTES as u64).to_le_bytes());
    let (fences, pages) = (place_at(file, footer + 56)?, place_at(file, footer + 64)?);
    for page in 0..pages.min(file.len() / FENCE_BYTES) {
        set_page_right(file, fences.checked_add(8 + page * FENCE_BYTES)?, is_agreed);
    }
    if fences < footer {
        seal(file, fences..footer);
    }
    seal(file, footer..footer + FOOTER_BYTES);
    // Its number stays; then come its length, messages, first and last time; and its checksum comes last.
    copy_between(file, footer + 24, manifest, told + 8, 32);
    copy_between(file, footer, manifest, told + 40, 8);
    let checksum = unsalted(manifest.get(MANIFEST_HEAD_BYTES..)?);
    put(manifest, 16, &checksum.to_le_bytes());
    Some(())
}

/// Sets right the page that the fence at `fence` tells of, and its blocks.
fn set_page_right(file: &mut [u8], fence: usize, is_agreed: bool) -> Option<()> {
    let told = fence.checked_add(ENTRY_BYTES)?;
    let page = place_at(file, told)?;
    let entries = u32_at(file, told.checked_add(8)?)? as usize;
    let end = page.checked_add(8)?.checked_add(entries.checked_mul(ENTRY_BYTES)?)?;
    if end > file.len() {
        return None;
    }
    for entry in (page + 8..end).step_by(ENTRY_BYTES) {
        let block = place_at(file, entry + 24)?;
        if is_agreed {
            // The conversation, how many messages, and the first number stand behind the checksum; the first time behind the head.
            copy(file, block.checked_add(8)?..block.checked_add(24)?, entry);
            copy(file, block.checked_add(32)?..block.checked_add(40)?, entry + 16);
        }
        let next = if entry + ENTRY_BYTES == end { page } else { place_at(file, entry + ENTRY_BYTES + 24)? };
        if block < next {
            seal(file, block..next);
        }
    }
    seal(file, page..end);
    if is_agreed {
        copy(file, page + 8..page + 8 + ENTRY_BYTES, fence);
    }
    Some(())
}

fn copy_between(from: &[u8], at: usize, to: &mut [u8], to_at: usize, bytes: usize) {
    if let Some(copied) = from.get(at..at + bytes) {
        put(to, to_at, copied);
    }
}
