//! Numbers that look like chance and are the same in every run.

/// A linear congruential generator: the multiplier and the increment are those of PCG.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The high bits are the good ones.
        let high = self.0 >> 33;
        u32::try_from(high % u64::from(end.max(1))).unwrap_or_default()
    }
}
