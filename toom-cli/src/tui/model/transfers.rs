//! Files under way.

/// A file on its way from or to another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What it is called.
    pub name: String,
    /// Which way it goes.
    pub direction: Direction,
    /// How many bytes have arrived.
    pub done: u64,
    /// How many there are.
    pub total: u64,
    /// How it stands.
    pub state: State,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From another user to this one.
    In,
    /// From this user to another.
    Out,
}

/// How a transfer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The other side has not said yes yet.
    Waiting,
    /// It goes on.
    Running,
    /// It is complete and right.
    Done,
    /// It ended before, and why.
    Failed(String),
}

impl Transfer {
    /// How much has arrived, in hundredths.
    #[must_use]
    pub const fn percent(&self) -> u64 {
        if self.total == 0 || self.done >= self.total { 100 } else { self.done / (self.total.div_ceil(100)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_a_hundred_and_less_is_less() {
        let percent = |done, total| {
            let (name, direction) = (String::new(), Direction::In);
            Transfer { name, direction, done, total, state: State::Running }.percent()
        };
        assert_eq!([percent(0, 0), percent(0, 5), percent(50, 100), percent(100, 100)], [100, 0, 50, 100]);
        assert!(percent(u64::MAX - 1, u64::MAX) < 100);
        assert_eq!(percent(9, 3), 100);
    }
}
