//! What a run is like: each draws its own, so that runs differ in what they try.

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;

use toom_core::{Config, FileOptions, Housekeeping, Limits, Policy, Retention, Seed};

use super::chance::Chance;
use super::talker::PIECE_BYTES_MAX;
use crate::protocol::Leave;
use crate::server::{Rate, ServerLimits};

/// The most rows of a page that anybody asks for.
const ROWS_MAX: usize = 100;
/// No text is shorter.
const TEXT_BYTES_MIN: usize = 8;
/// The reply to `HELP` is not longer.
const HELP_BYTES: usize = 2000;

/// Who is there, and how often, in ten thousand steps, each kind of trouble comes.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) users: usize,
    pub(super) visitors: usize,
    pub(super) talkers: usize,
    pub(super) vandals: usize,
    /// How many bytes a connection holds each way.
    pub(super) window: usize,
    /// The longest text.
    pub(super) text_bytes_max: usize,
    /// The longest time between two steps.
    pub(super) pace: Duration,
    pub(super) cuts: usize,
    pub(super) stalls: usize,
    pub(super) sleeps: usize,
    pub(super) disk_faults: usize,
    pub(super) power_cuts: usize,
    pub(super) kills: usize,
    pub(super) shutdowns: usize,
    pub(super) clocks: usize,
    pub(super) leaps: usize,
    /// Guesses in the very moment in which a block ends.
    pub(super) edges: usize,
    pub(super) operator: usize,
    pub(super) limits: ServerLimits,
    pub(super) config: Config,
    pub(super) journal_bytes: u64,
    pub(super) retention: Retention,
    /// Whether clients send files.
    pub(super) has_files: bool,
    pub(super) random: [u8; 16],
}

impl Weather {
    /// The weather of `seed`. What came later into the world is drawn apart, by hundreds of seeds, so that the others stay what they were.
    pub(super) fn draw(seed: u64, chance: &mut Chance) -> Self {
        // Half of the troubles are missing in half of the runs: what one hides the others may show.
        let mut often = |most: usize| {
            if chance.permille(400) { 0 } else { chance.between(1, most) }
        };
        let (cuts, stalls, sleeps) = (often(50), often(50), often(300));
        let (disk_faults, power_cuts, kills) = (often(20), often(10), often(6));
        let (shutdowns, clocks, leaps, operator) = (often(4), often(20), often(30), often(10));
        let edges = often(60);
        let has_retention = seed / 100 % 2 == 1;
        // With few messages to a file there is something to drop.
        let journal_bytes_max = if has_retention { 2048 } else { u64::MAX };
        let has_files = seed / 200 % 2 == 1;
        let mut weather = Self {
            users: chance.between(2, 6),
            visitors: chance.between(1, 5),
            talkers: chance.between(1, 4),
            vandals: chance.between(0, 3),
            window: *chance.pick(&[48, 200, 1000, 8000]).unwrap_or(&1000),
            text_bytes_max: *chance.pick(&[20, 60, 400]).unwrap_or(&60),
            pace: *chance.pick(&[200, 3000, 20_000].map(Duration::from_micros)).unwrap_or(&Duration::ZERO),
            cuts,
            stalls,
            sleeps,
            disk_faults,
            power_cuts,
            kills,
            shutdowns,
            clocks,
            leaps,
            edges,
            operator,
            limits: limits(chance),
            config: config(chance),
            journal_bytes: chance.pick(&[512, 2048, 16_384]).copied().unwrap_or(2048).min(journal_bytes_max),
            retention: if has_retention { retention(&mut Chance::new(!seed)) } else { Retention::default() },
            random: u128::from(chance.bits()).to_le_bytes(),
            has_files,
        };
        if has_files {
            weather.bring_files(&mut Chance::new(!seed ^ 1));
        }
        weather
    }

