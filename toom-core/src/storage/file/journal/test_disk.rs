//! A folder in memory, for the tests of the journal.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use crate::storage::file::disk::{Access, Disk, DiskFile};

#[derive(Clone, Default)]
pub(super) struct SimDisk(Arc<Mutex<BTreeMap<String, SimFile>>>);

#[derive(Clone, Default)]
pub(super) struct SimFile(Arc<Mutex<Vec<u8>>>);

impl SimDisk {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        self.0.lock().unwrap().insert(name.into(), SimFile(Arc::new(Mutex::new(bytes.to_vec()))));
    }

    pub(super) fn bytes_of(&self, name: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(name).map(|file| file.0.lock().unwrap().clone())
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = ();

    fn lock(&self, _name: &str) -> io::Result<Option<()>> {
        Ok(Some(()))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        self.put(name, &[]);
        self.open(name, Access::Write)
    }

    fn open(&self, name: &str, _access: Access) -> io::Result<SimFile> {
        self.0.lock().unwrap().get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn shown(&self, name: &str) -> String {
        name.into()
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = self.0.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let read = bytes.get(offset..offset + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(read);
        Ok(())
    }

    fn write_at(&self, written: &[u8], offset: u64) -> io::Result<()> {
        let mut bytes = self.0.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let end = offset + written.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(written);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
