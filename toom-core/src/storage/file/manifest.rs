//! The root of a data directory: which files are live, and where the journal begins.

use std::collections::BTreeMap;

use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::{Access, Disk, DiskFile};
use crate::storage::file::fault::{failed, of_write};
use crate::storage::file::journal::{JournalFile, JournalStart};
use crate::storage::file::names;
use crate::storage::file::run::RunSummary;
use crate::storage::file::state::StateSummary;
use crate::{Epoch, StorageError, Timestamp};

const MAGIC: &[u8; 8] = b"TOOMDATA";
/// The version of everything in the directory. A program refuses what is newer than it knows.
const VERSION: u32 = 1;
/// Flags.
const DROPPED: u64 = 1;
const SETS_ASIDE: u64 = 2;
const CLOSED: u64 = 4;
/// Magic, version, zero, checksum.
const HEAD_BYTES: usize = 24;
/// What a manifest is checked with: the salt of the store stands in it.
const UNSALTED: Salt = Salt::new(0);

/// What a directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) epoch: Epoch,
    pub(super) salt: Salt,
    /// The first frame of the journal that lies in no run.
    pub(super) journal: JournalStart,
    /// The journal files that must be there, and how long each is at least.
    pub(super) journal_files: BTreeMap<JournalFile, u64>,
    pub(super) state: Option<StateSummary>,
    /// The number of the next file to be made.
    pub(super) next_id: u64,
    /// Whether retention or a repair dropped messages.
    pub(super) dropped: bool,
    /// Whether files that are not named here are what a repair left: they are to be set aside, and nothing is in the journal.
    pub(super) sets_aside: bool,
    /// Whether the store was closed, and nothing is in the journal. Who opens it writes a manifest that says no.
    pub(super) closed: bool,
    /// Oldest first.
    pub(super) runs: Vec<RunSummary>,
}

impl Manifest {
    /// The manifest of `disk`; `None` if it has none.
    pub(super) fn load<D: Disk>(disk: &D) -> Result<Option<Self>, StorageError> {
        let file = match disk.open(names::MANIFEST, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(disk.shown(names::MANIFEST), "open it", error)),
        };
        let thing = || disk.shown(names::MANIFEST);
        let bytes = read_all(&file).map_err(|error| failed(thing(), "read it", error))?;
        Self::parse(&bytes, thing).map(Some)
    }

    /// Puts this in place of the manifest that is there, durably.
    pub(super) fn store<D: Disk>(&self, disk: &D) -> Result<(), StorageError> {
        let thing = || disk.shown(names::MANIFEST_NEW);
        let file = disk.create(names::MANIFEST_NEW).map_err(|error| of_write(thing(), "make it", error))?;
        file.write_at(&self.bytes(), 0).map_err(|error| of_write(thing(), "write it", error))?;
        file.sync().map_err(|error| failed(thing(), "sync it", error))?;
        disk.rename(names::MANIFEST_NEW, names::MANIFEST)
            .and_then(|()| disk.sync_names())
            .map_err(|error| failed(disk.shown(names::MANIFEST), "put a new one in place of", error))
    }

    /// The names of the history files and of the state file.
    pub(super) fn live_names(&self) -> Vec<String> {
        let history = self.runs.iter().map(|run| names::history(run.id));
        history.chain(self.state.map(|state| names::state(state.id))).collect()
    }

    /// A number for a file to be made.
    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.put_u64(self.epoch.get());
        body.put_u64(self.salt.bits());
        body.put_u64(self.journal.first);
        body.put_u64(self.journal.chain);
        body.put_u64(self.next_id);
        let flags = [(self.dropped, DROPPED), (self.sets_aside, SETS_ASIDE), (self.closed, CLOSED)];
        body.put_u64(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum());
        let state = self.state.unwrap_or_default();
        for number in [state.id, state.bytes, state.compact_bytes, state.chain] {
            body.put_u64(number);
        }
        body.put_u64(self.journal_files.len() as u64);
        for (file, bytes) in &self.journal_files {
            body.put_u32(file.number());
            body.put_u64(*bytes);
        }
        body.put_u64(self.runs.len() as u64);
        for run in &self.runs {
            for number in [run.id, run.bytes, run.messages] {
                body.put_u64(number);
            }
            body.put_i64(run.first_at.unix_micros());
            body.put_i64(run.last_at.unix_micros());
            body.put_u64(run.footer_checksum);
        }

        let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
        bytes.extend_from_slice(MAGIC);
        bytes.put_u32(VERSION);
        bytes.put_u32(0);
        bytes.put_u64(UNSALTED.checksum(&body));
        bytes.extend_from_slice(&body);
        bytes
    }

    fn parse(bytes: &[u8], thing: impl Fn() -> String) -> Result<Self, StorageError> {
        let corrupt = |offset, what| StorageError::Corrupt { thing: thing(), offset, what };
        let mut head = Take::new(bytes);
        if head.bytes(MAGIC.len()) != Some(MAGIC) {
            return Err(corrupt(0, "it does not begin as a manifest does"));
        }
        let short = || corrupt(bytes.len() as u64, "it ends early");
        let found = head.u32().ok_or_else(short)?;
        if found > VERSION {
            return Err(StorageError::NewerFormat { thing: thing(), found, known: VERSION });
        }
        let reserved = head.u32().ok_or_else(short)?;
        let checksum = head.u64().ok_or_else(short)?;
        let body = head.rest();
        if found == 0 || reserved != 0 || checksum != UNSALTED.checksum(body) {
            return Err(corrupt(MAGIC.len() as u64, "its checksum is wrong"));
        }
        Self::parse_body(Take::new(body)).ok_or_else(|| corrupt(HEAD_BYTES as u64, "it makes no sense"))
    }

    fn parse_body(mut body: Take<'_>) -> Option<Self> {
        let epoch = Epoch::new(body.u64()?);
        let salt = Salt::new(body.u64()?);
        let journal = JournalStart { first: body.u64()?, chain: body.u64()? };
        let next_id = body.u64()?;
        let flags = body.u64()?;
        let state = StateSummary {
            id: body.u64()?,
            bytes: body.u64()?,
            compact_bytes: body.u64()?,
            chain: body.u64()?,
        };
        let journal_files = (0..body.u64()?).map(|_| journal_file(&mut body)).collect::<Option<_>>()?;
        let runs = (0..body.u64()?).map(|_| run(&mut body)).collect::<Option<_>>()?;
        let is_known = flags <= DROPPED + SETS_ASIDE + CLOSED;
        let is_reached = next_id <= names::ID_MAX;
        (body.rest().is_empty() && is_known && is_reached).then_some(Self {
            epoch,
            salt,
            journal,
            journal_files,
            state: (state != StateSummary::default()).then_some(state),
            next_id,
            dropped: flags & DROPPED != 0,
            sets_aside: flags & SETS_ASIDE != 0,
            closed: flags & CLOSED != 0,
            runs,
        })
    }
}

