//! A store in a folder: a journal for durability, and a history clustered by conversation for reading.

mod birth;
mod bytes;
mod check;
mod checksum;
mod control;
mod disk;
mod durability;
mod fault;
mod housekeeper;
mod journal;
mod keeper;
mod manifest;
mod memtable;
mod names;
mod open;
mod options;
mod record_bytes;
mod repair;
mod retention;
mod run;
mod runs;
#[cfg(test)]
mod samples;
mod stamps;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod tiers;
mod view;

pub use check::{Progress, Verified};
#[cfg(any(test, feature = "simulation"))]
pub use disk::simulated;
pub use disk::{Access, Disk, DiskFile, Folder};
pub use durability::Durability;
pub use journal::Cut;
pub use open::Opened;
pub use options::{FileOptions, Housekeeping};
pub use repair::{Losses, LostMessages, RepairPlan};
pub use retention::Retention;
pub use store::FileStorage;
pub use view::FileReader;

#[cfg(not(unix))]
compile_error!(
    "the feature `file` of toom-core needs Unix: build with `default-features = false` and bring your own `Storage`"
);
