//! No core dumps: the memory of the program holds the plain passwords of its account file, and what is said in rooms.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets the system write no core dump of this process. An operator who needs one can raise the limit again, with `prlimit --core`.
pub(crate) fn forbid() {
    let mut granted = getrlimit(Resource::Core);
    granted.current = Some(0);
    // A soft limit may always be lowered.
    let _ = setrlimit(Resource::Core, granted);
}
