//! Files and folders for their owner alone: what is said in rooms stands in them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;

/// The mode of files that are made.
#[cfg(unix)]
pub(super) fn file(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
pub(super) fn file(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The mode of folders that are made, with those above them.
#[cfg(unix)]
pub(super) fn folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    builder.recursive(true).mode(0o700)
}

#[cfg(not(unix))]
pub(super) fn folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder.recursive(true)
}

/// Gives `file` the mode that it would have been made with.
#[cfg(unix)]
pub(super) fn close_to_others(file: &File) -> io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    if file.metadata()?.permissions().mode() & 0o7777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn close_to_others(_: &File) -> io::Result<()> {
    Ok(())
}
