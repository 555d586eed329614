//! What an append outlives.

/// What a batch that was acknowledged outlives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process and the loss of power: each batch is synced to the disk before it is acknowledged.
    #[default]
    Sync,
    /// The end of the process, also a sudden one. After a loss of power the last batches may be gone: those of the seconds in
    /// which the operating system had not yet written them, and every one after the first that is gone.
    Buffered,
}
