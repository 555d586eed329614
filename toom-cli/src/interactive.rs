//! `toom` with a person at a terminal.

use std::io;

use tokio::task::spawn_blocking;
use toom_core::{Password, UserName};
use toom_files::Patience;
use toom_net::client::Trust;
use toom_net::protocol::{LoggedIn, PageLimit};

use crate::args::VisitArgs;
use crate::chat::chat;
use crate::files::{Door, Files, Taking};
use crate::filter::write_line;
use crate::login::{Connection, Lasts, NoConnection, Retry, Server};
use crate::paint::{Color, Paint};
use crate::said::Said;
use crate::security::{Security, first_time};
use crate::session::Session;
use crate::stop::{Stop, Verdict};
use crate::taste::Taste;
use crate::unread::{self, Seen};
use crate::voice::{Form, Voice};
use crate::zone::Zone;
use crate::{prompt, render};

/// What a person is shown of the history at a time.
pub const PAGE: PageLimit = PageLimit::new(50).expect("50 is at least 1 and at most 1000");

/// A user who has logged in, and what was asked of them until then.
#[derive(Debug)]
pub struct Entrance {
    /// On which they are logged in.
    pub connection: Connection,
    /// How the server answered.
    pub logged_in: LoggedIn,
    /// What they like.
    pub taste: Taste,
    /// Until when everything was shown to them.
    pub seen: Option<Seen>,
    /// Where files come and go.
    pub door: Door,
}

/// Connects, asks for name and password until they are right or blocked, and serves the user until `OUT`.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn run(server: Server, args: &VisitArgs, zone: Zone) -> Result<Verdict, Stop> {
    match log_in(server, args).await? {
        Ok(entrance) => welcome(entrance, zone, &[]).await,
        Err(verdict) => Ok(verdict),
    }
}

/// Connects, and asks for name and password until they are right. Where the user leaves, or may not try again, that is how the run ended.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn log_in(mut server: Server, args: &VisitArgs) -> Result<Result<Entrance, Verdict>, Stop> {
    let door = Door::open(&args.files, args.udp_port, Taking::Ask, Patience::default())?;
    server.udp = door.port();
    let mut connection = reach(&mut server).await?;
    let mut who = Who::new(args)?;
    loop {
        let Some((user, password)) = who.ask().await? else { return Ok(Err(Verdict::Done)) };
        // Whoever takes long to type may find the door closed.
        if connection.client.ended().is_some() {
            connection = reach(&mut server).await?;
        }
        match connection.log_in(user, password).await? {
            Ok(logged_in) => {
                let taste = Taste::of(&args.taste);
                let place = (server.host.as_str(), server.port, logged_in.user.as_str());
                let seen = taste.seen.clone().map(|path| Seen::new(path, place.0, place.1, place.2));
                return Ok(Ok(Entrance { connection, logged_in, taste, seen, door }));
            }
            Err(refusal) => {
                say(&refusal.why.text)?;
                if refusal.retry == Retry::Later || !who.can_ask_again() {
                    return Ok(Err(Verdict::Refused));
                }
            }
        }
    }
}

/// Connects. Where the server's certificate is new, the user says whether it is right, and that is kept.
async fn reach(server: &mut Server) -> Result<Connection, Stop> {
    let (shown, stop) = match server.connect(Lasts::ThroughLosses).await {
        Ok(connection) => return Ok(connection),
        Err(NoConnection::Stop(stop)) => return Err(stop),
        Err(NoConnection::New(shown, stop)) => (shown, stop),
    };
    for line in first_time(&server.host, server.port, shown) {
        say(&line)?;
    }
    if !blocking(|| prompt::confirm(&mut io::stdout())).await? {
        return Err(stop);
    }
    if let Security::Known(known) = &server.security
        && let Err(error) = known.add(&server.host, server.port, shown)
    {
        say(&format!("You will be asked again: {error}"))?;
    }
    server.security = Security::Tls(Trust::certificate(shown));
    Ok(server.connect(Lasts::ThroughLosses).await?)
}

