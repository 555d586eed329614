//! How long to wait before connecting again.

use core::time::Duration;

/// Pauses that grow, each drawn anew from the upper half of its length, so that clients which lost a server together do not come
/// back together.
#[derive(Clone, Debug)]
pub(super) struct Pauses {
    failures: u32,
    chance: u64,
}

/// The longest that the first pause may be.
const FIRST: Duration = Duration::from_secs(1);

/// The longest that any pause may be.
const LONGEST: Duration = Duration::from_secs(30);

impl Pauses {
    pub(super) const fn new(chance: u64) -> Self {
        Self { failures: 0, chance }
    }

    /// The next pause.
    pub(super) fn draw(&mut self) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        half + half.mul_f64(self.part())
    }

    /// Begins again with short pauses.
    pub(super) const fn begin_again(&mut self) {
        self.failures = 0;
    }

    /// 0 to 1, by `SplitMix64`.
    fn part(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.chance;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^= drawn >> 31;
        f64::from((drawn >> 32) as u32) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Vigna's `splitmix64.c` draws of the seed 0.
    #[test]
    fn chance_is_split_mix_64() {
        let mut pauses = Pauses::new(0);
        for drawn in [0xe220_a839_u32, 0x6e78_9e6a, 0x06c4_5d18] {
            assert!((pauses.part() - f64::from(drawn) / f64::from(u32::MAX)).abs() < 1e-12);
        }
    }

    #[test]
    fn pauses_double_from_one_second_to_thirty_and_lie_in_the_upper_half() {
        for chance in 0..100 {
            let mut pauses = Pauses::new(chance);
            for whole in [1, 2, 4, 8, 16, 30, 30, 30] {
                let whole = Duration::from_secs(whole);
                let pause = pauses.draw();
                assert!(whole / 2 <= pause && pause <= whole, "{pause:?} of {whole:?}");
            }
            pauses.begin_again();
            assert!(pauses.draw() <= FIRST);
        }
    }

    #[test]
    fn two_clients_do_not_pause_alike() {
        assert_ne!(Pauses::new(1).draw(), Pauses::new(2).draw());
    }
}
