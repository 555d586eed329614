//! What is counted.

/// What can happen to the peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Posted,
    Delivered,
    LeftOut,
    RowsRead,
    Dropped,
    Checked,
    Logins,
    Visits,
    WrongPasswords,
    Blocked,
    Throttled,
    Garbage,
    TooLong,
    TimedOut,
    Outsiders,
    CutOff,
}

impl Count {
    /// All of them with their names in the CSV file.
    pub(super) const ALL: [(Self, &'static str); 16] = [
        (Self::Posted, "posted"),
        (Self::Delivered, "delivered"),
        (Self::LeftOut, "left_out_by_lag"),
        (Self::RowsRead, "rows_read"),
        (Self::Dropped, "dropped_by_retention"),
        (Self::Checked, "checks_of_the_whole_history"),
        (Self::Logins, "logins"),
        (Self::Visits, "visits"),
        (Self::WrongPasswords, "wrong_passwords"),
        (Self::Blocked, "refused_blocked"),
        (Self::Throttled, "refused_throttled"),
        (Self::Garbage, "refused_garbage"),
        (Self::TooLong, "ended_line_too_long"),
        (Self::TimedOut, "ended_in_time"),
        (Self::Outsiders, "refused_outsiders"),
        (Self::CutOff, "left_in_mid_line"),
    ];
}

/// How often each happened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally([u64; Count::ALL.len()]);

impl Tally {
    pub(super) fn add(&mut self, count: Count, more: u64) {
        if let Some(sum) = self.0.get_mut(count as usize) {
            *sum += more;
        }
    }

    pub(super) fn of(&self, count: Count) -> u64 {
        self.0.get(count as usize).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_in_a_place_of_its_own() {
        let mut tally = Tally::default();
        for (place, (count, _)) in Count::ALL.into_iter().enumerate() {
            assert_eq!(count as usize, place);
            tally.add(count, place as u64);
        }
        assert!(
            Count::ALL.into_iter().enumerate().all(|(place, (count, _))| tally.of(count) == place as u64)
        );
    }
}