/// Greets a user who has logged in, says `hints`, and serves them until they leave.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn welcome(entrance: Entrance, zone: Zone, hints: &[&str]) -> Result<Verdict, Stop> {
    let Entrance { connection, logged_in, taste, seen, door } = entrance;
    let Connection { client, pushes } = connection;
    let user = logged_in.user.as_str().to_owned();
    let Taste { color, bell, history, .. } = taste;
    let paint = Paint::new(color, bell, &user);
    let (files, news) = Files::new(client.clone(), door);
    let session = Session::new(client, Voice { form: Form::Pages, zone, paint }, PAGE, files.clone());
    let at = logged_in.at;
    session.tell(&Said::LoggedIn(logged_in), &mut io::stdout())?;
    let seen = seen.filter(|_| color == Color::With);
    if let Some(seen) = &seen {
        tell_unread(&session, seen, &user).await?;
    }
    hints.iter().try_for_each(|line| say(line))?;
    say(render::COMMANDS_PROMPT)?;
    let epoch = session.client().greeting().epoch;
    let (ended, last) = chat(session, pushes, news, &user, history).await;
    files.close().await;
    if let Some(seen) = &seen {
        // Who cannot keep it is told too much the next time.
        let _ = seen.save(epoch, last.max(at));
    }
    ended
}

/// Tells how much others have posted since the user was here last. Without colours, the lines of the old design stand alone.
async fn tell_unread(session: &Session, seen: &Seen, user: &str) -> Result<(), Stop> {
    let Some(since) = seen.load(session.client().greeting().epoch) else { return Ok(()) };
    // Nobody asked: where it cannot be counted, nothing is told.
    let Ok(unread) = unread::count(session.client(), user, since).await else { return Ok(()) };
    let shown = session.voice().zone.write(since);
    unread.told(&shown).map_or(Ok(()), |line| say(&line))
}

/// Who wants to log in: from the arguments as far as they say, else from the user.
struct Who {
    given: Option<UserName>,
    typed: Option<UserName>,
    password: FromFile,
}

enum FromFile {
    No,
    Unused(Password),
    Used,
}

impl Who {
    fn new(args: &VisitArgs) -> Result<Self, Stop> {
        let given = match &args.user {
            Some(name) => Some(UserName::parse(name).map_err(|_| Stop::Usage(render::no_user_name(name)))?),
            None => None,
        };
        let password = prompt::password_of(args)?.map_or(FromFile::No, FromFile::Unused);
        Ok(Self { given, typed: None, password })
    }

    const fn can_ask_again(&self) -> bool {
        matches!(self.password, FromFile::No)
    }

    /// `None` where the user leaves. After a wrong password it asks for the password alone; an empty one asks for the name again.
    async fn ask(&mut self) -> Result<Option<(UserName, Password)>, Stop> {
        loop {
            let Some(user) = self.name().await? else { return Ok(None) };
            match std::mem::replace(&mut self.password, FromFile::Used) {
                FromFile::Unused(password) => return Ok(Some((user, password))),
                password => self.password = password,
            }
            let Some(password) = blocking(prompt::password).await? else { return Ok(None) };
            if !password.expose().is_empty() {
                return Ok(Some((user, password)));
            }
            self.typed = None;
        }
    }

    async fn name(&mut self) -> Result<Option<UserName>, Stop> {
        if let Some(name) = self.given.as_ref().or(self.typed.as_ref()) {
            return Ok(Some(name.clone()));
        }
        loop {
            let Some(name) = blocking(|| prompt::user_name(&mut io::stdout())).await? else {
                return Ok(None);
            };
            if name.is_empty() {
                continue;
            }
            match UserName::parse(&name) {
                Ok(name) => return Ok(self.typed.insert(name).clone().into()),
                Err(_) => say(&render::no_user_name(&name))?,
            }
        }
    }
}

fn say(line: &str) -> Result<(), Stop> {
    write_line(&mut io::stdout(), line).map_err(Stop::Output)
}

/// Asks the user aside, so that the connection is served meanwhile.
async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Stop> {
    spawn_blocking(ask).await.map_err(io::Error::other).and_then(|asked| asked).map_err(Stop::Input)
}
