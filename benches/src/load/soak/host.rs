//! The server of a soak, which is killed and started again on the same port and the same folder.

use core::time::Duration;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use fastrand::Rng;
use tempfile::TempDir;

use super::super::server::{Ground, end, listening, spawn, toomd_program, write_accounts};
use super::super::{LoadError, Usage};

/// How long a session may be silent.
pub(super) const IDLE_TIME: Duration = Duration::from_mins(2);
/// Where the ports begin that the system gives to nobody by itself.
const FIRST_PORT: u16 = 10_000;

/// A server on a loopback port and in a folder that outlive it.
#[derive(Debug)]
pub(super) struct Host {
    command: Command,
    child: Child,
    pub(super) address: SocketAddr,
    folder: TempDir,
}

/// What a server has in its hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Handles {
    pub(super) sockets: usize,
    /// Files of the folder.
    pub(super) files: usize,
    /// Files that have no name any more.
    pub(super) nameless: usize,
    pub(super) others: usize,
}

impl Host {
    /// Starts one, and tells how long that took.
    pub(super) fn start(
        ground: &Ground,
        keep_bytes: u64,
        rng: &mut Rng,
    ) -> Result<(Self, Duration), LoadError> {
        let folder =
            tempfile::tempdir_in(&ground.folder).map_err(LoadError::while_doing("making a folder"))?;
        write_accounts(&folder.path().join("credentials.txt"), ground)
            .map_err(LoadError::while_doing("writing the accounts"))?;
        let port = quiet_port(rng)?;
        let mut command = Command::new(toomd_program()?);
        // As the unit file of `toomd` has it.
        command.envs([
            ("MALLOC_ARENA_MAX", "1"),
            ("MALLOC_MMAP_THRESHOLD_", "65536"),
            ("MALLOC_TRIM_THRESHOLD_", "65536"),
        ]);
        command.arg(port.to_string()).args(["--durability", "sync", "--keep-bytes", &keep_bytes.to_string()]);
        for limit in [
            "posts-per-second=0".to_owned(),
            format!("connections={}", ground.connections),
            format!("idle-time={}s", IDLE_TIME.as_secs()),
        ] {
            command.args(["--limit", &limit]);
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let begun = Instant::now();
        let child = serve(&mut command, folder.path())?;
        Ok((Self { command, child, address, folder }, begun.elapsed()))
    }

    /// Ends it as nothing else does: it can do nothing about it.
    pub(super) fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Starts it again, and tells how long that took.
    pub(super) fn restart(&mut self) -> Result<Duration, LoadError> {
        let begun = Instant::now();
        self.child = serve(&mut self.command, self.folder.path())?;
        Ok(begun.elapsed())
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    pub(super) fn usage(&self) -> Result<Usage, LoadError> {
        Usage::of(&self.child.id().to_string())
    }

    /// What it has open now.
    pub(super) fn handles(&self) -> Result<Handles, LoadError> {
        let folder =
            fs::canonicalize(self.folder.path()).map_err(LoadError::while_doing("finding the folder"))?;
        let listed = fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        let mut handles = Handles::default();
        for entry in listed.map_err(LoadError::while_doing("reading /proc"))?.flatten() {
            // It may be closed by now.
            let Ok(target) = fs::read_link(entry.path()) else { continue };
            let name = target.to_string_lossy();
            if name.starts_with("socket:") {
                handles.sockets += 1;
            } else if name.ends_with(" (deleted)") {
                handles.nameless += 1;
            } else if target.starts_with(&folder) {
                handles.files += 1;
            } else {
                handles.others += 1;
            }
        }
        Ok(handles)
    }

    /// The bytes of the files in its data folder.
    pub(super) fn store_bytes(&self) -> u64 {
        let files = fs::read_dir(self.data()).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("toom-data")
    }

    /// Kills it, and lets `toomd verify` read everything.
    ///
    /// # Errors
    /// If that finds damage.
    pub(super) fn verify(&mut self) -> Result<(), LoadError> {
        self.kill();
        let output = Command::new(toomd_program()?).arg("verify").arg("--data").arg(self.data()).output();
        let output = output.map_err(LoadError::while_doing("verifying the store"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(LoadError::Broken(format!("toomd verify: {}", String::from_utf8_lossy(&said))))
    }

    /// Leaves the folder behind, for somebody to look into.
    pub(super) fn keep_folder(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(command: &mut Command, folder: &Path) -> Result<Child, LoadError> {
    let mut child = spawn(command.stderr(Stdio::piped()), folder)?;
    if listening(&mut child).is_some() {
        return Ok(child);
    }
    end(&mut child);
    Err(LoadError::NotListening)
}

/// A port that is free, and that the system gives to nobody while the server is down.
fn quiet_port(rng: &mut Rng) -> Result<u16, LoadError> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let end = range.split_whitespace().next().and_then(|word| word.parse().ok());
    let ports = FIRST_PORT..end.filter(|end| *end > FIRST_PORT).unwrap_or(32_768);
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let port = (0..100).map(|_| rng.u16(ports.clone())).find(is_free);
    port.ok_or_else(|| LoadError::System {
        doing: "finding a free port",
        error: io::ErrorKind::AddrInUse.into(),
    })
}
