//! Hours of everything at once: peers that come, go, stall and misbehave, and a server that is killed again and again.
//!
//! Nothing that was acknowledged may be lost or doubled, whatever is pushed has to agree with what is read, and at the end the server must hold
//! what it held before anybody came. One thread does all of it, as in [`Fleet`](super::Fleet).

mod bars;
mod chart;
mod checker;
mod crowd;
mod host;
mod ledger;
mod link;
mod listener;
mod part;
mod passer;
mod poster;
mod reading;
mod resident;
mod run;
mod said;
mod sample;
mod tally;

use core::time::Duration;
use std::path::PathBuf;

use self::checker::Checker;
use self::part::Part;
use self::passer::Passer;
use self::poster::Poster;
use self::resident::{Habit, Resident};
use self::run::Run;
use super::LoadError;
use super::dialect::account;
use super::server::Ground;

/// How many accounts have hashed passwords. One is enough for all checks to take the way of the hashed ones, so that none tells which name has an account.
const HASHED: usize = 8;
/// The hash of [`PASSWORD`](super::dialect::PASSWORD), as cheap as may be: thousands log in again after each restart, and the checks are not what is tried here.
const HASH: &str =
    "$argon2id$v=19$m=64,t=1,p=1$b25seSBmb3IgYSBzb2FrIQ$DzJb60EjX5M4asRBl5c8CoYihAf7HvY3TdtvpUOdSY8";
/// Connections that the server still counts while their peers come anew.
const BESIDE: usize = 64;
/// How many listeners are in a room, beside the poster and the checker.
const ROOM_LISTENERS: usize = 3;

/// A soak: what it is made of, and where the samples go.
#[derive(Clone, Debug)]
pub struct Soak {
    /// How long it lasts.
    pub length: Duration,
    /// How many peers there are, at least 20.
    pub peers: usize,
    /// How long the server lives on average, before the last life begins.
    pub restart_every: Duration,
    /// How long the last life lasts at least: memory is judged in it.
    pub calm: Duration,
    /// How many posts a second there are in all. A fourth goes to everyone.
    pub posts_a_second: f64,
    /// How much of the history the server is told to keep.
    pub keep_bytes: u64,
    /// In which folder the server makes its own.
    pub folder: PathBuf,
    /// What chance is made of.
    pub seed: u64,
    /// The CSV file of the samples; the picture of them lies beside it, as SVG.
    pub out: PathBuf,
}

/// How many peers play which part.
#[derive(Clone, Copy, Debug)]
struct Cast {
    posters: usize,
    attentive: usize,
    dozing: usize,
    flooding: usize,
    passers: usize,
}

impl Soak {
    /// Runs it; `progress` is given a line now and then. What is answered says what was found.
    ///
    /// # Errors
    /// If a promise was broken, a bar was missed, or something did not work.
    pub fn run(&self, progress: &mut dyn FnMut(&str)) -> Result<String, LoadError> {
        super::allow_open_files((self.peers + BESIDE) as u64 * 2)?;
        let mut run = Run::begin(self, progress)?;
        let ended = run.all(progress);
        run.draw()?;
        if ended.is_err() {
            progress(&format!("what the server left is in {}", run.keep_folder().display()));
        }
        ended?.result()
    }

    fn ground(&self) -> Ground {
        let (first, connections) = (self.peers + BESIDE, self.peers + BESIDE);
        let accounts = (first..first + HASHED).map(|index| format!("{} {HASH}", account(index))).collect();
        Ground { folder: self.folder.clone(), connections, accounts, arguments: Vec::new() }
    }

    fn cast(&self) -> Cast {
        let posters = (self.peers / 100).max(2);
        let (dozing, flooding, passers) = (self.peers / 12, (self.peers / 100).max(3), self.peers * 3 / 10);
        let attentive = self.peers.saturating_sub(1 + posters + dozing + flooding + passers);
        Cast { posters, attentive, dozing, flooding, passers }
    }

    /// The checker first, who is in every room.
    fn parts(&self) -> Vec<Box<dyn Part>> {
        let Cast { posters, attentive, dozing, flooding, passers } = self.cast();
        let interval = Duration::from_secs_f64(
            f64::from(u32::try_from(posters).unwrap_or(u32::MAX)) / self.posts_a_second,
        );
        let first_listener = 1 + posters;
        let mut parts: Vec<Box<dyn Part>> = vec![Box::new(Checker::new(0, self.keep_bytes / 2))];
        for poster in 0..posters {
            let listeners =
                (0..ROOM_LISTENERS).map(|place| (poster * ROOM_LISTENERS + place) % attentive.max(1));
            let members =
                [0].into_iter().chain(listeners.map(|listener| first_listener + listener)).collect();
            parts.push(Box::new(Poster::new(1 + poster, members, interval)));
        }
        for (habit, count) in
            [(Habit::Attentive, attentive), (Habit::Dozes, dozing), (Habit::DozesOverPages, flooding)]
        {
            for _ in 0..count {
                parts.push(Box::new(Resident::new(parts.len(), habit)));
            }
        }
        for _ in 0..passers {
            parts.push(Box::new(Passer::new(parts.len(), (self.peers + BESIDE, HASHED))));
        }
        parts
    }
}
