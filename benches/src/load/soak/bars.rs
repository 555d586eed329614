//! What a soak is judged by.

use core::fmt::Write as _;
use core::time::Duration;

use super::super::LoadError;
use super::host::Handles;
use super::sample::{Sample, growth_an_hour};
use super::tally::Count;

/// How long a server warms up before its memory is judged.
const WARM: Duration = Duration::from_mins(15);
/// The shortest stretch that says something about an hour.
const JUDGED_MIN: Duration = Duration::from_mins(10);
/// How much the memory may grow in an hour.
const GROWTH_MAX: f64 = 1024.0 * 1024.0;
/// What the files may take beyond twice of what is to be kept: the journal and the state file.
const STORE_BESIDE: u64 = 32 << 20;
/// After how many visits everything must have happened that the peers do.
const VISITS: u64 = 5000;

/// What a server had in its hands before anybody came, and when all had gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AtRest {
    pub(super) handles: Handles,
    pub(super) threads: u64,
}

impl AtRest {
    /// Whether it is the same; how many files the store has depends on what was written.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let beside_store = |rest: &Self| (rest.handles.sockets, rest.handles.others, rest.threads);
        beside_store(self) == beside_store(other) && self.handles.nameless == 0
    }
}

/// What came of a soak, line by line, and whether a bar was missed.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) lines: String,
    missed: Vec<String>,
}

impl Verdict {
    pub(super) fn of(samples: &[Sample], keep_bytes: u64, before: &AtRest, after: &AtRest) -> Self {
        let mut verdict = Self::default();
        verdict.growth(samples);
        let rest = format!("at rest: before the peers {before:?}, after them {after:?}");
        verdict.judge(rest, after.is_like(before));
        let largest = samples.iter().map(|sample| sample.store_bytes).max().unwrap_or(0);
        let allowed = keep_bytes * 2 + STORE_BESIDE;
        verdict.judge(
            format!("files of the store: {largest} bytes at most, {allowed} allowed"),
            largest <= allowed,
        );
        verdict.happened(samples);
        verdict
    }

    fn judge(&mut self, line: String, is_met: bool) {
        let _ = writeln!(self.lines, "{} {line}", if is_met { "met:   " } else { "MISSED:" });
        if !is_met {
            self.missed.push(line);
        }
    }

    /// The growth of the memory of the last life.
    fn growth(&mut self, samples: &[Sample]) {
        let life = samples.last().map_or(0, |last| last.life);
        let begun =
            samples.iter().find(|sample| sample.life == life).map_or(Duration::ZERO, |first| first.at);
        let warm = samples.iter().filter(|sample| sample.life == life && sample.at >= begun + WARM);
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
        let points: Vec<_> =
            warm.map(|sample| (sample.at.as_secs_f64(), sample.usage.resident_bytes as f64)).collect();
        let span = points.last().map_or(0.0, |last| last.0) - points.first().map_or(0.0, |first| first.0);
        if span < JUDGED_MIN.as_secs_f64() {
            self.lines.push_str(
                "not judged: growth of memory; the server must run for 25 minutes without a kill\n",
            );
            return;
        }
        let growth = growth_an_hour(&points).unwrap_or(f64::INFINITY);
        let (kib, minutes) = (growth / 1024.0, span / 60.0);
        self.judge(
            format!("growth of memory: {kib:.0} KiB an hour over {minutes:.0} minutes, 1024 allowed"),
            growth < GROWTH_MAX,
        );
    }

    /// What was counted. A long soak in which something never happened has shown nothing about it.
    fn happened(&mut self, samples: &[Sample]) {
        let Some(last) = samples.last() else { return };
        let is_long = last.tally.of(Count::Visits) >= VISITS;
        for (count, name) in Count::ALL {
            let times = last.tally.of(count);
            let may_be_none = count == Count::Dropped || !is_long;
            self.judge(format!("{name}: {times}"), times > 0 || may_be_none);
        }
        let slowest = samples.iter().map(|sample| sample.ready).max().unwrap_or_default();
        let starts = last.life;
        let _ = writeln!(
            self.lines,
            "the server was started {starts} times, and was ready after {slowest:.0?} at most"
        );
    }

    /// # Errors
    /// If a bar was missed.
    pub(super) fn result(self) -> Result<String, LoadError> {
        if self.missed.is_empty() { Ok(self.lines) } else { Err(LoadError::Missed(self.missed.join("; "))) }
    }
}
