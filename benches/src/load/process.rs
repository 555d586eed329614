//! Processes: what the system counts for them, and how many files they may have open.

use core::time::Duration;
use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::LoadError;

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Of the processors, in the program and in the system for it.
    pub cpu: Duration,
    /// Of memory, what is resident.
    pub resident_bytes: u64,
    /// How many threads there are.
    pub threads: u64,
}

impl Usage {
    /// Of this process.
    ///
    /// # Errors
    /// If the system does not tell by `/proc`.
    pub fn own() -> Result<Self, LoadError> {
        Self::of("self")
    }

    pub(super) fn of(process: &str) -> Result<Self, LoadError> {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}"));
        let (stat, statm) = read("stat")
            .and_then(|stat| Ok((stat, read("statm")?)))
            .map_err(LoadError::while_doing("reading /proc"))?;
        let ticks = cpu_ticks(&stat).ok_or_else(|| LoadError::unexpected(stat.as_bytes()))?;
        let pages = resident_pages(&statm).ok_or_else(|| LoadError::unexpected(statm.as_bytes()))?;
        let threads = threads(&stat).ok_or_else(|| LoadError::unexpected(stat.as_bytes()))?;
        let cpu = Duration::from_nanos(ticks * 1_000_000_000 / clock_ticks_per_second());
        Ok(Self { cpu, resident_bytes: pages * page_size() as u64, threads })
    }
}

/// `utime` and `stime` of `/proc/PID/stat`; the name before them, in brackets, may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    Some(user + fields.next()?.parse::<u64>().ok()?)
}

/// `num_threads` of the same.
fn threads(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(17)?.parse().ok()
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

/// Raises the soft limit of open files, for this process and those it starts, so that `needed` fit.
///
/// # Errors
/// If the hard limit is lower, or the system refuses.
pub fn allow_open_files(needed: u64) -> Result<(), LoadError> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(allowed) = limit.maximum.filter(|&maximum| maximum < needed) {
        return Err(LoadError::OpenFiles { needed, allowed });
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| LoadError::System { doing: "raising the limit of open files", error: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0 1";
        assert_eq!((cpu_ticks(stat), threads(stat)), (Some(154), Some(1)));
        assert_eq!(cpu_ticks("7 (a) S 1 2"), None);
        assert_eq!(resident_pages("900 123 4 5 6 7 8\n"), Some(123));
    }

    #[test]
    fn this_process_has_memory() {
        assert!(Usage::own().unwrap().resident_bytes > 0);
    }
}
