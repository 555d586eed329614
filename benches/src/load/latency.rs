//! How long a message takes to its receivers, with nothing else to do and beside heavy work.

use core::fmt;
use core::time::Duration;
use std::io::{self, BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Instant, SystemTime};

use toom_core::{
    Body, Conversation, Durability, FileOptions, FileStorage, Message, MessageNumber, Password, Posted,
    Record, Secret, Storage as _, Timestamp, UserName,
};

use super::dialect::PASSWORD;
use super::server::{Door, Encryption, Ground, Server, ServerProcess, Store};
use super::stream::Stream;
use super::{FanOut, Fleet, Lag, LoadError, Pace, Percentiles, Plan, Usage, allow_open_files, enter};

/// Files that are neither receivers nor posters.
const OTHER_FILES: u64 = 256;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many messages are stored at once before the server starts.
const BATCH: usize = 1000;
/// How long the texts are.
const BODY_BYTES: usize = 100;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct LatencyBench {
    /// In files of which kind the server keeps the history.
    pub store: Store,
    /// Whether all is said over TLS.
    pub encryption: Encryption,
    /// In which folder the server makes its own.
    pub folder: PathBuf,
    /// How many sessions receive.
    pub receivers: usize,
    /// How many messages are posted in each part.
    pub messages: usize,
    /// How often.
    pub interval: Duration,
    /// How many messages the store holds, which a reader reads in a loop.
    pub history: usize,
    /// How many peers log in with hashed passwords, in a loop each.
    pub logins: usize,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Latencies {
    /// What the bare relay gives, over plain TCP and with nothing else to do: the system's share.
    pub floor: Percentiles,
    /// With nothing else to do.
    pub alone: Percentiles,
    /// The server's processors in use meanwhile.
    pub cores_alone: f64,
    /// Beside the reader and the logins.
    pub beside: Percentiles,
    /// The server's processors in use meanwhile.
    pub cores_beside: f64,
    /// How many messages the reader got a second.
    pub read_a_second: f64,
    /// How many logins were answered a second.
    pub logins_a_second: f64,
}

/// What the disturbers did.
#[derive(Debug, Default)]
struct Disturbance {
    stop: AtomicBool,
    read: AtomicU64,
    logins: AtomicU64,
}

impl LatencyBench {
    /// Fills a store, starts a server on it, and posts at the interval: first alone, and then beside the disturbance.
    ///
    /// # Errors
    /// If the server cannot be started, a message does not arrive, or the disturbers are refused.
    pub fn run(&self) -> Result<Latencies, LoadError> {
        let floor = self.floor()?;
        let posters = 1;
        allow_open_files((self.receivers + posters + self.logins) as u64 + OTHER_FILES)?;
        let server = Server::Toom(self.store, self.encryption);
        let connections = self.receivers + posters + self.logins + 64;
        let accounts = self.accounts()?;
        let ground = Ground { folder: self.folder.clone(), accounts, ..Ground::new(connections) };
        let server = ServerProcess::start_on(server, &ground, |data| self.fill(data))?;
        let entered = enter(server.door(), self.receivers, posters)?;
        let mut fleet = Fleet::new(entered, self.receivers)?;
        let plan = self.plan(self.history as u64);
        let (alone, cores_alone) = measure(&mut fleet, &plan, &server)?;
        let disturbance = Disturbance::default();
        let again = Plan { held: plan.held + self.messages as u64, ..plan };
        let (beside, cores_beside, took) = thread::scope(|scope| {
            let reader = scope.spawn(|| read_history(server.door(), &disturbance));
            let of = |index| (index, server.door(), &disturbance);
            let logins: Vec<_> = (0..self.logins)
                .map(of)
                .map(|(index, door, disturbance)| scope.spawn(move || log_in(index, door, disturbance)))
                .collect();
            let begun = Instant::now();
            let measured = measure(&mut fleet, &again, &server);
            let took = begun.elapsed();
            disturbance.stop.store(true, Ordering::Relaxed);
            for disturber in logins.into_iter().chain([reader]) {
                let ended =
                    disturber.join().unwrap_or_else(|_| Err(io::Error::other("a disturber panicked")));
                ended.map_err(LoadError::while_doing("disturbing"))?;
            }
            measured.map(|(delay, cores)| (delay, cores, took))
        })?;
        #[expect(clippy::cast_precision_loss, reason = "figures for people, of which three digits count")]
        let rate = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / took.as_secs_f64();
        let (read_a_second, logins_a_second) = (rate(&disturbance.read), rate(&disturbance.logins));
        Ok(Latencies { floor, alone, cores_alone, beside, cores_beside, read_a_second, logins_a_second })
    }

    fn plan(&self, held: u64) -> Plan {
        Plan {
            messages: self.messages,
            body_bytes: BODY_BYTES,
            pace: Pace::Every(self.interval),
            lag: Lag::Fails,
            held,
            sampled: self.receivers,
        }
    }

    fn floor(&self) -> Result<Percentiles, LoadError> {
        let (server, folder, limits) = (Server::Floor, self.folder.clone(), Vec::new());
        let fan_out =
            FanOut { server, folder, receivers: self.receivers, posters: 1, plan: self.plan(0), limits };
        Ok(fan_out.run()?.posted.delay)
    }

    /// The lines of those who log in again and again, and of who reads. All have the same salt, which makes no check cheaper.
    fn accounts(&self) -> Result<Vec<String>, LoadError> {
        let doing = || LoadError::while_doing("hashing a password");
        let secret =
            Secret::hash(&Password::new(PASSWORD), [7; 16]).map_err(io::Error::other).map_err(doing())?;
        let hash = secret.phc().ok_or_else(|| io::Error::other("no hash")).map_err(doing())?;
        let hashed = (0..self.logins).map(|index| format!("hashed{index} {hash}"));
        Ok(hashed.chain([format!("reader {PASSWORD}")]).collect())
    }

    /// Makes a store with that many broadcast messages, one a millisecond up to now.
    fn fill(&self, data: &Path) -> Result<(), LoadError> {
        fill(data, self.history)
            .map_err(io::Error::other)
            .map_err(LoadError::while_doing("filling the store"))
    }
}

fn fill(data: &Path, messages: usize) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Nobody forges the messages of a measurement, so nothing has to be secret here.
    let mut store = FileStorage::open(data, FileOptions::new([7; 16]).durability(Durability::Buffered))?;
    store.recover()?;
    let author: UserName = "writer".parse()?;
    let begin =
        Timestamp::from_system_time(SystemTime::now()).unix_micros() - 1000 * i64::try_from(messages)?;
    let mut number = MessageNumber::FIRST;
    let mut batch = Vec::with_capacity(BATCH);
    for index in 0..messages {
        let at =
            Timestamp::from_unix_micros(begin + 1000 * i64::try_from(index)?).ok_or("a time out of range")?;
        let body = Body::parse(&format!("{index:0BODY_BYTES$}"))?;
        let message =
            Message { conversation: Conversation::Broadcast, number, at, author: author.clone(), body };
        batch.push(Record::Posted(Posted { message, key: None }));
        number = MessageNumber::following(Some(number));
        if batch.len() == BATCH || index + 1 == messages {
            store.append(&batch)?;
            batch.clear();
        }
    }
    Ok(store.close()?)
}

