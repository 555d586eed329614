//! Runs the simulation of a server with its clients, network and disk, seed by seed.

use std::ops::Range;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use toom_net::simulation::{Counts, Options, Print, Simulation};

/// Runs a server with its clients, its network and its disk in one thread, once for each seed, and holds whatever anybody is shown
/// against what is promised.
///
/// The same seed does the same, to the byte: a seed that failed fails again, at the same step.
#[derive(Debug, Parser)]
#[command(name = "toom-sim", version)]
struct Args {
    /// The seeds to run, the last one not included
    #[arg(long, value_name = "FROM..TO", default_value = "0..100", value_parser = seeds)]
    seeds: Range<u64>,
    /// One seed alone
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// How many steps each takes before the faults end
    #[arg(long, value_name = "N", default_value_t = Options::default().steps)]
    steps: u64,
    /// Prints each step to standard error
    #[arg(long)]
    trace: bool,
    /// How many run at a time [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Goes on after a seed failed
    #[arg(long)]
    keep_going: bool,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let parts = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    let (from, to) = parts.ok_or("give two numbers, as in 0..1000")?;
    if from < to { Ok(from..to) } else { Err("the first must be less than the second".to_owned()) }
}

/// What has come of the seeds so far.
#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    steps: u64,
    passed: u64,
    failed: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seeds = args.seed.map_or(args.seeds.clone(), |seed| seed..seed + 1);
    let print = if args.trace { Print::Steps } else { Print::Nothing };
    let options = Options { steps: args.steps, print };
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    let jobs = if args.trace { 1 } else { jobs.unwrap_or(1).max(1) };

    let (begun, tally) = (Instant::now(), Mutex::new(Tally::default()));
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || !run(seed, options, &tally) && !args.keep_going {
                        next.fetch_max(seeds.end, Ordering::Relaxed);
                        return;
                    }
                }
            });
        }
    });

    let tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    print!("{}", tally.counts);
    let (runs, seconds) = (tally.passed + tally.failed, begun.elapsed().as_secs_f64());
    println!("{runs} seeds, {} steps, {seconds:.1} s: {} failed", tally.steps, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one seed, and tells whether every promise was kept.
fn run(seed: u64, options: Options, tally: &Mutex<Tally>) -> bool {
    let outcome = catch_unwind(|| Simulation::new(seed, options).run());
    let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let failure = match outcome {
        Ok(Ok(report)) => {
            tally.counts.add(&report.counts);
            tally.steps += report.steps;
            tally.passed += 1;
            if tally.passed.is_multiple_of(100) {
                eprintln!("{} seeds passed", tally.passed);
            }
            if options.print == Print::Steps {
                println!("seed {seed}: digest {:016x}", report.digest);
            }
            return true;
        }
        Ok(Err(failure)) => failure.to_string(),
        Err(_) => format!("seed {seed}: it panicked, as said above"),
    };
    tally.failed += 1;
    println!("{}", failure.trim_end());
    println!("again: cargo run -p toom-sim -- --seed {seed} --steps {} --trace", options.steps);
    false
}
