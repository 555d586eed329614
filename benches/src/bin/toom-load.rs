//! Puts load on a server, and says what a delivery costs it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use toom_benches::load::{
    Encryption, FanOut, Lag, LatencyBench, LoadError, Pace, Plan, Server, Soak, Store, Strangers, Tables,
    relay,
};

/// How much of the server's memory a connection may take that is logged in and idle, over plain TCP.
const IDLE_BYTES_MAX: u64 = 2048;
/// How much a peer that is not logged in may make the server hold, also over TLS.
const STRANGER_BYTES_MAX: u64 = 8192;

/// Starts a server, the `toomd` beside this program unless told otherwise, lets receivers and posters log in, posts, and checks that every
/// message arrived at every receiver, once and in order. It exits with 0 only if all did.
#[derive(Debug, Parser)]
#[command(
    name = "toom-load",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    fan_out: FanOutArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure all servers and stores in turn, and print tables of medians, as Markdown
    Table {
        /// How many rounds
        #[arg(long, default_value_t = 5, value_parser = at_least::<1>)]
        rounds: usize,
        /// The folder in which the servers make theirs
        #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
        dir: PathBuf,
    },
    /// Hold many connections open, all logged in, and post one message to all of them
    ///
    /// It fails if one costs more than 2 KiB of the server's memory over plain TCP.
    Connections {
        /// How many
        #[arg(value_name = "N", value_parser = at_least::<2>)]
        count: usize,
        /// Over TLS
        #[arg(long)]
        tls: bool,
    },
    /// Measure from the post to the delivery, alone and beside a reader of the whole history and logins with hashed passwords
    Latency {
        /// How many sessions receive
        #[arg(long, default_value_t = 1000, value_parser = at_least::<1>)]
        receivers: usize,
        /// How many messages are posted, 20 a second, in each of the two parts
        #[arg(long, default_value_t = 200, value_parser = at_least::<1>)]
        messages: usize,
        /// How many messages the history has
        #[arg(long, default_value_t = 1_000_000, value_parser = at_least::<1>)]
        history: usize,
        /// How many peers log in, each in a loop
        #[arg(long, default_value_t = 50, value_parser = at_least::<1>)]
        logins: usize,
        /// What a message outlives once it is acknowledged; `sync` waits for the disk before it delivers
        #[arg(long, value_enum, default_value_t = Outlives::Sync)]
        durability: Outlives,
        /// Over TLS
        #[arg(long)]
        tls: bool,
        /// The folder in which the server makes its own, with the files of the store
        #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
        dir: PathBuf,
    },
    /// Measure what peers that never log in make the server hold
    ///
    /// It fails if that is more than 8 KiB each.
    Strangers {
        /// How many
        #[arg(value_name = "N", value_parser = at_least::<1>)]
        count: usize,
        /// Over TLS
        #[arg(long)]
        tls: bool,
    },
    /// Let peers come, go, stall and misbehave for hours, kill the server again and again, and check that nothing is lost
    ///
    /// It fails if a promise is broken, if memory grows, or if anything is left open when all peers have gone.
    Soak(SoakArgs),
    /// Be the bare relay
    #[command(hide = true)]
    Relay,
}

#[derive(Debug, Args)]
struct FanOutArgs {
    /// Which server
    #[arg(long, value_enum, default_value_t = Program::Toom)]
    server: Program,
    /// Where toomd keeps the messages
    #[arg(long, value_enum, default_value_t = Kept::Memory)]
    store: Kept,
    /// What a message in files outlives once it is acknowledged
    #[arg(long, value_enum, default_value_t = Outlives::Sync)]
    durability: Outlives,
    /// The folder in which the server makes its own, with the files of the store
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    dir: PathBuf,
    /// Set a bound of toomd, such as outbox-bytes=1048576
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<String>,
    /// How many sessions receive
    #[arg(long, default_value_t = 1000, value_parser = at_least::<1>)]
    receivers: usize,
    /// How many sessions post
    #[arg(long, default_value_t = 10, value_parser = at_least::<1>)]
    posters: usize,
    /// How many posts of one poster may be unanswered
    #[arg(long, default_value_t = 64, value_parser = at_least::<1>)]
    window: usize,
    /// How many messages are posted in all
    #[arg(long, default_value_t = 20_000, value_parser = at_least::<1>)]
    messages: usize,
    /// How long each text is, in bytes
    #[arg(long, default_value_t = 100, value_parser = at_least::<16>)]
    bytes: usize,
    /// Instead: one poster, N messages, each posted when all receivers have got the one before
    #[arg(long, value_name = "N", value_parser = at_least::<1>, conflicts_with_all = ["posters", "window", "messages"])]
    one_at_a_time: Option<usize>,
    /// Count the messages that the server leaves out with LAG, instead of failing
    #[arg(long)]
    allow_lag: bool,
    /// Over TLS
    #[arg(long)]
    tls: bool,
}

