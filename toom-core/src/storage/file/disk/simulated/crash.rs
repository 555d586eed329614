//! What a power cut leaves of a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::content::Content;
use super::image::{FileId, Image, Inode, NameChange, SECTOR, Unsynced};

/// What has become of all that was not synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Of each change of the names, in order, whether it was made.
    pub names: Vec<bool>,
    /// The length of each file that has grown.
    pub lengths: Vec<usize>,
    /// Each sector with unsynced writes, by file and place.
    pub sectors: Vec<Fate>,
}

/// What has become of a sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is as the first so many of its writes left it; 0: as it was when last synced.
    Written(usize),
    /// Each unsynced byte has this value.
    Filled(u8),
    /// In place of the unsynced bytes lie others of the same file.
    Misplaced,
}

/// How a crash is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Each sector is written, or has the one fate that all have which are not. Lengths are old, new, or halfway.
    Halves,
    /// Each sector has a fate of its own. Lengths are any.
    Each,
    /// All is there, but for one sector.
    One,
}

/// All that was not synced, laid out for choosing.
pub(super) struct Plan {
    image: Image,
    grown: Vec<Grown>,
    sectors: Vec<Sector>,
}

struct Grown {
    file: FileId,
    old: usize,
    new: usize,
}

struct Sector {
    file: FileId,
    number: usize,
    /// In the order in which they were written.
    writes: Vec<Unsynced>,
}

impl Plan {
    pub(super) fn new(image: &Image) -> Self {
        let mut grown = Vec::new();
        let mut sectors: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let changed = image.unsynced_names.iter().filter_map(NameChange::file);
        let named: BTreeSet<_> = image.durable_names.values().copied().chain(changed).collect();
        for (file, inode) in image.files.iter().filter(|(file, _)| named.contains(file)) {
            let (old, new) = (inode.durable.len(), inode.seen.len());
            if old < new {
                grown.push(Grown { file: *file, old, new });
            }
            for (number, part) in inode.unsynced.iter().flat_map(Unsynced::sectors) {
                sectors.entry((*file, number)).or_default().push(part);
            }
        }
        let sectors = sectors.into_iter().map(|((file, number), writes)| Sector { file, number, writes });
        Self { image: image.clone(), grown, sectors: sectors.collect() }
    }

    /// How many choices there are by halves, or a few less.
    pub(super) fn halves(&self) -> u64 {
        let names = self.image.unsynced_names.iter().map(|_| 2);
        let lengths = self.grown.iter().map(|_| 3);
        let sectors = self.sectors.iter().map(|sector| sector.writes.len() as u64 + 1);
        let fates = if self.sectors.is_empty() { 1 } else { 4 };
        names.chain(lengths).chain(sectors).fold(fates, u64::saturating_mul)
    }

    /// Asks `pick` for one of so many, from 0, until all is chosen.
    pub(super) fn choose(&self, manner: Manner, pick: &mut impl FnMut(usize) -> usize) -> Choice {
        let names = self.image.unsynced_names.iter().map(|_| manner == Manner::One || pick(2) == 1).collect();
        let lengths = self.grown.iter().map(|grown| grown.length(manner, pick)).collect();
        let sectors = match manner {
            Manner::Halves => {
                let mut lost = None;
                let mut fate = |sector: &Sector| match pick(sector.writes.len() + 1) {
                    0 => *lost.get_or_insert_with(|| any_fate(0, pick)),
                    writes => Fate::Written(writes),
                };
                self.sectors.iter().map(&mut fate).collect()
            }
            Manner::Each => self.sectors.iter().map(|sector| any_fate(sector.writes.len(), pick)).collect(),
            Manner::One => {
                let one = pick(self.sectors.len().max(1));
                let fate = |(at, sector): (usize, &Sector)| {
                    let writes = sector.writes.len();
                    if at == one { any_fate(writes, pick) } else { Fate::Written(writes) }
                };
                self.sectors.iter().enumerate().map(fate).collect()
            }
        };
        Choice { names, lengths, sectors }
    }

    /// The disk that is left.
    pub(super) fn image(&self, choice: &Choice) -> Image {
        let mut contents: BTreeMap<FileId, Content> = BTreeMap::new();
        let durable =
            |file| self.image.files.get(&file).map(|inode| inode.durable.clone()).unwrap_or_default();
        for (sector, fate) in self.sectors.iter().zip(&choice.sectors) {
            let content = contents.entry(sector.file).or_insert_with(|| durable(sector.file));
            self.meet(sector, *fate, content);
        }
        for (grown, length) in self.grown.iter().zip(&choice.lengths) {
            contents.entry(grown.file).or_insert_with(|| durable(grown.file)).set_len(*length);
        }
        let mut image = self.image.clone();
        image.names.clone_from(&image.durable_names);
        for (change, made) in self.image.unsynced_names.iter().zip(&choice.names) {
            if *made {
                change.apply(&mut image.names);
            }
        }
        for (file, content) in contents {
            if let Some(inode) = image.files.get_mut(&file) {
                *inode = Arc::new(Inode::durable(&inode.name, content));
            }
        }
        image.sync_names(&BTreeMap::new());
        image
    }

    /// Lets a sector of `content`, as it was when last synced, meet its fate. The length is put right later.
    fn meet(&self, sector: &Sector, fate: Fate, content: &mut Content) {
        let written = if let Fate::Written(writes) = fate { writes } else { sector.writes.len() };
        for write in sector.writes.iter().take(written) {
            match fate {
                Fate::Written(_) => content.write(&write.bytes, write.offset),
                Fate::Filled(byte) => content.write(&vec![byte; write.bytes.len()], write.offset),
                Fate::Misplaced => {
                    let mut bytes = vec![0; write.bytes.len()];
                    let elsewhere = write.offset % SECTOR + if sector.number == 0 { SECTOR } else { 0 };
                    if let Some(inode) = self.image.files.get(&sector.file) {
                        inode.seen.read(&mut bytes, elsewhere);
                    }
                    content.write(&bytes, write.offset);
                }
            }
        }
    }
}

impl Grown {
    fn length(&self, manner: Manner, pick: &mut impl FnMut(usize) -> usize) -> usize {
        match manner {
            Manner::One => self.new,
            Manner::Each => self.old + pick(self.new - self.old + 1),
            Manner::Halves => match pick(3) {
                0 => self.old,
                1 => usize::midpoint(self.old, self.new),
                _ => self.new,
            },
        }
    }
}

/// One of all fates of a sector with so many writes; the first is that they are lost.
fn any_fate(writes: usize, pick: &mut impl FnMut(usize) -> usize) -> Fate {
    let picked = pick(writes + 4);
    match picked.checked_sub(writes + 1) {
        None => Fate::Written(picked),
        Some(0) => Fate::Filled(0),
        Some(1) => Fate::Filled(0xA5),
        Some(_) => Fate::Misplaced,
    }
}

/// Numbers that look drawn, the same for the same seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of so many, at least one, from 0.
    pub(super) fn below(&mut self, options: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let drawn = (mixed ^ (mixed >> 31)) % (options as u64);
        usize::try_from(drawn).expect("below `options`")
    }
}
