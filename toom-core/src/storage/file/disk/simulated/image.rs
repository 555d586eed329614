//! What a simulated disk holds: for each file and for the names, what is seen and what is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::content::Content;

/// What a disk writes whole, or not at all.
pub(super) const SECTOR: usize = 512;

pub(super) type FileId = u64;

/// All that a disk holds. A copy costs a few pointers a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pub(super) names: BTreeMap<String, FileId>,
    pub(super) durable_names: BTreeMap<String, FileId>,
    /// What leads from the durable names to the names.
    pub(super) unsynced_names: Vec<NameChange>,
    pub(super) files: BTreeMap<FileId, Arc<Inode>>,
    next: FileId,
}

/// A change of the names that may be lost as long as they are not synced.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Created { name: String, file: FileId },
    Renamed { from: String, to: String, file: FileId },
    Removed { name: String },
}

/// A file, whatever its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// Its last name.
    pub(super) name: String,
    pub(super) seen: Content,
    pub(super) durable: Content,
    /// What leads from the durable content to the one that is seen.
    pub(super) unsynced: Vec<Unsynced>,
}

/// A write, or the part of one in a sector, that may be lost.
#[derive(Clone, Debug)]
pub(super) struct Unsynced {
    pub(super) offset: usize,
    pub(super) bytes: Arc<[u8]>,
    /// A sync of it has failed: no later one makes it durable.
    pub(super) given_up: bool,
}

impl Image {
    /// A new empty file of this name, in place of one that has it.
    pub(super) fn create(&mut self, name: &str) -> FileId {
        self.create_with(name, Content::default())
    }

    /// A new file with durable bytes, of a name that is durable when the names are.
    pub(super) fn create_with(&mut self, name: &str, content: Content) -> FileId {
        let file = self.next;
        self.next += 1;
        self.files.insert(file, Arc::new(Inode::durable(name, content)));
        self.change(NameChange::Created { name: name.to_owned(), file });
        file
    }

    /// Makes a change of the names, not yet durable.
    pub(super) fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    pub(super) fn inode(&mut self, file: FileId) -> Option<&mut Inode> {
        self.files.get_mut(&file).map(Arc::make_mut)
    }

    /// Makes the names durable. Files without a name are gone, unless one of `open`.
    pub(super) fn sync_names(&mut self, open: &BTreeMap<FileId, usize>) {
        self.unsynced_names.clear();
        self.durable_names.clone_from(&self.names);
        let named: BTreeSet<FileId> = self.names.values().copied().collect();
        self.files.retain(|file, _| named.contains(file) || open.contains_key(file));
    }

    /// The bytes of all files that have a name or are one of `open`.
    pub(super) fn bytes_used(&self, open: &BTreeMap<FileId, usize>) -> usize {
        let held: BTreeSet<FileId> = self.names.values().chain(open.keys()).copied().collect();
        held.iter().filter_map(|file| self.files.get(file)).map(|inode| inode.seen.len()).sum()
    }

    /// The disk on which all has become durable that is seen.
    pub(super) fn settled(&self) -> Self {
        let mut image = self.clone();
        for inode in image.files.values_mut().filter(|inode| !inode.unsynced.is_empty()) {
            *inode = Arc::new(Inode::durable(&inode.name, inode.seen.clone()));
        }
        image.sync_names(&BTreeMap::new());
        image
    }
}

impl NameChange {
    /// The file that has got a name.
    pub(super) const fn file(&self) -> Option<FileId> {
        match self {
            Self::Created { file, .. } | Self::Renamed { file, .. } => Some(*file),
            Self::Removed { .. } => None,
        }
    }

    /// Makes the change, also when one before it was not made.
    pub(super) fn apply(&self, names: &mut BTreeMap<String, FileId>) {
        match self {
            Self::Created { name, file } => {
                names.insert(name.clone(), *file);
            }
            Self::Renamed { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Self::Removed { name } => {
                names.remove(name);
            }
        }
    }
}

impl Inode {
    /// A file with nothing to lose.
    pub(super) fn durable(name: &str, content: Content) -> Self {
        Self { name: name.to_owned(), seen: content.clone(), durable: content, unsynced: Vec::new() }
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        if !bytes.is_empty() {
            self.seen.write(bytes, offset);
            self.unsynced.push(Unsynced { offset, bytes: bytes.into(), given_up: false });
        }
    }

    /// Makes durable what was written since the last sync, but not what an earlier sync has given up: the system takes
    /// that for written.
    pub(super) fn sync(&mut self) {
        let (mut given_up, written): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.unsynced).into_iter().partition(|write| write.given_up);
        if given_up.is_empty() {
            self.durable = self.seen.clone();
            return;
        }
        let sectors: BTreeSet<usize> =
            written.iter().flat_map(Unsynced::sectors).map(|(sector, _)| sector).collect();
        for sector in &sectors {
            let from = sector * SECTOR;
            let mut bytes = vec![0; SECTOR.min(self.seen.len() - from)];
            self.seen.read(&mut bytes, from);
            self.durable.write(&bytes, from);
        }
        self.durable.set_len(self.seen.len());
        given_up.retain(|write| !sectors.contains(&(write.offset / SECTOR)));
        self.unsynced = given_up;
    }

    /// What a failed sync leaves: nobody knows what of it was written, and nothing will ever be written again.
    pub(super) fn sync_failed(&mut self) {
        let parts = self.unsynced.iter().flat_map(Unsynced::sectors);
        self.unsynced = parts.map(|(_, part)| Unsynced { given_up: true, ..part }).collect();
    }
}

impl Unsynced {
    /// Its parts, one a sector, each with the number of the sector.
    pub(super) fn sectors(&self) -> impl Iterator<Item = (usize, Self)> + '_ {
        let mut rest: &[u8] = &self.bytes;
        let mut offset = self.offset;
        std::iter::from_fn(move || {
            let (part, more) = rest.split_at(rest.len().min(SECTOR - offset % SECTOR));
            let of_sector = (offset / SECTOR, Self { offset, bytes: part.into(), given_up: self.given_up });
            offset += part.len();
            rest = more;
            (!part.is_empty()).then_some(of_sector)
        })
    }
}