#[derive(Debug, Args)]
struct SoakArgs {
    /// How long, such as 2h or 20s
    #[arg(long = "for", value_name = "TIME", default_value = "2h", value_parser = duration)]
    length: Duration,
    /// How many peers
    #[arg(long, default_value_t = 2000, value_parser = at_least::<20>)]
    peers: usize,
    /// How long the server lives on average before it is killed
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    restart_every: Duration,
    /// How long it is left alive at the end, so that its memory can be judged; half of the time when left out
    #[arg(long, value_name = "TIME", value_parser = duration)]
    calm: Option<Duration>,
    /// How many messages are posted a second in all, one of four to everyone
    #[arg(long, default_value_t = 20, value_parser = at_least::<1>)]
    posts_per_second: usize,
    /// How many bytes of history the server keeps
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    keep_bytes: u64,
    /// The folder in which the server makes its own, with the files of the store
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    dir: PathBuf,
    /// What decides by chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the samples go; the picture of them lies beside, as SVG
    #[arg(long, value_name = "FILE.csv", default_value = "soak.csv")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Program {
    /// The toomd that lies beside this program
    Toom,
    /// The redis-server of the search path
    Redis,
    /// The nats-server of the search path
    Nats,
    /// A bare relay: the system's share of the work
    Floor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kept {
    /// In memory alone
    Memory,
    /// In files
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Outlives {
    /// A crash of the program, and the loss of power
    Sync,
    /// A crash of the program
    Buffered,
}

fn at_least<const MIN: usize>(raw: &str) -> Result<usize, String> {
    let number = raw.parse().ok().filter(|number| (MIN..=10_000_000).contains(number));
    number.ok_or_else(|| format!("a number from {MIN} to 10000000 is expected"))
}

fn duration(raw: &str) -> Result<Duration, String> {
    let length = raw.parse::<jiff::SignedDuration>().ok().and_then(|length| Duration::try_from(length).ok());
    length
        .filter(|length| !length.is_zero())
        .ok_or_else(|| "a length of time such as 2h, 5m or 20s is expected".to_owned())
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("toom-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), LoadError> {
    match cli.command {
        None => println!("{}", cli.fan_out.fan_out()?.run()?),
        Some(Command::Table { rounds, dir }) => {
            println!("{}", Tables::measure(rounds, &dir, |line| eprintln!("{line}"))?);
        }
        Some(Command::Connections { count, tls }) => hold(count, encryption(tls))?,
        Some(Command::Latency { receivers, messages, history, logins, durability, tls, dir: folder }) => {
            let store = durability.store();
            let (encryption, interval) = (encryption(tls), Duration::from_millis(50));
            let bench =
                LatencyBench { store, encryption, folder, receivers, messages, interval, history, logins };
            println!("{}", bench.run()?);
        }
        Some(Command::Strangers { count, tls }) => {
            let strangers = Strangers { count, encryption: encryption(tls), folder: std::env::temp_dir() };
            let held = strangers.run()?;
            print!("{held}");
            bounded(held.worst(), STRANGER_BYTES_MAX)?;
        }
        Some(Command::Soak(args)) => print!("{}", args.soak().run(&mut |line| eprintln!("{line}"))?),
        Some(Command::Relay) => relay()?,
    }
    Ok(())
}

fn encryption(tls: bool) -> Encryption {
    if tls { Encryption::Tls } else { Encryption::Plain }
}

fn bounded(bytes: u64, allowed: u64) -> Result<(), LoadError> {
    if bytes > allowed { Err(LoadError::Memory { bytes, allowed }) } else { Ok(()) }
}

/// Many connections, and one message to all.
fn hold(count: usize, encryption: Encryption) -> Result<(), LoadError> {
    let plan = Plan {
        messages: 1,
        body_bytes: 100,
        pace: Pace::OneAtATime,
        lag: Lag::Fails,
        held: 0,
        sampled: count,
    };
    let server = Server::Toom(Store::Memory, encryption);
    let (receivers, folder) = (count - 1, std::env::temp_dir());
    let figures = FanOut { server, folder, receivers, posters: 1, plan, limits: Vec::new() }.run()?;
    println!("{figures}");
    if encryption == Encryption::Plain { bounded(figures.bytes_a_peer, IDLE_BYTES_MAX) } else { Ok(()) }
}

impl SoakArgs {
    fn soak(self) -> Soak {
        let Self { length, peers, restart_every, calm, posts_per_second, keep_bytes, dir, seed, out } = self;
        let posts_a_second = f64::from(u32::try_from(posts_per_second).unwrap_or(u32::MAX));
        let calm = calm.unwrap_or(length / 2);
        Soak { length, peers, restart_every, calm, posts_a_second, keep_bytes, folder: dir, seed, out }
    }
}

impl FanOutArgs {
    fn fan_out(self) -> Result<FanOut, LoadError> {
        let server = self.server()?;
        let (messages, posters, pace) = match self.one_at_a_time {
            Some(messages) => (messages, 1, Pace::OneAtATime),
            None => (self.messages, self.posters, Pace::Window(self.window)),
        };
        let lag = if self.allow_lag { Lag::Counted } else { Lag::Fails };
        let plan = Plan { messages, body_bytes: self.bytes, pace, lag, held: 0, sampled: 10 };
        Ok(FanOut { server, folder: self.dir, receivers: self.receivers, posters, plan, limits: self.limits })
    }

    fn server(&self) -> Result<Server, LoadError> {
        let server = match self.server {
            Program::Toom => {
                return Ok(Server::Toom(self.store(), encryption(self.tls)));
            }
            Program::Redis => Server::Redis,
            Program::Nats => Server::Nats,
            Program::Floor => Server::Floor,
        };
        if self.tls || self.store == Kept::File {
            return Err(LoadError::ToomOnly);
        }
        Ok(server)
    }

    fn store(&self) -> Store {
        match (self.store, self.durability) {
            (Kept::Memory, _) => Store::Memory,
            (Kept::File, outlives) => outlives.store(),
        }
    }
}

impl Outlives {
    fn store(self) -> Store {
        match self {
            Self::Sync => Store::Sync,
            Self::Buffered => Store::Buffered,
        }
    }
}
