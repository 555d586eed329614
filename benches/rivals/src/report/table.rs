//! The table, in Markdown.

use core::fmt::Write;

use super::digits;
use crate::goals::Goal;
use crate::{Kind, Measure, Results};

/// The figures of `results`, a row a measure, with what TOOM's store was to reach.
#[must_use]
pub fn table(results: &Results) -> String {
    let kinds = results.kinds();
    let mut table = String::from("| measure |");
    for kind in &kinds {
        let _ = write!(table, " {kind} |");
    }
    table.push_str(" goal | ratio | |\n|");
    table.push_str(&" --- |".repeat(kinds.len() + 4));
    table.push('\n');
    for measure in Measure::ALL {
        if kinds.iter().any(|&kind| results.figure(measure, kind).is_some()) {
            row(&mut table, measure, &kinds, results);
        }
    }
    table
}

fn row(table: &mut String, measure: Measure, kinds: &[Kind], results: &Results) {
    let _ = write!(table, "| {}, {} |", measure.title(), measure.unit().symbol());
    for &kind in kinds {
        let figure = results.figure(measure, kind).map_or_else(|| "–".to_owned(), digits);
        let _ = write!(table, " {figure} |");
    }
    let goal = Goal::of(measure);
    let words = goal.map_or_else(String::new, Goal::words);
    let verdict = goal.and_then(|goal| goal.verdict(results));
    let ratio = verdict.map_or_else(String::new, |verdict| digits(verdict.ratio));
    let met = verdict.map_or("", |verdict| if verdict.met { "met" } else { "missed" });
    let _ = writeln!(table, " {words} | {ratio} | {met} |");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_every_store_and_whether_the_goal_is_met() {
        let mut results = Results::default();
        results.note(Measure::PageLarge, Kind::OURS, 6.1);
        results.note(Measure::PageLarge, Kind::Lmdb, 9.4);
        results.note(Measure::Durable16, Kind::Lmdb, 27_000.0);
        let table = table(&results);
        let ours = Kind::OURS.title();
        let expected = format!(
            "| measure | {ours} | LMDB | goal | ratio | |\n\
             | --- | --- | --- | --- | --- | --- |\n\
             | durable, 16 a batch, messages/s | – | 27,000 | at least 1.8 times the best rival |  |  |\n\
             | page of 100 at a random time, broadcast, µs | 6.10 | 9.40 | at most 0.65 of LMDB | 0.649 | met |\n"
        );
        assert_eq!(table, expected);
    }

    #[test]
    fn a_goal_that_is_not_reached_is_said_to_be_missed() {
        let mut results = Results::default();
        results.note(Measure::Long, Kind::OURS, 300.0);
        results.note(Measure::Long, Kind::Lmdb, 600.0);
        assert!(table(&results).ends_with("| at most 0.4 of LMDB | 0.500 | missed |\n"));
    }
}
