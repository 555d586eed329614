//! What is taken down every few seconds, and what the figures say over hours.

use core::fmt::Write as _;
use core::time::Duration;

use super::super::Usage;
use super::host::Handles;
use super::tally::{Count, Tally};

/// How many groups of samples a trend is taken from.
const GROUPS: usize = 200;

/// How things stood at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Since the begin of the soak.
    pub(super) at: Duration,
    /// How often the server was started.
    pub(super) life: usize,
    /// How long the last start took.
    pub(super) ready: Duration,
    pub(super) peers: usize,
    pub(super) usage: Usage,
    pub(super) handles: Handles,
    /// Processors in use since the sample before, by the server and by the load.
    pub(super) server_cores: f64,
    pub(super) load_cores: f64,
    pub(super) store_bytes: u64,
    pub(super) tally: Tally,
}

impl Sample {
    /// The names of the columns.
    pub(super) fn head() -> String {
        let counts = Count::ALL.map(|(_, name)| name).join(",");
        format!(
            "seconds,life,ready_ms,peers,rss_bytes,sockets,store_files,nameless_files,other_handles,threads,server_cores,load_cores,store_bytes,{counts}\n"
        )
    }

    /// One line of the CSV file.
    pub(super) fn line(&self) -> String {
        let Self { at, life, ready, peers, usage, handles, server_cores, load_cores, store_bytes, tally } =
            self;
        let Handles { sockets, files, nameless, others } = handles;
        let Usage { resident_bytes, threads, .. } = usage;
        let (at, ready) = (at.as_secs_f64(), ready.as_millis());
        let mut line = format!(
            "{at:.1},{life},{ready},{peers},{resident_bytes},{sockets},{files},{nameless},{others},{threads},{server_cores:.3},{load_cores:.3},{store_bytes}"
        );
        for (count, _) in Count::ALL {
            let _ = write!(line, ",{}", tally.of(count));
        }
        line.push('\n');
        line
    }
}

/// How much `points`, of which each is a time in seconds and a figure, grow in an hour: the middle one of the slopes between any two (Theil and Sen),
/// which single outliers do not bend. Where there are many points, medians of neighbours stand for them.
pub(super) fn growth_an_hour(points: &[(f64, f64)]) -> Option<f64> {
    let size = points.len().div_ceil(GROUPS).max(1);
    let middle = |group: &[(f64, f64)]| {
        Some((median(group.iter().map(|point| point.0))?, median(group.iter().map(|point| point.1))?))
    };
    let points: Vec<_> = points.chunks(size).filter_map(middle).collect();
    let pairs = points.iter().enumerate().flat_map(|(place, late)| {
        points.iter().take(place).map(move |early| (late.1 - early.1) / (late.0 - early.0))
    });
    median(pairs).map(|slope| slope * 3600.0)
}

fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(each: impl Fn(u32) -> f64) -> Vec<(f64, f64)> {
        (0..1000).map(|second| (f64::from(second), each(second))).collect()
    }

    #[test]
    fn growth_is_told_by_the_hour_and_outliers_do_not_count() {
        let growth = |each: &dyn Fn(u32) -> f64| growth_an_hour(&line(each)).unwrap();
        assert!((growth(&|second| f64::from(second) * 2.0) - 7200.0).abs() < 1e-6);
        let peaks = |second: u32| if second.is_multiple_of(10) { 1e9 } else { f64::from(second) };
        assert!((growth(&peaks) - 3600.0).abs() < 1e-6);
        assert!(growth(&|_| 5.0).abs() < 1e-9);
        assert_eq!(growth_an_hour(&[(0.0, 1.0)]), None);
    }

    #[test]
    fn a_line_has_as_many_columns_as_the_head() {
        let usage = Usage { cpu: Duration::ZERO, resident_bytes: 1, threads: 2 };
        let sample = Sample {
            at: Duration::from_secs(1),
            life: 1,
            ready: Duration::ZERO,
            peers: 3,
            usage,
            handles: Handles::default(),
            server_cores: 0.5,
            load_cores: 0.5,
            store_bytes: 4,
            tally: Tally::default(),
        };
        assert_eq!(sample.line().split(',').count(), Sample::head().split(',').count());
    }
}
