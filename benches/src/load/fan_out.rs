//! One run of posters and receivers against one server.

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;

use super::server::{Ground, Server, ServerProcess};
use super::{Fleet, LoadError, Plan, Posted, Usage, allow_open_files, enter};

/// Files that are neither receivers nor posters.
const OTHER_FILES: u64 = 64;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct FanOut {
    /// Against which server.
    pub server: Server,
    /// In which folder the server makes its own.
    pub folder: PathBuf,
    /// How many sessions receive.
    pub receivers: usize,
    /// How many sessions post.
    pub posters: usize,
    /// What they post.
    pub plan: Plan,
    /// Bounds of `toomd`, as its `--limit` takes them.
    pub limits: Vec<String>,
}

/// What a run gave.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How many logged in.
    pub peers: usize,
    /// Between the first connection and the last login.
    pub login_time: Duration,
    /// The server's processor time for a connection and its login.
    pub cpu_a_login: Duration,
    /// The growth of the server's resident memory by a login.
    pub bytes_a_peer: u64,
    /// What came of the plan.
    pub posted: Posted,
    /// The server's processor time while messages were posted.
    pub server_cpu: Duration,
    /// The load's.
    pub load_cpu: Duration,
}

impl FanOut {
    /// Starts the server, lets all log in, posts, and checks what arrives.
    ///
    /// # Errors
    /// If the server cannot be started, or a message does not arrive at every receiver, once and in order.
    pub fn run(&self) -> Result<Figures, LoadError> {
        let peers = self.receivers + self.posters;
        allow_open_files(peers as u64 + OTHER_FILES)?;
        let arguments = self.limits.iter().flat_map(|limit| ["--limit".to_owned(), limit.clone()]).collect();
        let ground = Ground { folder: self.folder.clone(), arguments, ..Ground::new(peers) };
        let server = ServerProcess::start(self.server, &ground)?;

        let empty = server.usage()?;
        let entered = enter(server.door(), self.receivers, self.posters)?;
        let login_time = entered.took;
        let idle = server.usage()?;
        let mut fleet = Fleet::new(entered, self.receivers)?;
        let own = Usage::own()?;
        let posted = fleet.run(&self.plan)?;
        let (server_after, own_after) = (server.usage()?, Usage::own()?);
        let cpu_a_login = idle.cpu.saturating_sub(empty.cpu) / u32::try_from(peers).unwrap_or(u32::MAX);
        Ok(Figures {
            peers,
            login_time,
            cpu_a_login,
            bytes_a_peer: idle.resident_bytes.saturating_sub(empty.resident_bytes) / peers as u64,
            posted,
            server_cpu: server_after.cpu.saturating_sub(idle.cpu),
            load_cpu: own_after.cpu.saturating_sub(own.cpu),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, of which three digits count")]
impl Figures {
    /// How many logged in a second.
    #[must_use]
    pub fn logins_a_second(&self) -> f64 {
        self.peers as f64 / self.login_time.as_secs_f64()
    }

    /// How many deliveries there were a second.
    #[must_use]
    pub fn deliveries_a_second(&self) -> f64 {
        self.posted.deliveries as f64 / self.posted.took.as_secs_f64()
    }

    /// The server's processor time for a delivery, in microseconds.
    #[must_use]
    pub fn server_micros(&self) -> f64 {
        self.server_cpu.as_secs_f64() * 1e6 / self.posted.deliveries as f64
    }

    /// The load's processor time for a delivery, in microseconds.
    #[must_use]
    pub fn load_micros(&self) -> f64 {
        self.load_cpu.as_secs_f64() * 1e6 / self.posted.deliveries as f64
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peers, login_time, cpu_a_login, bytes_a_peer, posted, .. } = self;
        let rate = self.logins_a_second();
        let micros = cpu_a_login.as_micros();
        writeln!(
            f,
            "logins:       {peers} in {login_time:.2?}, {rate:.0} a second, {micros} µs of the server's CPU each"
        )?;
        writeln!(f, "memory:       {bytes_a_peer} bytes of the server's a connection")?;
        writeln!(f, "deliveries:   {} in {:.2?}, none twice, all in order", posted.deliveries, posted.took)?;
        if posted.left_out > 0 {
            writeln!(f, "left out:     {}, told of by LAG", posted.left_out)?;
        }
        writeln!(f, "rate:         {:.0} deliveries a second", self.deliveries_a_second())?;
        writeln!(f, "server CPU:   {:.3} µs a delivery", self.server_micros())?;
        writeln!(f, "load's CPU:   {:.3} µs a delivery", self.load_micros())?;
        write!(f, "latency:      {}", posted.delay)
    }
}
