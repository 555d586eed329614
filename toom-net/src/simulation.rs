//! A server with all its clients, its network, its clocks and its disk, in one thread, from one seed.
//!
//! Engine, hub and clients are those that users run: what the server's threads do, [`Simulation`] does in an order that chance chooses, and so does everything
//! outside. Connections delay, split, stall and drop; clocks jump; the disk tears, forgets, fails and is full; the server is killed, also
//! while it recovers; old messages are dropped; files are offered; clients retry; strangers guess passwords and send garbage. Whatever anybody is shown is held against what the server promises, at once, and
//! when the faults are over everything has to come to rest. The same seed does the same, to the byte.
//!
//! ```
//! use toom_net::simulation::{Options, Simulation};
//!
//! let once = Simulation::new(7, Options { steps: 300, ..Options::default() }).run()?;
//! let again = Simulation::new(7, Options { steps: 300, ..Options::default() }).run()?;
//! assert_eq!(once.digest, again.digest);
//! # Ok::<(), toom_net::simulation::Failure>(())
//! ```

mod accounts;
mod arrived;
mod calm;
mod chance;
mod common;
mod damage;
mod fan_out;
mod faults;
mod guesses;
mod host;
mod log;
mod network;
mod reading;
mod report;
mod store;
mod talk;
mod talker;
mod truth;
mod vandal;
mod view;
mod visitor;
mod weather;
mod wire;
mod world;

#[cfg(test)]
mod tests;

pub use fan_out::FanOut;
pub use report::{Counts, Failure, Report};

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many steps are taken before the faults end.
    pub steps: u64,
    /// Whether each step is printed to standard error.
    pub print: Print,
}

/// Whether each step is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Print {
    /// It is not.
    #[default]
    Nothing,
    /// It is, to standard error.
    Steps,
}

impl Default for Options {
    fn default() -> Self {
        Self { steps: 4000, print: Print::default() }
    }
}

/// One run, not begun yet.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    seed: u64,
    options: Options,
}

impl Simulation {
    /// What comes of `seed`.
    #[must_use]
    pub const fn new(seed: u64, options: Options) -> Self {
        Self { seed, options }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// [`Failure`] says which promise was broken, and at which step.
    pub fn run(self) -> Result<Report, Failure> {
        world::World::new(self.seed, self.options).run()
    }
}
