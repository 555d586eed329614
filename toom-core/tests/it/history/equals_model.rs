//! The engine says and does what the model says.

use proptest::prelude::*;

use crate::history::schedule::{Deed, config, deed, fault, kept_max, steps};
use crate::history::world::World;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every reply, every refusal, the whole list of effects with its audience, every page, at every step, with single operations
    /// and batches mixed, retries, logins and logouts, accounts that come and go, retention, reopening and recovery.
    ///
    /// It catches, among others: a right that is checked on another room or not at all; a number that is skipped or given twice;
    /// a stamp that is the wall clock's; an audience with the poster in it; a batch whose operations do not see each other;
    /// a limit that is off by one; a key that is looked up for another user, or not before the other checks.
    #[test]
    fn the_engine_says_what_the_model_says(config in config(), kept in kept_max(), steps in steps(deed(), 100)) {
        World::new(config, kept).run(&steps);
    }

    /// The same with a disk that fails: what an append did not accept is neither answered, delivered, shown nor counted; after
    /// a failure nothing is written until the store is opened again, while reads and retries of what is stored go on; after
    /// a full disk writes go on; and what the disk turns out to hold is what counts.
    ///
    /// It catches: applying before appending; releasing a batch's answers or effects when it failed; forgetting the failure;
    /// taking a full disk for a failure, or the other way round; reopening that keeps old state.
    #[test]
    fn what_the_store_did_not_accept_did_not_happen(config in config(), kept in kept_max(), steps in steps(prop_oneof![
        6 => deed(),
        1 => fault().prop_map(Deed::Fault),
    ], 100)) {
        World::new(config, kept).run(&steps);
    }
}
