//! How fast a file goes from one program to another on this machine, and beside it `scp` with the same file, in turns. Both encrypt, and
//! both ends of both are programs of their own. Prints medians, ratios, and the most memory that either of our ends ever held.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement that fails says where"
)]

mod child;
mod scp;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;

use self::child::{Ours, Role};
use self::scp::Scp;

#[derive(Debug, Parser)]
struct Args {
    /// The length of the file
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// How many rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The folder for the file and its copies; in memory unless told otherwise, so that no disk is measured
    #[arg(long, value_name = "DIR", default_value_os_t = in_memory())]
    dir: PathBuf,
    /// Once, with a small file
    #[arg(long)]
    test: bool,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
    /// What a filter of the other benches would be; this one has nothing to choose from
    #[arg(hide = true)]
    filter: Option<String>,
    /// One of our two ends
    #[arg(long, value_enum, hide = true)]
    role: Option<Role>,
    /// The file that it sends, or the folder in which it receives
    #[arg(long, hide = true)]
    path: Option<PathBuf>,
}

fn main() {
    let args = Args::parse();
    if let (Some(role), Some(path)) = (args.role, &args.path) {
        child::run(role, path);
        return;
    }
    let (mib, rounds) = if args.test { (16, 1) } else { (args.mib, args.rounds) };
    let folder = tempfile::tempdir_in(&args.dir).unwrap();
    let file = folder.path().join("file");
    make(&file, mib);
    println!("{mib} MiB in {}, {rounds} rounds, medians; MB are 10^6 bytes", args.dir.display());
    let scp = Scp::start(folder.path());
    if let Err(reason) = &scp {
        println!("no comparison with scp: {reason}");
    }
    let ciphers = ["its default cipher", "aes128-gcm@openssh.com"];
    let (mut ours, mut theirs) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..rounds {
        ours.push(child::transfer(&file, folder.path()));
        if let Ok(scp) = &scp {
            theirs[0].push(timed(|| scp.copy(&file, folder.path(), None)));
            theirs[1].push(timed(|| scp.copy(&file, folder.path(), Some(ciphers[1]))));
        }
    }
    let bytes = mib << 20;
    let sent = median(ours.iter().map(|ours| ours.sending));
    report("toom-files, sent, checked, synced", bytes, sent, None);
    report("the same, hashed first", bytes, median(ours.iter().map(Ours::with_hashing)), None);
    for (cipher, times) in ciphers.iter().zip(&theirs).filter(|(_, times)| !times.is_empty()) {
        report(&format!("scp, {cipher}"), bytes, median(times.iter().copied()), Some(sent));
    }
    let peak = |of: fn(&Ours) -> u64| ours.iter().map(of).max().unwrap();
    println!(
        "most memory: sender {:.1} MiB, receiver {:.1} MiB, programs and all",
        mib_of(peak(|ours| ours.sender_kib)),
        mib_of(peak(|ours| ours.receiver_kib)),
    );
}

fn in_memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// A file that nothing can compress.
fn make(path: &Path, mib: u64) {
    let mut file = fs::File::create(path).unwrap();
    let mut random = fs::File::open("/dev/urandom").unwrap();
    let mut piece = vec![0; 1 << 20];
    for _ in 0..mib {
        random.read_exact(&mut piece).unwrap();
        file.write_all(&piece).unwrap();
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort();
    times[times.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn report(what: &str, bytes: u64, time: Duration, ours: Option<Duration>) {
    let rate = bytes as f64 / time.as_secs_f64() / 1e6;
    let ratio = ours.map(|ours| format!(", ours is {:.2} of it", time.as_secs_f64() / ours.as_secs_f64()));
    println!("{what}: {rate:.0} MB/s{}", ratio.unwrap_or_default());
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn mib_of(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
