//! A store in a folder: a journal for durability, and a history clustered by conversation for reading.

mod checksum;
mod disk;

pub use disk::{Access, Disk, DiskFile};
