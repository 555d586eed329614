//! A store in a folder: a journal for durability, and a history clustered by conversation for reading.

mod checksum;
mod disk;

pub use disk::{Access, Disk, DiskFile, Folder};

#[cfg(not(unix))]
compile_error!(
    "the feature `file` of toom-core needs Unix: build with `default-features = false` and bring your own `Storage`"
);
