//! Where the history is kept: the arguments that say so, and the store they name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};
use jiff::{Span, SpanRelativeTo};
use toom_core::{Cut, Durability, Epoch, FileOptions, FileStorage, Retention, Storage as _, StorageError};

use crate::failure::Failure;
use crate::random::random;

/// Where a store is.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataDir {
    /// The folder in which the history is kept
    #[arg(long = "data", id = "data", value_name = "DIR", default_value = "toom-data")]
    pub(crate) path: PathBuf,
}

/// How a server keeps its history.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    #[command(flatten)]
    pub(crate) dir: DataDir,
    /// Keep the messages in memory only
    #[arg(long, conflicts_with_all = ["data", "durability", "keep_for", "keep_bytes"])]
    pub(crate) memory: bool,
    /// What a message outlives once it is acknowledged
    #[arg(long, value_enum, value_name = "MODE", default_value_t = Outlives::Sync)]
    pub(crate) durability: Outlives,
    /// Drop messages that are this much older than the newest, such as 30d or 12h; whole files go, so they stay up to an eighth longer
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub(crate) keep_for: Option<Duration>,
    /// Drop the oldest messages when the newer ones fill this much, such as 500MiB or 20GB; whole files go, so an eighth more stays
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) keep_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outlives {
    /// A crash of the program, and the loss of power
    Sync,
    /// A crash of the program; the loss of power takes the messages of the last seconds
    Buffered,
}

/// Gives the store in `path` a new epoch.
pub(crate) fn renew_epoch(path: &Path) -> Result<Epoch, Failure> {
    let storage = open(path, FileOptions::new(random()?).restored())?;
    let epoch = storage.epoch();
    storage.close().map_err(Failure::Data)?;
    Ok(epoch)
}

impl DataArgs {
    /// Opens the store, makes it first if need be, and tells what was found.
    pub(crate) fn open(&self) -> Result<FileStorage, Failure> {
        let durability = match self.durability {
            Outlives::Sync => Durability::Sync,
            Outlives::Buffered => Durability::Buffered,
        };
        let retention = Retention { keep_for: self.keep_for, keep_bytes: self.keep_bytes };
        let options = FileOptions::new(random()?).durability(durability).retention(retention);
        open(&self.dir.path, options)
    }
}

impl DataDir {
    /// The folder, if a store is there.
    pub(crate) fn existing(&self) -> Result<&Path, Failure> {
        // A store that lacks one of them is damaged; one is not made where neither is.
        if ["birth", "manifest"].iter().all(|name| !self.path.join(name).exists()) {
            return Err(Failure::NoStore { path: self.path.clone() });
        }
        Ok(&self.path)
    }

    /// Opens the store that is there.
    pub(crate) fn open_existing(&self) -> Result<FileStorage, Failure> {
        open(self.existing()?, FileOptions::new(random()?))
    }

    /// Opens the store, made if need be, to be filled and then closed: closing it makes durable what was appended.
    pub(crate) fn open_to_fill(&self) -> Result<FileStorage, Failure> {
        open(&self.path, FileOptions::new(random()?).durability(Durability::Buffered))
    }
}

fn open(path: &Path, options: FileOptions) -> Result<FileStorage, Failure> {
    if others_may_write_to(path) {
        return Err(Failure::DataOfOthers { path: path.to_owned() });
    }
    let storage = FileStorage::open(path, options).map_err(|error| match error {
        StorageError::Full { .. } => Failure::NoRoom { error },
        error => Failure::Data(error),
    })?;
    if let Some(Cut { file, offset, what }) = &storage.opened().cut {
        tell(&format!("{file} was cut at byte {offset}: {what}; what stood there was never acknowledged"));
    }
    Ok(storage)
}

/// Whether every user of this machine may put files into a folder, and take away or replace those that are there. A group
/// may if the operator lets it, as hosts of containers do; the sticky bit leaves everybody their own files.
#[cfg(unix)]
fn others_may_write_to(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|folder| folder.is_dir() && folder.permissions().mode() & 0o1002 == 0o002)
}

#[cfg(not(unix))]
fn others_may_write_to(_: &Path) -> bool {
    false
}

/// A server has diagnostics; other commands have standard error.
fn tell(notice: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!("{notice}");
    } else {
        eprintln!("toomd: {notice}");
    }
}

fn parse_age(raw: &str) -> Result<Duration, String> {
    let span = raw.parse::<Span>().ok();
    let age = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    match age.and_then(|age| Duration::try_from(age).ok()) {
        None => Err("a duration in weeks, days, hours or less is expected, such as 30d or 12h".to_owned()),
        Some(Duration::ZERO) => Err("nothing at all would be kept".to_owned()),
        Some(age) => Ok(age),
    }
}

fn parse_size(raw: &str) -> Result<u64, String> {
    match raw.parse::<ByteSize>() {
        Err(_) => Err("a size is expected, such as 500MiB or 20GB".to_owned()),
        Ok(ByteSize(0)) => Err("nothing at all would be kept".to_owned()),
        Ok(ByteSize(bytes)) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_of_weeks_days_and_less_and_not_nothing() {
        assert_eq!(parse_age("30d"), Ok(Duration::from_hours(30 * 24)));
        assert_eq!(parse_age("2w 1h"), Ok(Duration::from_hours(14 * 24 + 1)));
        for raw in ["", "30", "d", "1 month", "1y", "-1d", "1d ago", "0s"] {
            assert!(parse_age(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn sizes_are_in_bytes_or_their_multiples_and_not_nothing() {
        for (raw, bytes) in
            [("4096", 4096), ("500MiB", 500 << 20), ("20GB", 20_000_000_000), ("1.5 GiB", 3 << 29)]
        {
            assert_eq!(parse_size(raw), Ok(bytes), "{raw}");
        }
        for raw in ["", "0", "0GB", "many", "-1", "1 mile"] {
            assert!(parse_size(raw).is_err(), "{raw}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_to_which_everybody_may_write_is_refused_with_the_cure_and_left_as_it_is() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir { path: folder.path().to_owned() };
        let opened = |mode| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            data.open_to_fill()
        };
        for mode in [0o777, 0o707, 0o702] {
            let refused = opened(mode).unwrap_err().to_string();
            assert!(refused.contains(&format!("`chmod 700 {}`", folder.path().display())), "{refused}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{mode:o}");
        }
        for mode in [0o700, 0o755, 0o770, 0o1777] {
            opened(mode).unwrap().close().unwrap();
        }
    }
}