/// The delays at all receivers, and how many processors the server used.
fn measure(fleet: &mut Fleet, plan: &Plan, server: &ServerProcess) -> Result<(Percentiles, f64), LoadError> {
    let (before, begun): (Usage, Instant) = (server.usage()?, Instant::now());
    let posted = fleet.run(plan)?;
    let cpu = server.usage()?.cpu.saturating_sub(before.cpu);
    Ok((posted.delay, cpu.as_secs_f64() / begun.elapsed().as_secs_f64()))
}

/// One peer's talk, line by line.
struct Talk(BufReader<Stream<TcpStream>>);

impl Talk {
    fn begin(door: &Door, user: &str) -> io::Result<Self> {
        let mut talk = Self(BufReader::new(door.connect(PATIENCE)?));
        talk.say(&format!("HELLO live=off\nLOGIN {user} {PASSWORD}\n"))?;
        talk.await_line("OK LOGIN ")?;
        Ok(talk)
    }

    fn say(&mut self, lines: &str) -> io::Result<()> {
        self.0.get_mut().write_all(lines.as_bytes())
    }

    /// Reads up to the line that begins so, and counts those before it; an error ends it.
    fn await_line(&mut self, start: &str) -> io::Result<(u64, String)> {
        let (mut line, mut before) = (String::new(), 0);
        loop {
            line.clear();
            if self.0.read_line(&mut line)? == 0 || line.starts_with("ERR ") {
                return Err(io::Error::other(format!("the server said {line:?}")));
            }
            if line.starts_with(start) {
                return Ok((before, line));
            }
            before += 1;
        }
    }
}

/// Reads all that is stored, page by page, again and again.
fn read_history(door: &Door, disturbance: &Disturbance) -> io::Result<()> {
    let mut talk = Talk::begin(door, "reader")?;
    let mut since = "#0".to_owned();
    while !disturbance.stop.load(Ordering::Relaxed) {
        talk.say(&format!("RDM b {since} 1000\n"))?;
        let (rows, end) = talk.await_line("OK RDM ")?;
        disturbance.read.fetch_add(rows, Ordering::Relaxed);
        end.trim_end().split_once("next=").map_or("#0", |(_, next)| next).clone_into(&mut since);
    }
    Ok(())
}

/// Logs in and leaves, again and again, on a new connection each time.
fn log_in(index: usize, door: &Door, disturbance: &Disturbance) -> io::Result<()> {
    while !disturbance.stop.load(Ordering::Relaxed) {
        let mut talk = Talk::begin(door, &format!("hashed{index}"))?;
        disturbance.logins.fetch_add(1, Ordering::Relaxed);
        talk.say("OUT\n")?;
        talk.await_line("OK OUT")?;
    }
    Ok(())
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { floor, alone, cores_alone, beside, cores_beside, read_a_second, logins_a_second } = self;
        writeln!(f, "floor:   {floor}")?;
        writeln!(f, "alone:   {alone}; the server used {cores_alone:.2} cores")?;
        writeln!(f, "beside:  {beside}; the server used {cores_beside:.2} cores")?;
        write!(
            f,
            "meanwhile: {read_a_second:.0} messages of the history read and {logins_a_second:.0} logins a second"
        )
    }
}
