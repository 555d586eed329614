//! What TOOM's store is to reach.

use crate::{Kind, Measure, Results};

/// What a figure is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference {
    /// The figure of one store or limit.
    Of(Kind),
    /// The best figure of all rivals.
    BestRival,
    /// TOOM's own figure in another row.
    Own(Measure),
    /// A fixed figure, in the measure's unit.
    Fixed(f64),
}

/// What the ratio of TOOM's figure to the reference has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// So much or less.
    AtMost(f64),
    /// So much or more.
    AtLeast(f64),
    /// Less than that.
    Below(f64),
}

/// A goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Of which row.
    pub measure: Measure,
    /// Compared with what.
    pub reference: Reference,
    /// How it has to compare.
    pub bound: Bound,
}

const fn goal(measure: Measure, reference: Reference, bound: Bound) -> Goal {
    Goal { measure, reference, bound }
}

const LMDB: Reference = Reference::Of(Kind::Lmdb);

/// All goals. Those of opening and of memory are meant for 10 million messages.
pub const GOALS: [Goal; 15] = [
    goal(Measure::Durable1, Reference::Of(Kind::Zeroed), Bound::AtMost(1.2)),
    goal(Measure::Durable16, Reference::BestRival, Bound::AtLeast(1.8)),
    goal(Measure::Durable256, Reference::BestRival, Bound::AtLeast(3.0)),
    goal(Measure::SustainedP999, Reference::Own(Measure::SustainedP50), Bound::Below(10.0)),
    goal(Measure::PageLarge, LMDB, Bound::AtMost(0.65)),
    goal(Measure::PageRoom, LMDB, Bound::AtMost(0.45)),
    goal(Measure::LastLarge, LMDB, Bound::Below(1.0)),
    goal(Measure::LastRoom, LMDB, Bound::Below(1.0)),
    goal(Measure::NothingNew, LMDB, Bound::Below(1.0)),
    goal(Measure::Long, LMDB, Bound::AtMost(0.4)),
    goal(Measure::OpenClean, Reference::Fixed(20.0), Bound::AtMost(1.0)),
    goal(Measure::OpenKilled, Reference::Fixed(100.0), Bound::AtMost(1.0)),
    goal(Measure::Resident, Reference::Fixed(64.0), Bound::AtMost(1.0)),
    goal(Measure::ResidentManyRooms, Reference::Fixed(64.0), Bound::AtMost(1.0)),
    goal(Measure::BytesAMessage, Reference::Fixed(150.0), Bound::AtMost(1.0)),
];

/// How a goal was met, or missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// TOOM's figure over the reference.
    pub ratio: f64,
    /// Whether it is within the bound.
    pub met: bool,
}

impl Goal {
    /// The goal of `measure`, if it has one.
    #[must_use]
    pub fn of(measure: Measure) -> Option<&'static Self> {
        GOALS.iter().find(|goal| goal.measure == measure)
    }

    /// How `results` compare; `None` where TOOM's figure or the reference was not measured.
    #[must_use]
    pub fn verdict(&self, results: &Results) -> Option<Verdict> {
        let ours = results.figure(self.measure, Kind::OURS)?;
        let reference = match self.reference {
            Reference::Of(kind) => results.figure(self.measure, kind)?,
            Reference::BestRival => results.best_rival(self.measure)?,
            Reference::Own(measure) => results.figure(measure, Kind::OURS)?,
            Reference::Fixed(figure) => figure,
        };
        let ratio = ours / reference;
        let met = match self.bound {
            Bound::AtMost(bound) => ratio <= bound,
            Bound::AtLeast(bound) => ratio >= bound,
            Bound::Below(bound) => ratio < bound,
        };
        Some(Verdict { ratio, met })
    }

    /// The goal in words.
    #[must_use]
    pub fn words(&self) -> String {
        let unit = self.measure.unit().symbol();
        let of = match self.reference {
            Reference::Fixed(figure) => return format!("at most {figure} {unit}"),
            Reference::Of(kind) => kind.title().to_owned(),
            Reference::BestRival => "the best rival".to_owned(),
            Reference::Own(_) => "its median".to_owned(),
        };
        match self.bound {
            Bound::AtMost(bound) => format!("at most {bound} of {of}"),
            Bound::AtLeast(bound) => format!("at least {bound} times {of}"),
            Bound::Below(bound) if (bound - 1.0).abs() < f64::EPSILON => format!("below {of}"),
            Bound::Below(bound) => format!("below {bound} times {of}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(measure: Measure, figures: &[(Measure, Kind, f64)]) -> Option<(f64, bool)> {
        let mut results = Results::default();
        for &(measure, kind, figure) in figures {
            results.note(measure, kind, figure);
        }
        let verdict = Goal::of(measure).unwrap().verdict(&results)?;
        Some((verdict.ratio, verdict.met))
    }

    #[test]
    fn a_goal_is_met_up_to_its_bound_and_missed_beyond() {
        let page = |ours| {
            let measure = Measure::PageLarge;
            verdict(measure, &[(measure, Kind::OURS, ours), (measure, Kind::Lmdb, 100.0)])
        };
        assert_eq!(page(65.0), Some((0.65, true)));
        assert_eq!(page(66.0), Some((0.66, false)));
        let rate = |ours| {
            let measure = Measure::Durable256;
            let rivals = [(measure, Kind::Sqlite, 5.0), (measure, Kind::Fjall, 10.0)];
            verdict(measure, &[rivals[0], rivals[1], (measure, Kind::OURS, ours)])
        };
        assert_eq!(rate(30.0), Some((3.0, true)));
        assert_eq!(rate(20.0), Some((2.0, false)));
    }

    #[test]
    fn equal_is_not_below() {
        let measure = Measure::NothingNew;
        assert_eq!(
            verdict(measure, &[(measure, Kind::OURS, 2.0), (measure, Kind::Lmdb, 2.0)]),
            Some((1.0, false))
        );
    }

    #[test]
    fn the_slowest_appends_are_compared_with_the_usual_ones() {
        let figures =
            [(Measure::SustainedP50, Kind::OURS, 100.0), (Measure::SustainedP999, Kind::OURS, 900.0)];
        assert_eq!(verdict(Measure::SustainedP999, &figures), Some((9.0, true)));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let measure = Measure::Long;
        assert_eq!(verdict(measure, &[(measure, Kind::OURS, 2.0)]), None);
        assert_eq!(verdict(measure, &[(measure, Kind::Lmdb, 2.0)]), None);
    }
}
