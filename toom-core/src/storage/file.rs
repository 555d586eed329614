//! A store in a folder: a journal for durability, and a history clustered by conversation for reading.

mod bytes;
mod checksum;
mod disk;
mod durability;
mod fault;
mod journal;
mod record_bytes;
mod run;
#[cfg(test)]
mod samples;

#[cfg(any(test, feature = "simulation"))]
pub use disk::simulated;
pub use disk::{Access, Disk, DiskFile, Folder};
pub use durability::Durability;

#[cfg(not(unix))]
compile_error!(
    "the feature `file` of toom-core needs Unix: build with `default-features = false` and bring your own `Storage`"
);
