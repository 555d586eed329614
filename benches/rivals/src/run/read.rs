//! Reading, in rounds: each store answers the same queries in its turn.

use std::time::Instant;

use indicatif::ProgressBar;

use super::{Opened, Plan};
use crate::data::query::{Asker, Query};
use crate::results::median;
use crate::{Contender, Failure, Kind, Measure, Results, Seen};

impl Plan {
    /// Measures every read, each in rounds. The first round warms caches and does not count.
    pub(super) fn measure_reads(
        &self,
        opened: &Opened,
        results: &mut Results,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        progress.reset();
        progress.set_length((Measure::READING.len() * (self.rounds + 1)) as u64);
        for (place, measure) in (0..).zip(Measure::READING) {
            progress.set_message(measure.title());
            let mut asker = Asker::new(&opened.feed, place);
            let mut samples: Vec<(Kind, Vec<f64>)> =
                self.kinds_in(measure).map(|kind| (kind, Vec::new())).collect();
            for round in 0..=self.rounds {
                let queries = queries(measure, self.turn_pages, &mut asker);
                let mut first = None;
                for (kind, samples) in &mut samples {
                    let Some(contender) = opened.contenders.get(kind) else { continue };
                    let (micros, seen) = turn(*kind, contender.as_ref(), &queries)?;
                    agree(measure, *kind, seen, &mut first)?;
                    if round > 0 {
                        samples.push(micros);
                    }
                }
                progress.inc(1);
            }
            for (kind, mut samples) in samples {
                if let Some(figure) = median(&mut samples) {
                    results.note(measure, kind, figure);
                }
            }
        }
        Ok(())
    }
}

/// Of short reads there are more in a turn than of pages, of long ones fewer, so that turns take about as long.
fn queries(measure: Measure, pages: usize, asker: &mut Asker) -> Vec<Query> {
    let (count, ask): (usize, fn(&mut Asker) -> Query) = match measure {
        Measure::PageRoom => (pages, Asker::page_room),
        Measure::LastLarge => (pages, Asker::last_large),
        Measure::LastRoom => (pages, Asker::last_room),
        Measure::NothingNew => (pages * 10, Asker::nothing_new),
        Measure::Long => (pages.div_ceil(40), Asker::long),
        _ => (pages, Asker::page_large),
    };
    (0..count).map(|_| ask(asker)).collect()
}

/// The microseconds that one of `queries` took.
#[expect(clippy::cast_precision_loss, reason = "a figure for people, of which three digits count")]
fn turn(kind: Kind, contender: &dyn Contender, queries: &[Query]) -> Result<(f64, Option<Seen>), Failure> {
    let start = Instant::now();
    let seen = contender.answer(queries);
    let micros = start.elapsed().as_secs_f64() * 1e6 / queries.len() as f64;
    let seen = seen.map_err(|error| Failure::Store { kind, doing: "read messages", error })?;
    Ok((micros, seen))
}

/// All stores have to give one answer.
fn agree(
    measure: Measure,
    kind: Kind,
    seen: Option<Seen>,
    first: &mut Option<(Kind, Seen)>,
) -> Result<(), Failure> {
    let Some(seen) = seen else { return Ok(()) };
    match *first.get_or_insert((kind, seen)) {
        (other, expected) if expected != seen => Err(Failure::Disagreement { measure, kind, other }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Feed;

    #[test]
    fn two_stores_that_answer_differently_are_not_compared() {
        let mut feed = Feed::new(1);
        let batch = feed.batch(2);
        let seen = |count| Some(Seen::of(crate::data::messages(&batch).take(count)));
        let mut first = None;
        let mut check = |kind, seen| agree(Measure::Long, kind, seen, &mut first);
        check(Kind::Growing, None).unwrap();
        check(Kind::Sqlite, seen(2)).unwrap();
        check(Kind::Redb, seen(2)).unwrap();
        let error = check(Kind::Lmdb, seen(1)).unwrap_err();
        assert_eq!(error.to_string(), "10,000 in a row: LMDB and SQLite gave different answers");
    }
}
