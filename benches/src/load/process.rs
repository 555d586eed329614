//! The server's process: its start, its end, and what the system counts for it.

use core::time::Duration;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tempfile::TempDir;

use super::LoadError;

/// The password of every account.
pub(super) const PASSWORD: &str = "a password";

/// The name of the account of connection `index`; each has its own.
pub(super) fn account(index: usize) -> String {
    format!("user{index}")
}

/// A `toomd` on a free loopback port, in memory. It ends with this value.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    door: Door,
    folder: TempDir,
}

/// Where a server is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Door {
    pub(super) address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

/// Whether a server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It does not.
    Plain,
    /// With a certificate of its own making.
    Tls,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Of the processors, in the program and in the system for it.
    pub cpu: Duration,
    /// Of memory, what is resident.
    pub resident_bytes: u64,
}

impl ServerProcess {
    /// Starts the `toomd` that lies beside `beside`, with that many accounts.
    ///
    /// # Errors
    /// If it is missing, or does not come to listen.
    pub fn start(beside: &Path, accounts: usize, encryption: Encryption) -> Result<Self, LoadError> {
        let program = beside.with_file_name("toomd");
        if !program.is_file() {
            return Err(LoadError::NoServer(program));
        }
        let folder = tempfile::tempdir().map_err(LoadError::while_doing("making a folder"))?;
        let credentials = folder.path().join("credentials.txt");
        write_accounts(&credentials, accounts).map_err(LoadError::while_doing("writing the accounts"))?;
        let mut child = Command::new(program)
            .args(["0", "--memory", "--limit", "posts-per-second=0", "--credentials"])
            .arg(credentials)
            .args((encryption == Encryption::Tls).then_some("--tls-self-signed"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(LoadError::while_doing("starting toomd"))?;
        let Some(address) = listening(&mut child) else {
            end(&mut child);
            return Err(LoadError::NotListening);
        };
        let mut server = Self { child, door: Door { address, tls: None }, folder };
        if encryption == Encryption::Tls {
            let certificate = server.folder.path().join("toom-data/self-signed-cert.pem");
            server.door.tls =
                Some(trust(&certificate).map_err(LoadError::while_doing("reading the certificate"))?);
        }
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// If the system does not tell by `/proc`, or the server is gone.
    pub fn usage(&self) -> Result<Usage, LoadError> {
        Usage::of(&self.child.id().to_string())
    }
}

impl Door {
    /// The client's side of a new connection, where there is TLS.
    pub(super) fn tls(&self) -> io::Result<Option<ClientConnection>> {
        let Some(config) = &self.tls else { return Ok(None) };
        let name = ServerName::from(self.address.ip());
        ClientConnection::new(Arc::clone(config), name).map(Some).map_err(io::Error::other)
    }
}

/// Believes the server that has this certificate.
fn trust(certificate: &Path) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
    roots.add(certificate).map_err(io::Error::other)?;
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

impl Usage {
    /// Of this process.
    ///
    /// # Errors
    /// If the system does not tell by `/proc`.
    pub fn own() -> Result<Self, LoadError> {
        Self::of("self")
    }

    fn of(process: &str) -> Result<Self, LoadError> {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}"));
        let (stat, statm) = read("stat")
            .and_then(|stat| Ok((stat, read("statm")?)))
            .map_err(LoadError::while_doing("reading /proc"))?;
        let ticks = cpu_ticks(&stat).ok_or_else(|| LoadError::unexpected(stat.as_bytes()))?;
        let pages = resident_pages(&statm).ok_or_else(|| LoadError::unexpected(statm.as_bytes()))?;
        let cpu = Duration::from_nanos(ticks * 1_000_000_000 / clock_ticks_per_second());
        Ok(Self { cpu, resident_bytes: pages * page_size() as u64 })
    }
}

/// `utime` and `stime` of `/proc/PID/stat`; the name before them, in brackets, may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    Some(user + fields.next()?.parse::<u64>().ok()?)
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

fn write_accounts(path: &Path, accounts: usize) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    for index in 0..accounts {
        writeln!(file, "{} {PASSWORD}", account(index))?;
    }
    file.flush()
}

/// Where the server says that it listens. What it says later goes to standard error.
fn listening(child: &mut Child) -> Option<SocketAddr> {
    let mut said = BufReader::new(child.stderr.take()?);
    let mut line = String::new();
    while said.read_line(&mut line).ok()? > 0 {
        if let Some(address) = line.trim_end().strip_prefix("listening on ") {
            let address = address.parse().ok();
            std::thread::spawn(move || io::copy(&mut said, &mut io::stderr()));
            return address;
        }
        line.clear();
    }
    None
}

/// Nothing is kept, so nothing is asked.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Raises the soft limit of open files, for this process and those it starts, so that `needed` fit.
///
/// # Errors
/// If the hard limit is lower, or the system refuses.
pub fn allow_open_files(needed: u64) -> Result<(), LoadError> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(allowed) = limit.maximum.filter(|&maximum| maximum < needed) {
        return Err(LoadError::OpenFiles { needed, allowed });
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| LoadError::System { doing: "raising the limit of open files", error: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0 1";
        assert_eq!(cpu_ticks(stat), Some(154));
        assert_eq!(cpu_ticks("7 (a) S 1 2"), None);
        assert_eq!(resident_pages("900 123 4 5 6 7 8\n"), Some(123));
    }

    #[test]
    fn this_process_has_memory() {
        assert!(Usage::own().unwrap().resident_bytes > 0);
    }
}
