//! How many files the system lets the server have open: each connection takes one.

use rustix::process::{Resource, getrlimit, setrlimit};
use toom_net::server::ServerLimits;

/// How many files are kept for everything but connections: the store, the listeners, the account file, standard streams.
const OTHERS: usize = 256;

/// Raises the soft limit of open files as far as the hard one allows, and bounds the connections by what that leaves, so that one too many is
/// told so and the store always has files. Returns what the operator should know.
pub(crate) fn fit(limits: &mut ServerLimits) -> Option<String> {
    let mut granted = getrlimit(Resource::Nofile);
    let soft = granted.current;
    granted.current = granted.maximum;
    let files = if setrlimit(Resource::Nofile, granted).is_ok() { granted.maximum } else { soft };
    fit_into(limits, files)
}

/// `files` is how many there may be; `None`: as many as the system has.
fn fit_into(limits: &mut ServerLimits, files: Option<u64>) -> Option<String> {
    let files = usize::try_from(files?).unwrap_or(usize::MAX);
    let room = files.saturating_sub(OTHERS.min(files / 2));
    if room >= limits.connections_max {
        return None;
    }
    let wanted = core::mem::replace(&mut limits.connections_max, room);
    let needed = wanted.saturating_add(OTHERS);
    Some(format!(
        "the system lets this server have {files} files open, so {room} connections instead of {wanted} can be open; \
         `ulimit -Hn {needed}` before it starts, or LimitNOFILE={needed} in its systemd unit, lets it have all"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(connections_max: usize, files: Option<u64>) -> (usize, Option<String>) {
        let mut limits = ServerLimits { connections_max, ..ServerLimits::default() };
        let notice = fit_into(&mut limits, files);
        (limits.connections_max, notice)
    }

    #[test]
    fn enough_files_change_nothing() {
        assert_eq!(fitted(10_000, None), (10_000, None));
        assert_eq!(fitted(10_000, Some(10_256)), (10_000, None));
    }

    #[test]
    fn too_few_files_bound_the_connections_and_the_cure_is_told() {
        let (connections, notice) = fitted(10_000, Some(4096));
        assert_eq!(connections, 3840);
        let notice = notice.unwrap();
        assert!(notice.contains("4096 files open, so 3840 connections instead of 10000"), "{notice}");
        assert!(notice.contains("LimitNOFILE=10256"), "{notice}");
    }

    #[test]
    fn where_there_are_very_few_half_of_them_are_for_connections() {
        assert_eq!(fitted(10_000, Some(64)).0, 32);
        assert_eq!(fitted(10_000, Some(0)).0, 0);
    }
}
