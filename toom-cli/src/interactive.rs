//! `toom` with a person at a terminal.

use std::io;

use tokio::task::spawn_blocking;
use toom_core::{Password, UserName};
use toom_net::client::{Pushes, Trust};

use crate::args::Args;
use crate::editor::{Editor, Terminal, Typed};
use crate::filter::write_line;
use crate::login::{Connection, NoConnection, Retry, Server};
use crate::security::{Security, first_time};
use crate::session::{Session, Step};
use crate::stop::{Stop, Verdict};
use crate::zone::Zone;
use crate::{prompt, render};

/// Connects, asks for name and password until they are right or blocked, and serves the user until `OUT`.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn run(mut server: Server, args: &Args, zone: Zone) -> Result<Verdict, Stop> {
    let mut connection = reach(&mut server).await?;
    let mut who = Who::new(args)?;
    loop {
        let Some((user, password)) = who.ask().await? else { return Ok(Verdict::Done) };
        // Whoever takes long to type may find the door closed.
        if connection.client.ended().is_some() {
            connection = reach(&mut server).await?;
        }
        match connection.log_in(user, password).await? {
            Ok(logged_in) => {
                say(&render::session(&logged_in, &zone))?;
                say(render::WELCOME)?;
                say(render::COMMANDS_PROMPT)?;
                let Connection { client, pushes } = connection;
                return chat(Session::new(client, zone), pushes).await;
            }
            Err(refusal) => {
                say(&refusal.told)?;
                if refusal.retry == Retry::Later || !who.can_ask_again() {
                    return Ok(Verdict::Refused);
                }
            }
        }
    }
}

/// Connects. Where the server's certificate is new, the user says whether it is right, and that is kept.
async fn reach(server: &mut Server) -> Result<Connection, Stop> {
    let (shown, stop) = match server.connect().await {
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
    Ok(server.connect().await?)
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
    fn new(args: &Args) -> Result<Self, Stop> {
        let given = match &args.user {
            Some(name) => Some(UserName::parse(name).map_err(|_| Stop::Usage(render::no_user_name(name)))?),
            None => None,
        };
        let password = match &args.password_file {
            Some(path) => FromFile::Unused(prompt::password_of_file(path)?),
            None => FromFile::No,
        };
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

/// Serves a user who is logged in, until `OUT` or the end of the connection.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn chat(session: Session, mut pushes: Pushes) -> Result<Verdict, Stop> {
    let terminal = Terminal::remember();
    let mut editor = Editor::new().map_err(Stop::Input)?;
    loop {
        editor.keyboard.ask();
        let typed = type_line(&mut editor, &session, &mut pushes).await;
        let step = match typed.inspect_err(|_| terminal.put_back())? {
            Typed::Line(line) => session.carry_out(&line, &mut io::stdout()).await?,
            Typed::End => session.log_out(&mut io::stdout()).await?,
        };
        if step == Step::LoggedOut {
            // Whoever sits here has seen what was refused.
            return Ok(Verdict::Done);
        }
    }
}

/// Waits for a line, and meanwhile shows above it what others say.
async fn type_line(editor: &mut Editor, session: &Session, pushes: &mut Pushes) -> Result<Typed, Stop> {
    let Editor { keyboard, above } = editor;
    loop {
        let (place, event) = tokio::select! {
            biased;
            typed = keyboard.typed() => return typed.map_err(Stop::Input),
            next = async { (above.place().await, pushes.next().await) } => next,
        };
        let event = event.ok_or_else(|| session.ended())?;
        if let Some(line) = render::pushed(&event, session.zone()) {
            place.map_err(Stop::Input)?.show(&line);
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
