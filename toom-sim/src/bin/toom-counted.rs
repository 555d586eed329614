//! Does one thing as often as it is told, for a program that counts instructions: `.ci/instructions` runs it under Callgrind.

use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use toom_core::{
    Body, Config, Conversation, Engine, Epoch, FileOptions, FileStorage, Housekeeping, Limits, MemoryStorage,
    Mono, Now, Password, Reading, Secret, SessionId, Since, Source, Storage, Timestamp, UserName,
};
use toom_net::protocol::{LineBuffer, Request};
use toom_net::simulation::FanOut;

/// Does one thing so many times, on a machine of its own: no other thread, no clock, and the same every time.
#[derive(Debug, Parser)]
#[command(name = "toom-counted", version)]
struct Args {
    #[command(subcommand)]
    thing: Thing,
}

#[derive(Clone, Debug, Subcommand)]
enum Thing {
    /// Reads requests from bytes
    Decode { times: u32 },
    /// Posts broadcasts to an engine in memory, one at a time
    Post { times: u32 },
    /// Appends broadcasts to a store of files, one at a time
    Append { times: u32, folder: PathBuf },
    /// Opens an engine on a store of files whose journal holds all its messages
    Recover { folder: PathBuf },
    /// Reads a page of 100 messages from a store of files
    Read { times: u32, folder: PathBuf },
    /// Tells 100 peers of broadcasts, one at a time
    FanOut { times: u32 },
}

const SESSION: SessionId = SessionId::new(1);
const TEXT_BYTES: usize = 100;
const PAGE: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not 0");
/// How many are told.
const RECEIVERS: u32 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    match Args::parse().thing {
        Thing::Decode { times } => decode(times),
        Thing::Post { times } => post(&mut engine(MemoryStorage::new(Epoch::new(1)))?, times),
        Thing::Append { times, folder } => append(store(&folder)?, times),
        Thing::Recover { folder } => engine(store(&folder)?).map(drop),
        Thing::Read { times, folder } => read(&mut engine(store(&folder)?)?, times),
        Thing::FanOut { times } => fan_out(times),
    }
}

/// Both clocks stand still.
fn now() -> Now {
    Now { wall: Timestamp::MIN, mono: Mono::ZERO }
}

fn body() -> Result<Body, Box<dyn Error>> {
    Ok(Body::parse(&"x".repeat(TEXT_BYTES))?)
}

fn store(folder: &Path) -> Result<FileStorage, Box<dyn Error>> {
    let options = FileOptions::new([1; 16]).housekeeping(Housekeeping::Caller);
    Ok(FileStorage::open(folder, options)?)
}

fn engine<S: Storage>(storage: S) -> Result<Engine<S>, Box<dyn Error>> {
    let limits = Limits { page_bytes_max: usize::MAX, ..Limits::default() };
    let mut engine = Engine::open(storage, Config { limits, ..Config::default() })?;
    let user = UserName::parse("luke")?;
    engine.put_account(user.clone(), Secret::plain("pw")?);
    let _ = engine.authenticate(&user, &Password::new("pw"), Source::new(1), SESSION, now())?;
    Ok(engine)
}

fn post<S: Storage>(engine: &mut Engine<S>, times: u32) -> Result<(), Box<dyn Error>> {
    let body = body()?;
    for _ in 0..times {
        let _ = engine.broadcast(SESSION, body.clone(), None, now())?;
    }
    Ok(())
}

/// Leaves the store as a kill would: all is in the journal.
fn append(store: FileStorage, times: u32) -> Result<(), Box<dyn Error>> {
    let mut engine = engine(store)?;
    post(&mut engine, times)?;
    std::mem::forget(engine);
    Ok(())
}

fn decode(times: u32) -> Result<(), Box<dyn Error>> {
    let line = format!("SRM 17 {}\n", "x".repeat(TEXT_BYTES));
    let mut lines = LineBuffer::new();
    for _ in 0..times {
        lines.feed(line.as_bytes());
        while let Some(line) = lines.next_line()? {
            black_box(Request::parse(line)?);
        }
    }
    Ok(())
}

fn read<S: Storage>(engine: &mut Engine<S>, times: u32) -> Result<(), Box<dyn Error>> {
    let (conversation, since) = (Conversation::Broadcast, Since::Time(Timestamp::MIN));
    for _ in 0..times {
        engine.read_since_with(
            SESSION,
            Reading::Conversation { conversation, since },
            PAGE,
            now(),
            |row| {
                black_box(row);
            },
        )?;
    }
    Ok(())
}

fn fan_out(times: u32) -> Result<(), Box<dyn Error>> {
    let mut fan_out = FanOut::new(RECEIVERS + 1)?;
    fan_out.post(times, 1);
    black_box(fan_out.told());
    Ok(())
}
