//! Measures TOOM's store beside others, in one run, on the same data.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use toom_rivals::run::{Site, Task};
use toom_rivals::{Failure, Kind, Plan, report};

/// Measures TOOM's store beside SQLite, redb, LMDB and fjall, and beside what no store can pass, in one run, on the same
/// data. The table goes to standard output.
#[derive(Debug, Parser)]
#[command(name = "toom-rivals", version, args_conflicts_with_subcommands = true)]
struct Args {
    /// How many messages are loaded
    #[arg(long, default_value = "1000000")]
    messages: NonZeroU64,
    /// How many rooms half of them are spread over
    #[arg(long, default_value = "1000")]
    rooms: NonZeroU32,
    /// Measure memory with so many rooms, too
    #[arg(long)]
    many_rooms: Option<NonZeroU32>,
    /// Where the stores are made, and removed afterwards: on the disk that is to be measured
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Which stores and limits, by commas; all when left out
    #[arg(long, value_enum, value_delimiter = ',')]
    stores: Vec<Kind>,
    /// How many rounds the stores take turns for
    #[arg(long, default_value = "9")]
    rounds: NonZeroUsize,
    /// How many pages a store reads in its turn
    #[arg(long, default_value = "2000")]
    turn_pages: NonZeroUsize,
    /// How many batches a store appends in its turn
    #[arg(long, default_value = "200")]
    turn_batches: NonZeroUsize,
    /// How many messages are appended without a pause
    #[arg(long, default_value = "1000000")]
    sustained: NonZeroU64,
    /// How many batches of 256 are appended before a process is killed
    #[arg(long, default_value = "300")]
    kill_batches: NonZeroUsize,
    /// What a store may cache, in MiB, if it caches by itself
    #[arg(long, default_value = "128")]
    cache_mib: NonZeroU32,
    /// Write the table there, too
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Write the chart there
    #[arg(long)]
    svg: Option<PathBuf>,
    #[command(subcommand)]
    child: Option<Child>,
}

#[derive(Debug, Subcommand)]
enum Child {
    /// What a run does in processes of their own
    #[command(hide = true)]
    Child {
        task: Task,
        #[command(flatten)]
        site: Site,
        /// How many messages were acknowledged before
        #[arg(long)]
        messages: u64,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.child {
        Some(Child::Child { task, site, messages }) => task.run(site, *messages),
        None => compare(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("toom-rivals: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: &Args) -> Result<(), Failure> {
    let made = tempfile::Builder::new().prefix("toom-rivals-").tempdir_in(&args.dir);
    let folder = made.map_err(|error| file(&args.dir, "make a folder in it", error))?;
    let program =
        std::env::current_exe().map_err(|error| file(Path::new("toom-rivals"), "find it", error))?;
    let plan = Plan {
        program,
        folder: folder.path().to_owned(),
        kinds: kinds(&args.stores),
        messages: args.messages.get(),
        rooms: args.rooms.get(),
        many_rooms: args.many_rooms.map(NonZeroU32::get),
        rounds: args.rounds.get(),
        turn_pages: args.turn_pages.get(),
        turn_batches: args.turn_batches.get(),
        sustained: args.sustained.get(),
        kill_batches: args.kill_batches.get(),
        cache_bytes: (args.cache_mib.get() as usize) << 20,
    };
    let results = plan.run(&progress())?;
    let table = report::table(&results);
    print!("{table}");
    write(args.markdown.as_deref(), &table)?;
    write(args.svg.as_deref(), &report::chart(&results))
}

/// Each of `asked` once, in the order of the table; all where none is asked for.
fn kinds(asked: &[Kind]) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| asked.is_empty() || asked.contains(kind)).collect()
}

fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:30} {human_pos}/{human_len} {msg}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn write(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, text).map_err(|error| file(path, "write it", error))
}

fn file(path: &Path, doing: &'static str, error: std::io::Error) -> Failure {
    Failure::File { path: path.to_owned(), doing, error }
}