fn journal_file(body: &mut Take<'_>) -> Option<(JournalFile, u64)> {
    Some((JournalFile::new(body.u32()?)?, body.u64()?))
}

fn run(body: &mut Take<'_>) -> Option<RunSummary> {
    Some(RunSummary {
        id: body.u64()?,
        bytes: body.u64()?,
        messages: body.u64()?,
        first_at: Timestamp::from_unix_micros(body.i64()?)?,
        last_at: Timestamp::from_unix_micros(body.i64()?)?,
        footer_checksum: body.u64()?,
    })
}

fn read_all(file: &impl DiskFile) -> std::io::Result<Vec<u8>> {
    let bytes = usize::try_from(file.len()?).map_err(std::io::Error::other)?;
    let mut buffer = vec![0; bytes];
    file.read_at(&mut buffer, 0)?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::{Call, Fault, SimDisk};

    fn example() -> Manifest {
        let at = |micros| Timestamp::from_unix_micros(micros).unwrap();
        let run = |id| RunSummary {
            id,
            bytes: 1000 + id,
            messages: 7,
            first_at: at(-5),
            last_at: at(9),
            footer_checksum: 3,
        };
        Manifest {
            epoch: Epoch::new(1),
            salt: Salt::new(2),
            journal: JournalStart { first: 3, chain: 4 },
            journal_files: [(1, 64), (9, 128)]
                .map(|(file, bytes)| (JournalFile::new(file).unwrap(), bytes))
                .into(),
            state: Some(StateSummary { id: 5, bytes: 6, compact_bytes: 3, chain: 7 }),
            next_id: 8,
            dropped: true,
            sets_aside: false,
            closed: false,
            runs: vec![run(1), run(4)],
        }
    }

    fn parse(bytes: &[u8]) -> Result<Manifest, StorageError> {
        Manifest::parse(bytes, || "manifest".to_owned())
    }

    #[test]
    fn a_manifest_comes_back_as_it_was() {
        let bare = Manifest { state: None, runs: Vec::new(), journal_files: BTreeMap::new(), ..example() };
        let repaired = Manifest { dropped: false, sets_aside: true, closed: true, ..example() };
        for manifest in [example(), bare, repaired] {
            assert_eq!(parse(&manifest.bytes()).unwrap(), manifest);
        }
    }

    #[test]
    fn no_bit_of_a_manifest_can_change_and_no_byte_be_missing() {
        let whole = example().bytes();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&bytes).is_err(), "bit {bit}");
        }
        for end in 0..whole.len() {
            assert!(matches!(parse(&whole[..end]), Err(StorageError::Corrupt { .. })), "cut at {end}");
        }
    }

    #[test]
    fn a_manifest_whose_checksum_is_right_and_which_makes_no_sense_is_refused() {
        let furthest = Manifest { next_id: names::ID_MAX, ..example() };
        assert_eq!(parse(&furthest.bytes()).unwrap(), furthest);
        let beyond = Manifest { next_id: names::ID_MAX + 1, ..example() };
        let mut longer = example().bytes();
        longer.push(0);
        let nonsense = [with_flags(8), with_flags(9), beyond.bytes(), longer].map(sealed);
        assert_eq!(
            parse(&sealed(with_flags(7))).unwrap(),
            Manifest { sets_aside: true, closed: true, ..example() }
        );
        for bytes in nonsense {
            let error = parse(&bytes).unwrap_err();
            assert!(error.to_string().contains("it makes no sense"), "{error}");
        }
    }

    fn with_flags(flags: u8) -> Vec<u8> {
        let mut bytes = example().bytes();
        bytes[HEAD_BYTES + 40] = flags;
        bytes
    }

    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        let checksum = UNSALTED.checksum(&bytes[HEAD_BYTES..]);
        bytes[16..HEAD_BYTES].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn a_manifest_that_cannot_be_opened_is_not_taken_for_a_missing_one() {
        let disk = SimDisk::new();
        assert_eq!(Manifest::load(&disk).unwrap(), None);
        example().store(&disk).unwrap();
        disk.inject(Fault::nth(1).of(Call::Open));
        assert!(matches!(Manifest::load(&disk), Err(StorageError::Failed { .. })));
        assert_eq!(Manifest::load(&disk).unwrap(), Some(example()));
    }

    #[test]
    fn a_newer_format_is_refused_by_its_version() {
        let mut bytes = example().bytes();
        bytes[8] = 2;
        assert!(matches!(parse(&bytes), Err(StorageError::NewerFormat { found: 2, known: 1, .. })));
    }
}
