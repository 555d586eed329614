//! `toom demo`: a server in this process, three others who are logged in, and the user among them.
//!
//! Everything goes over the wire, through the server's port on loopback: the others are clients as anyone's.

mod friends;
mod transcript;

use std::io::{self, IsTerminal as _};

use toom_core::{Config, Epoch, MemoryStorage, Password, Secret, Seed, UserName};
use toom_net::protocol::LoggedIn;
use toom_net::server::{RunningServer, Server as ChatServer};

use crate::args::Args;
use crate::files::Door;
use crate::interactive::{self, Entrance};
use crate::login::{Connection, Lasts, Server};
use crate::security::{Reach, Security};
use crate::stop::{Stop, Verdict};
use crate::taste::Taste;
use crate::zone::Zone;

/// Whom the user is logged in as.
const USER: &str = "obiwan";
/// Who is there as well.
const FRIENDS: [&str; 3] = ["hans", "luke", "yoda"];

/// What the user is told before the first command.
const TOLD: [&str; 5] = [
    "This server is yours and ends with this program. hans, luke and yoda are here.",
    "BCM hello says it to everyone, ATU lists who is here, RDM b 10m what was said,",
    "SRB luke yoda builds a separate room of three, SRM 1 have a nice day posts to it.",
    "What others say appears above the line you type. HELP lists the commands.",
    "OUT ends.",
];

/// Starts the server and logs everybody in. At a terminal the user takes over; else a short session is played.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn run(zone: Zone, args: &Args) -> Result<Verdict, Stop> {
    let (running, house) = House::open()?;
    let verdict = if io::stdin().is_terminal() && io::stdout().is_terminal() {
        visit(&house, zone, args).await?
    } else {
        transcript::play(&house, zone, &mut io::stdout()).await?
    };
    running.shut_down().map_err(failed)?;
    Ok(verdict)
}

async fn visit(house: &House, zone: Zone, args: &Args) -> Result<Verdict, Stop> {
    let _friends = friends::invite(house).await?;
    let (connection, logged_in) = house.enter(USER, None).await?;
    // What is typed here is of use nowhere else.
    let taste = Taste { history: None, seen: None, ..Taste::of(&args.visit.taste) };
    // The others take no files.
    let entrance = Entrance { connection, logged_in, taste, seen: None, door: Door::closed() };
    interactive::welcome(entrance, zone, &TOLD).await
}

/// Where the demo's server is, and the one password of all its accounts, drawn for this run.
#[derive(Debug)]
struct House {
    server: Server,
    password: String,
}

impl House {
    fn open() -> Result<(RunningServer, Self), Stop> {
        let password = format!("{:032x}", u128::from_be_bytes(random()?));
        let account = |name| {
            let name = UserName::parse(name).map_err(failed)?;
            Ok((name, Secret::plain(&password).map_err(failed)?))
        };
        let accounts = FRIENDS.into_iter().chain([USER]).map(account).collect::<Result<Vec<_>, Stop>>()?;
        let epoch = Epoch::new(u64::from_be_bytes(random()?));
        let config = Config { seed: Seed::new(random()?), ..Config::default() };
        let storage = MemoryStorage::new(epoch);
        let running =
            ChatServer::builder(storage).config(config).accounts(accounts).start().map_err(failed)?;
        let address = running.local_addr();
        let (host, port) = (address.ip().to_string(), address.port());
        let server = Server { host, port, udp: None, security: Security::Plain(Reach::Here) };
        Ok((running, Self { server, password }))
    }

    /// Logs `name` in.
    async fn enter(&self, name: &str, udp: Option<u16>) -> Result<(Connection, LoggedIn), Stop> {
        let server = Server { udp: udp.and_then(core::num::NonZeroU16::new), ..self.server.clone() };
        let connection = server.connect(Lasts::UntilLost).await?;
        let name = UserName::parse(name).map_err(failed)?;
        match connection.log_in(name, Password::new(self.password.as_str())).await? {
            Ok(logged_in) => Ok((connection, logged_in)),
            Err(refusal) => Err(Stop::Connection(refusal.why.text)),
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], Stop> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn failed(error: impl core::fmt::Display) -> Stop {
    Stop::Connection(format!("the demo's server: {error}"))
}
