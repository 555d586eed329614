//! Which runs are merged next: a rule over their sizes, and nothing else.

use core::ops::Range;

/// The sizes of runs fall in tiers, each [`FAN_IN`] times as large as the one below. Where that many neighbours lie in one tier
/// they are merged, so a store has few runs in every tier, and a message is rewritten once a tier.
pub(super) const FAN_IN: usize = 4;
/// While nobody appends, a run is merged with all younger ones once they have such a part of its size. So a message is rewritten a
/// few times more, and a page of a small room lies in one run or two.
const TIDY_PART: u64 = 4;

/// What bounds a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Runs of up to this size lie in the lowest tier: what one journal file becomes.
    pub(super) unit: u64,
    /// No merged run is larger than this.
    pub(super) bytes_max: u64,
    /// No merged run covers more microseconds than this.
    pub(super) span_max: u64,
}

/// What the rule looks at of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) bytes: u64,
    /// The microseconds of the first message and of the last.
    pub(super) first_at: i64,
    pub(super) last_at: i64,
}

impl Bounds {
    /// The neighbours among `runs`, oldest first, that are to be merged next; `None` if there is nothing to do.
    pub(super) fn next_merge(&self, runs: &[Extent]) -> Option<Range<usize>> {
        let top = runs.iter().map(|run| self.tier(run.bytes)).max()?;
        let mut chosen = (0..=top).find_map(|tier| self.stretch(runs, tier))?;
        // What comes out may complete the tier above: then all of it is merged at once, and nothing twice.
        while let Some(wider) = self.wider(runs, &chosen) {
            chosen = wider;
        }
        Some(chosen)
    }

    /// The youngest neighbours that are worth merging while there is nothing else to do; `None` if there are none.
    pub(super) fn next_tidying(&self, runs: &[Extent]) -> Option<Range<usize>> {
        let (youngest, older) = runs.split_last()?;
        let (mut merged, mut chosen) = (*youngest, None);
        for (start, run) in older.iter().enumerate().rev() {
            let is_worth_it = merged.bytes.saturating_mul(TIDY_PART) >= run.bytes;
            merged = run.joined(merged);
            if !self.allows(merged) {
                break;
            }
            if is_worth_it {
                chosen = Some(start..runs.len());
            }
        }
        chosen
    }

    fn tier(&self, bytes: u64) -> u32 {
        let mut tier = 0;
        let mut size = self.unit.max(1);
        while size < bytes {
            size = size.saturating_mul(FAN_IN as u64);
            tier += 1;
        }
        tier
    }

    /// The youngest neighbours that lie in `tier` or below, if those of `tier` are enough.
    fn stretch(&self, runs: &[Extent], tier: u32) -> Option<Range<usize>> {
        let mut end = runs.len();
        while end > 0 {
            let start = self.start_of_stretch(runs, end, tier);
            if self.count(runs, start..end, tier) >= FAN_IN {
                return Some(start..end);
            }
            end = start.min(end - 1);
        }
        None
    }

    fn count(&self, runs: &[Extent], range: Range<usize>, tier: u32) -> usize {
        let range = runs.get(range).unwrap_or_default();
        range.iter().filter(|run| self.tier(run.bytes) == tier).count()
    }

    /// The oldest run from which all runs before `end` lie in `tier` or below and may be merged into one.
    fn start_of_stretch(&self, runs: &[Extent], end: usize, tier: u32) -> usize {
        let mut merged: Option<Extent> = None;
        let mut start = end;
        for run in runs.iter().take(end).rev() {
            let joined = merged.map_or(*run, |younger| run.joined(younger));
            if self.tier(run.bytes) > tier || (merged.is_some() && !self.allows(joined)) {
                break;
            }
            merged = Some(joined);
            start -= 1;
        }
        start
    }

    /// `chosen` with its older neighbours, if those of the tier that its result will lie in are enough together with it.
    fn wider(&self, runs: &[Extent], chosen: &Range<usize>) -> Option<Range<usize>> {
        let tier = self.tier(runs.get(chosen.clone())?.iter().map(|run| run.bytes).sum());
        let start = self.start_of_stretch(runs, chosen.end, tier);
        let older = self.count(runs, start..chosen.start, tier);
        (older + 1 >= FAN_IN).then_some(start..chosen.end)
    }

    fn allows(&self, merged: Extent) -> bool {
        merged.bytes <= self.bytes_max && merged.last_at.abs_diff(merged.first_at) <= self.span_max
    }
}

impl Extent {
    fn joined(self, younger: Self) -> Self {
        Self { bytes: self.bytes + younger.bytes, first_at: self.first_at, last_at: younger.last_at }
    }
}

#[cfg(test)]
mod tests;
