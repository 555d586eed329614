//! Durable appends, in rounds: each store is given the same batches in its turn, on top of what was loaded.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use toom_core::Record;

use super::{Opened, Plan, disk};
use crate::data::Feed;
use crate::results::{median, quantile};
use crate::{Contender, Failure, Kind, Measure, Results};

/// Messages of a batch.
const SIZES: [(Measure, usize); 3] =
    [(Measure::Durable1, 1), (Measure::Durable16, 16), (Measure::Durable256, 256)];
/// Messages of a batch of the appends without a pause.
const SUSTAINED_BATCH: usize = 64;
/// Appends without a pause take longer turns, and fewer of them.
const SUSTAINED_ROUNDS: usize = 4;

/// How long each append of a store took.
type Times = Vec<(Kind, Vec<Vec<Duration>>)>;

impl Plan {
    /// Measures durable appends of every size.
    pub(super) fn measure_appends(
        &self,
        opened: &mut Opened,
        results: &mut Results,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        let turns = self.rounds * SIZES.len() + SUSTAINED_ROUNDS;
        progress.reset();
        progress.set_length((turns * self.kinds_in(Measure::Durable1).count()) as u64);
        for (measure, size) in SIZES {
            progress.set_message(measure.title());
            let times = self.rounds_of(opened, self.rounds, size, self.turn_batches, progress)?;
            for (kind, turns) in times {
                if let Some(figure) = figure(measure, size, &turns) {
                    results.note(measure, kind, figure);
                }
            }
        }
        progress.set_message(Measure::Sustained.title());
        let all = usize::try_from(self.sustained).unwrap_or(usize::MAX);
        let batches = (all / SUSTAINED_BATCH / SUSTAINED_ROUNDS).max(1);
        let times = self.rounds_of(opened, SUSTAINED_ROUNDS, SUSTAINED_BATCH, batches, progress)?;
        for (kind, turns) in times {
            note_sustained(kind, &turns.concat(), results);
        }
        Ok(())
    }

    /// Gives each store `batches` batches of `size` messages a round.
    fn rounds_of(
        &self,
        opened: &mut Opened,
        rounds: usize,
        size: usize,
        batches: usize,
        progress: &ProgressBar,
    ) -> Result<Times, Failure> {
        let mut times: Times = self.kinds_in(Measure::Durable1).map(|kind| (kind, Vec::new())).collect();
        for _ in 0..rounds {
            for (kind, turns) in &mut times {
                let Some(contender) = opened.contenders.get_mut(kind) else { continue };
                disk::settle(&self.folder)?;
                let feed = opened.feed.clone();
                let turn = turn(contender.as_mut(), feed, size, batches);
                turns.push(turn.map_err(|error| Failure::Store { kind: *kind, doing: "append", error })?);
                progress.inc(1);
            }
            opened.feed.skip((size * batches) as u64);
        }
        Ok(times)
    }
}

/// How long each of `batches` took. Making them is not counted.
fn turn(
    contender: &mut dyn Contender,
    mut feed: Feed,
    size: usize,
    batches: usize,
) -> Result<Vec<Duration>, crate::StoreError> {
    let mut append = |batch: Vec<Record>| {
        let start = Instant::now();
        contender.append_batch(&batch)?;
        Ok(start.elapsed())
    };
    (0..batches).map(|_| append(feed.batch(size))).collect()
}

/// One message a batch: the median of all appends. More: the median of the turns' rates, in which pauses of the store count.
fn figure(measure: Measure, size: usize, turns: &[Vec<Duration>]) -> Option<f64> {
    if measure == Measure::Durable1 {
        return median(&mut micros(&turns.concat()));
    }
    let mut rates: Vec<f64> = turns.iter().map(|turn| rate(size, turn)).collect();
    median(&mut rates)
}

fn note_sustained(kind: Kind, times: &[Duration], results: &mut Results) {
    results.note(Measure::Sustained, kind, rate(SUSTAINED_BATCH, times));
    let mut micros = micros(times);
    for (measure, per_mille) in
        [(Measure::SustainedP50, 500), (Measure::SustainedP99, 990), (Measure::SustainedP999, 999)]
    {
        if let Some(figure) = quantile(&mut micros, per_mille) {
            results.note(measure, kind, figure);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people, of which three digits count")]
fn rate(size: usize, times: &[Duration]) -> f64 {
    (size * times.len()) as f64 / times.iter().sum::<Duration>().as_secs_f64()
}

fn micros(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn_of(micros: &[u64]) -> Vec<Duration> {
        micros.iter().copied().map(Duration::from_micros).collect()
    }

    #[test]
    fn one_pause_changes_the_rate_of_its_turn_but_not_the_median_append() {
        let turns = [turn_of(&[100, 100]), turn_of(&[100, 9900]), turn_of(&[100, 300])];
        assert_eq!(figure(Measure::Durable1, 1, &turns), Some(100.0));
        // Two batches of 16 in 400 µs, which is the middle turn.
        assert_eq!(figure(Measure::Durable16, 16, &turns), Some(80_000.0));
    }

    #[test]
    fn the_slowest_of_a_thousand_shows_in_the_last_quantile_only() {
        let mut times = turn_of(&[100; 2000]);
        times[7] = Duration::from_millis(5);
        times[8] = Duration::from_millis(5);
        times[9] = Duration::from_millis(5);
        let mut results = Results::default();
        note_sustained(Kind::Redb, &times, &mut results);
        assert_eq!(results.figure(Measure::SustainedP99, Kind::Redb), Some(100.0));
        assert_eq!(results.figure(Measure::SustainedP999, Kind::Redb), Some(5000.0));
    }
}
