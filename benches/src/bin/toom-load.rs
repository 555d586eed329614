//! Puts load on a `toomd`, and says what a delivery costs it.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use toom_benches::load::{
    Encryption, Fleet, Lag, LoadError, Pace, Plan, ServerProcess, Usage, allow_open_files, enter,
};

/// Files that are neither receivers nor posters.
const OTHER_FILES: u64 = 64;

/// Starts the `toomd` beside this program, in memory, lets receivers and posters log in, posts, and checks that every message
/// arrived at every receiver, once and in order. It exits with 0 only if all did.
#[derive(Debug, Parser)]
#[command(name = "toom-load", version)]
struct Args {
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

fn at_least<const MIN: usize>(raw: &str) -> Result<usize, String> {
    let number = raw.parse().ok().filter(|number| (MIN..=10_000_000).contains(number));
    number.ok_or_else(|| format!("a number from {MIN} to 10000000 is expected"))
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("toom-load: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, of which three digits count")]
fn run(args: &Args) -> Result<(), LoadError> {
    let (plan, posters) = plan(args);
    let peers = args.receivers + posters;
    allow_open_files(peers as u64 + OTHER_FILES)?;
    let program = std::env::current_exe()
        .map_err(|error| LoadError::System { doing: "finding this program", error })?;
    let encryption = if args.tls { Encryption::Tls } else { Encryption::Plain };
    let server = ServerProcess::start(Path::new(&program), peers, encryption)?;

    let empty = server.usage()?;
    let entered = enter(server.door(), args.receivers, posters)?;
    let idle = server.usage()?;
    println!(
        "logins:       {peers} in {:.2?}, {:.0} a second, {:.0} µs of the server's CPU each",
        entered.took,
        peers as f64 / entered.took.as_secs_f64(),
        idle.cpu.saturating_sub(empty.cpu).as_secs_f64() * 1e6 / peers as f64
    );
    let memory = idle.resident_bytes.saturating_sub(empty.resident_bytes);
    println!("memory:       {} bytes of the server's a connection", memory / peers as u64);

    let fleet = Fleet::new(entered, args.receivers)?;
    let own = Usage::own()?;
    let posted = fleet.run(&plan)?;
    let (server_after, own_after) = (server.usage()?, Usage::own()?);

    let deliveries = posted.deliveries as f64;
    let micros = |from: Usage, to: Usage| to.cpu.saturating_sub(from.cpu).as_secs_f64() * 1e6 / deliveries;
    println!("deliveries:   {} in {:.2?}, none twice, all in order", posted.deliveries, posted.took);
    if args.allow_lag {
        println!("left out:     {}, told of by LAG", posted.left_out);
    }
    println!("rate:         {:.0} deliveries a second", deliveries / posted.took.as_secs_f64());
    println!("server CPU:   {:.3} µs a delivery", micros(idle, server_after));
    println!("load's CPU:   {:.3} µs a delivery", micros(own, own_after));
    println!("latency:      {}", posted.delay);
    Ok(())
}

/// The plan, and how many posters carry it out.
fn plan(args: &Args) -> (Plan, usize) {
    let lag = if args.allow_lag { Lag::Counted } else { Lag::Fails };
    let plan = |messages, pace| Plan { messages, body_bytes: args.bytes, pace, lag };
    args.one_at_a_time.map_or_else(
        || (plan(args.messages, Pace::Window(args.window)), args.posters),
        |messages| (plan(messages, Pace::OneAtATime), 1),
    )
}