    /// Clients that send files, by way of the server, and not much room for that.
    fn bring_files(&mut self, chance: &mut Chance) {
        (self.users, self.visitors, self.vandals) = (chance.between(2, 3), 1, 1);
        self.talkers = chance.between(2, 6);
        self.window = *chance.pick(&[300, 1000, 8000]).unwrap_or(&1000);
        let seconds =
            |chance: &mut Chance, few: &[u64]| Duration::from_secs(chance.pick(few).copied().unwrap_or(60));
        self.limits = ServerLimits {
            outbox_bytes_max: *chance.pick(&[1000, 20_000]).unwrap_or(&1000),
            transfers_per_session_max: chance.between(1, 4),
            relays_max: chance.between(1, 3),
            offer_time: seconds(chance, &[1, 10, 300]),
            relay_time: seconds(chance, &[1, 60]),
            relay_bytes_per_second: *chance.pick(&[0, 500, 100_000]).unwrap_or(&0),
            ..self.limits
        };
    }

    /// The most bytes that wait for a peer: as many as it may leave unread before nothing more of its is read, as many again of what must
    /// not be left out, and the replies to what was read before.
    pub(super) fn outbox_bytes_most(&self) -> usize {
        let limits = &self.config.limits;
        // What stands on a line beside the text, and the longest text with what it begins with.
        let (line, text) = (90, self.text_bytes_max + 30);
        let rows = ROWS_MAX.min(limits.page_bytes_max / TEXT_BYTES_MIN + 1);
        let page = rows * line + (rows * text).min(limits.page_bytes_max + text);
        // `RDM` counts as half of the requests that may be under way; the longest of the other replies is that to `HELP`.
        let replies = 2 * page + HELP_BYTES + 2 * line * self.limits.requests_in_flight_max.get();
        // As many pieces of files as one side may give leave for at once.
        let piece = line + PIECE_BYTES_MAX.div_ceil(3) * 4;
        let pieces = if self.has_files { usize::from(Leave::MAX) * piece } else { 0 };
        2 * self.limits.outbox_bytes_max + replies + pieces
    }

    /// Whether old messages are dropped.
    pub(super) fn has_retention(&self) -> bool {
        self.retention != Retention::default()
    }

    /// The options of the store. Only the first opening of a store needs what is random.
    pub(super) fn options(&self) -> FileOptions {
        FileOptions::new(self.random)
            .journal_bytes(self.journal_bytes)
            .retention(self.retention)
            .index_cache_bytes(1 << 20)
            .housekeeping(Housekeeping::Caller)
    }
}

fn retention(chance: &mut Chance) -> Retention {
    let keep_for = [Some(10), Some(300), Some(5000), Some(100_000), None];
    let keep_for = chance.pick(&keep_for).copied().flatten().map(Duration::from_millis);
    // Each file takes some hundreds of bytes, however little it holds.
    let keep_bytes = [Some(1), Some(1500), Some(6000), Some(20_000)];
    let keep_bytes = chance.pick(&keep_bytes).copied().flatten();
    let keep_bytes = keep_bytes.filter(|_| keep_for.is_none() || chance.permille(300));
    Retention { keep_for, keep_bytes }
}

fn limits(chance: &mut Chance) -> ServerLimits {
    ServerLimits {
        // What is drawn for addresses is not drawn here.
        connections_per_address: Rate::UNBOUNDED,
        connections_max: chance.between(8, 60),
        posts: *chance
            .pick(&[Rate::UNBOUNDED, Rate { per_second: 50, burst: 5 }])
            .unwrap_or(&Rate::UNBOUNDED),
        idle_time: Duration::from_secs(*chance.pick(&[20, 120, 600]).unwrap_or(&120)),
        requests_in_flight_max: NonZeroUsize::MIN.saturating_add(chance.between(0, 8)),
        outbox_bytes_max: *chance.pick(&[100, 300, 1000, 20_000]).unwrap_or(&1000),
        password_checks_waiting_max: chance.between(0, 8),
        ..ServerLimits::default()
    }
}

fn config(chance: &mut Chance) -> Config {
    Config {
        policy: Policy { block: Duration::from_secs(10), ..Policy::default() },
        limits: Limits {
            page_bytes_max: *chance.pick(&[100, 700, 131_072]).unwrap_or(&700),
            source_failures_max: NonZeroU32::MIN.saturating_add(99),
            ..Limits::default()
        },
        seed: Seed::new(u128::from(chance.bits()).to_le_bytes()),
    }
}
