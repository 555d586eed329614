//! What a running server takes of the machine.

use std::fs;

use super::Toomd;

impl Toomd {
    fn told(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// How many files it has open.
    pub(super) fn open_files(&self) -> u64 {
        let all = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        all.count().try_into().unwrap()
    }

    /// What it has used of the processors, in ticks of 10 ms.
    pub(super) fn ticks(&self) -> u64 {
        let stat = self.told("stat");
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// How much of its memory is in use, in KiB.
    pub(super) fn resident_kib(&self) -> u64 {
        let status = self.told("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}
