//! `toom` without a person: commands from its arguments, or from standard input, a line each.

use std::io::{self, IsTerminal as _};

use toom_core::{Password, UserName};
use toom_net::client::{Pushed, Pushes};

use crate::args::Args;
use crate::filter::write_line;
use crate::lines::{Lines, NotUtf8};
use crate::login::{Connection, Server};
use crate::session::{Session, Step, refuse};
use crate::stop::{Stop, Verdict};
use crate::zone::Zone;
use crate::{prompt, render};

/// Logs in, carries out every command, and logs out. A refused login is told, and there is no second try.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn run(server: &Server, args: &Args, zone: Zone) -> Result<Verdict, Stop> {
    let mut input = Input::default();
    let name = match &args.user {
        Some(name) => name.clone(),
        None => input.user_name().await?,
    };
    let password = match &args.password_file {
        Some(path) => prompt::password_of_file(path)?,
        None => input.password().await?,
    };
    let out = &mut io::stdout();
    let Ok(user) = UserName::parse(&name) else {
        write_line(out, &render::no_user_name(&name)).map_err(Stop::Output)?;
        return Ok(Verdict::Refused);
    };
    let connection = server.connect().await?;
    let logged_in = match connection.log_in(user, password).await? {
        Ok(logged_in) => logged_in,
        Err(refusal) => {
            write_line(out, &refusal.told).map_err(Stop::Output)?;
            return Ok(Verdict::Refused);
        }
    };
    write_line(out, &render::session(&logged_in, &zone)).map_err(Stop::Output)?;
    write_line(out, render::WELCOME).map_err(Stop::Output)?;
    let Connection { client, pushes } = connection;
    let script = Script { session: Session::new(client, zone), pushes, out };
    if args.commands.is_empty() {
        script.read(input.lines()?).await
    } else {
        script.carry_out(&args.commands).await
    }
}

/// Where name and password come from: a terminal, or standard input, which is not touched before it is needed.
#[derive(Default)]
struct Input(Option<Lines>);

impl Input {
    fn lines(&mut self) -> Result<&mut Lines, Stop> {
        if self.0.is_none() {
            self.0 = Some(Lines::of_stdin().map_err(Stop::Input)?);
        }
        self.0.as_mut().ok_or_else(|| Stop::Input(io::ErrorKind::BrokenPipe.into()))
    }

    async fn line(&mut self, what: &str) -> Result<String, Stop> {
        match self.lines()?.next().await.map_err(Stop::Input)? {
            Some(Ok(line)) => Ok(line),
            Some(Err(NotUtf8)) => Err(Stop::Usage(format!("the {what} is not UTF-8"))),
            None => Err(Stop::Usage(format!("standard input ended before the {what}"))),
        }
    }

    async fn user_name(&mut self) -> Result<String, Stop> {
        if !io::stdin().is_terminal() {
            return self.line("user name").await;
        }
        let name = prompt::user_name(&mut io::stderr()).map_err(Stop::Input)?;
        name.ok_or_else(|| Stop::Usage("no user name was given".to_owned()))
    }

    async fn password(&mut self) -> Result<Password, Stop> {
        if !io::stdin().is_terminal() {
            return Ok(Password::new(self.line("password").await?));
        }
        let password = prompt::password().map_err(Stop::Input)?;
        password.ok_or_else(|| Stop::Usage("no password was given".to_owned()))
    }
}

struct Script<'a, W> {
    session: Session,
    pushes: Pushes,
    out: &'a mut W,
}

impl<W: io::Write> Script<'_, W> {
    /// Carries out the commands of the arguments.
    async fn carry_out(mut self, commands: &[String]) -> Result<Verdict, Stop> {
        let mut verdict = Verdict::Done;
        for command in commands {
            match self.step(command).await? {
                Step::On(next) => verdict = verdict.and(next),
                Step::LoggedOut => return Ok(verdict),
            }
        }
        self.log_out(verdict).await
    }

    /// Carries out the lines as they come, and prints what others say meanwhile.
    async fn read(mut self, lines: &mut Lines) -> Result<Verdict, Stop> {
        let mut verdict = Verdict::Done;
        loop {
            let line = tokio::select! {
                biased;
                pushed = self.pushes.next() => {
                    self.print(&pushed.ok_or_else(|| self.session.ended())?)?;
                    continue;
                }
                line = lines.next() => line.map_err(Stop::Input)?,
            };
            let Some(line) = line else { return self.log_out(verdict).await };
            let step = match line {
                Ok(line) => self.step(&line).await?,
                Err(error) => refuse(&error.to_string(), self.out)?,
            };
            match step {
                Step::On(next) => verdict = verdict.and(next),
                Step::LoggedOut => return Ok(verdict),
            }
        }
    }

    async fn step(&mut self, line: &str) -> Result<Step, Stop> {
        let step = self.session.carry_out(line, self.out).await?;
        if let Step::On(_) = step {
            self.print_what_came()?;
        }
        Ok(step)
    }

    async fn log_out(mut self, verdict: Verdict) -> Result<Verdict, Stop> {
        self.print_what_came()?;
        Ok(match self.session.log_out(self.out).await? {
            Step::On(refused) => verdict.and(refused),
            Step::LoggedOut => verdict,
        })
    }

    fn print_what_came(&mut self) -> Result<(), Stop> {
        while let Some(pushed) = self.pushes.try_next() {
            self.print(&pushed)?;
        }
        Ok(())
    }

    fn print(&mut self, pushed: &Pushed) -> Result<(), Stop> {
        match render::pushed(pushed, self.session.zone()) {
            Some(line) => write_line(self.out, &line).map_err(Stop::Output),
            None => Ok(()),
        }
    }
}
