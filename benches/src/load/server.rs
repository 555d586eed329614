//! A server under load, in a process of its own.

use core::time::Duration;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tempfile::TempDir;

use super::dialect::{Dialect, PASSWORD, account};
use super::stream::Stream;
use super::{LoadError, Usage};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which server is to be put under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The `toomd` that lies beside this program.
    Toom(Store, Encryption),
    /// The `redis-server` of the search path, without persistence.
    Redis,
    /// The `nats-server` of the search path.
    Nats,
    /// One thread that copies what posters write to all receivers: the system's share of the work.
    Floor,
}

/// Where a `toomd` keeps its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In memory alone.
    Memory,
    /// In files, each message synced before it counts.
    Sync,
    /// In files that the system writes when it likes.
    Buffered,
}

/// Whether a server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It does not.
    Plain,
    /// With a certificate of its own making.
    Tls,
}

/// A server on a free loopback port, in a folder of its own. It ends with this value.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    door: Door,
    _folder: TempDir,
}

/// Where a server is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Door {
    pub(super) address: SocketAddr,
    pub(super) dialect: Dialect,
    tls: Option<Arc<ClientConfig>>,
}

/// What is needed to start a server.
#[derive(Debug)]
pub struct Ground {
    /// The folder in which it makes its own.
    pub folder: PathBuf,
    /// How many connections it has to bear, each with an account.
    pub connections: usize,
    /// More lines of the account file.
    pub accounts: Vec<String>,
    /// More arguments of `toomd`.
    pub arguments: Vec<String>,
}

impl Ground {
    /// One for that many connections, in the folder for temporary files.
    #[must_use]
    pub fn new(connections: usize) -> Self {
        let folder = std::env::temp_dir();
        Self { folder, connections, accounts: Vec::new(), arguments: Vec::new() }
    }
}

impl ServerProcess {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// If its program is missing, or it does not come to listen.
    pub fn start(server: Server, ground: &Ground) -> Result<Self, LoadError> {
        Self::start_on(server, ground, |_| Ok(()))
    }

    /// As [`start`](Self::start), where `prepare` is first given the path of the data folder, which is not there yet.
    ///
    /// # Errors
    /// As [`start`](Self::start), and those of `prepare`.
    pub fn start_on(
        server: Server,
        ground: &Ground,
        prepare: impl FnOnce(&Path) -> Result<(), LoadError>,
    ) -> Result<Self, LoadError> {
        let folder =
            tempfile::tempdir_in(&ground.folder).map_err(LoadError::while_doing("making a folder"))?;
        prepare(&folder.path().join("toom-data"))?;
        match server {
            Server::Toom(store, encryption) => toomd(store, encryption, ground, folder),
            Server::Floor => {
                let mut command = Command::new(this_program()?);
                command.arg("relay");
                announced(command, folder, Dialect::Relay)
            }
            Server::Redis => {
                let port = free_port()?;
                let files = ground.connections.to_string();
                let mut command = Command::new(searched("redis-server")?);
                command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
                command.args(["--appendonly", "no", "--maxclients", &files]);
                reached(command, folder, port, Dialect::Redis)
            }
            Server::Nats => {
                let port = free_port()?;
                let mut command = Command::new(searched("nats-server")?);
                command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
                reached(command, folder, port, Dialect::Nats)
            }
        }
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
    /// A new connection. What is read from it has to come within `patience`.
    pub(super) fn connect(&self, patience: Duration) -> io::Result<Stream<TcpStream>> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(patience))?;
        Ok(Stream::new(socket, self.tls()?))
    }

    /// The client's side of a new connection, where there is TLS.
    fn tls(&self) -> io::Result<Option<ClientConnection>> {
        let Some(config) = &self.tls else { return Ok(None) };
        let name = ServerName::from(self.address.ip());
        ClientConnection::new(Arc::clone(config), name).map(Some).map_err(io::Error::other)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn this_program() -> Result<PathBuf, LoadError> {
    std::env::current_exe().map_err(LoadError::while_doing("finding this program"))
}

/// The `toomd` that lies beside this program.
pub(super) fn toomd_program() -> Result<PathBuf, LoadError> {
    let program = this_program()?.with_file_name("toomd");
    if program.is_file() { Ok(program) } else { Err(LoadError::NoServer(program)) }
}

fn toomd(
    store: Store,
    encryption: Encryption,
    ground: &Ground,
    folder: TempDir,
) -> Result<ServerProcess, LoadError> {
    write_accounts(&folder.path().join("credentials.txt"), ground)
        .map_err(LoadError::while_doing("writing the accounts"))?;
    let mut command = Command::new(toomd_program()?);
    command.args(["0", "--limit", "posts-per-second=0", "--limit"]);
    command.arg(format!("connections={}", ground.connections));
    command.args(match store {
        Store::Memory => &["--memory"][..],
        Store::Sync => &["--durability", "sync"],
        Store::Buffered => &["--durability", "buffered"],
    });
    command.args((encryption == Encryption::Tls).then_some("--tls-self-signed"));
    command.args(&ground.arguments);
    let certificate = folder.path().join("toom-data/self-signed-cert.pem");
    let mut server = announced(command, folder, Dialect::Toom)?;
    if encryption == Encryption::Tls {
        let trusted = trust(&certificate).map_err(LoadError::while_doing("reading the certificate"))?;
        server.door.tls = Some(trusted);
    }
    Ok(server)
}

/// A server that says on standard error where it listens.
fn announced(mut command: Command, folder: TempDir, dialect: Dialect) -> Result<ServerProcess, LoadError> {
    let mut child = spawn(command.stderr(Stdio::piped()), folder.path())?;
    let Some(address) = listening(&mut child) else {
        end(&mut child);
        return Err(LoadError::NotListening);
    };
    Ok(ServerProcess { child, door: Door { address, dialect, tls: None }, _folder: folder })
}

/// A server that listens on `port` some time after its start.
fn reached(
    mut command: Command,
    folder: TempDir,
    port: u16,
    dialect: Dialect,
) -> Result<ServerProcess, LoadError> {
    let child = spawn(command.stderr(Stdio::null()), folder.path())?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut server = ServerProcess { child, door: Door { address, dialect, tls: None }, _folder: folder };
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        let has_ended = server.child.try_wait().is_ok_and(|status| status.is_some());
        if has_ended || begun.elapsed() > PATIENCE {
            return Err(LoadError::NotListening);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(server)
}

pub(super) fn spawn(command: &mut Command, folder: &Path) -> Result<Child, LoadError> {
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().map_err(LoadError::while_doing("starting the server"))
}

/// A program of the search path.
fn searched(name: &'static str) -> Result<PathBuf, LoadError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where Debian puts servers, which a user's path may lack.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.ok_or(LoadError::NoRival(name))
}

/// A port that nobody has at the moment.
fn free_port() -> Result<u16, LoadError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address.map_err(LoadError::while_doing("finding a free port"))?.port())
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

pub(super) fn write_accounts(path: &Path, ground: &Ground) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    for index in 0..ground.connections {
        writeln!(file, "{} {PASSWORD}", account(index))?;
    }
    for line in &ground.accounts {
        writeln!(file, "{line}")?;
    }
    file.flush()
}

/// Where the server says that it listens. What it says later goes to standard error.
pub(super) fn listening(child: &mut Child) -> Option<SocketAddr> {
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
pub(super) fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
