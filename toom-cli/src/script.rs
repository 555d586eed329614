//! `toom` without a person: commands from its arguments, or from standard input, a line each.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use tokio::time::timeout;
use toom_core::{Password, UserName};
use toom_files::Patience;
use toom_net::client::{Pushed, Pushes};
use toom_net::protocol::PageLimit;

use crate::args::Args;
use crate::files::{Direction, Door, Ending, Files, News, NewsFeed, Taking, What};
use crate::lines::{Lines, NotUtf8};
use crate::login::{Connection, Lasts, Server};
use crate::paint::Paint;
use crate::said::{Refusal, Said};
use crate::session::{Session, Step};
use crate::stop::{Stop, Verdict, interrupted};
use crate::taste::Taste;
use crate::voice::{Form, Voice};
use crate::zone::Zone;
use crate::{prompt, render};

/// How long the goodbye may take where `--follow` is interrupted.
const LEAVING: Duration = Duration::from_secs(2);

/// Logs in, carries out every command, and logs out. A refused login is told, and there is no second try.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn run(mut server: Server, args: &Args, zone: Zone) -> Result<Verdict, Stop> {
    let mut input = Input::default();
    let name = match &args.visit.user {
        Some(name) => name.clone(),
        None => input.user_name().await?,
    };
    let password = match prompt::password_of(&args.visit)? {
        Some(password) => password,
        None => input.password().await?,
    };
    let out = &mut io::stdout();
    let form = if args.json { Form::Json } else { Form::Lines };
    let Taste { color, bell, .. } = Taste::of(&args.visit.taste);
    let paint = Paint::new(color, bell, &name);
    let voice = Voice { form, zone, paint };
    let Ok(user) = UserName::parse(&name) else {
        voice.tell(&Said::Refused(Refusal::of_line(render::no_user_name(&name))), out)?;
        return Ok(Verdict::Refused);
    };
    let door = Door::open(&args.visit.files, args.visit.udp_port, Taking::Never, Patience::default())?;
    server.udp = door.port();
    let lasts = if args.follow { Lasts::ThroughLosses } else { Lasts::UntilLost };
    let connection = server.connect(lasts).await?;
    let logged_in = match connection.log_in(user, password).await? {
        Ok(logged_in) => logged_in,
        Err(refusal) => {
            voice.tell(&Said::Refused(refusal.why), out)?;
            return Ok(Verdict::Refused);
        }
    };
    voice.tell(&Said::LoggedIn(logged_in), out)?;
    let Connection { client, pushes } = connection;
    let (files, news) = Files::new(client.clone(), door);
    let session = Session::new(client, voice, PageLimit::default(), files.clone());
    let mut script = Script { session, pushes, news, out, verdict: Verdict::Done };
    let ended = if args.follow {
        script.follow_until_interrupted(&args.commands, &mut input).await
    } else {
        script.carry_out(&args.commands, &mut input).await
    };
    files.close().await;
    ended.map(|()| script.verdict)
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
    news: NewsFeed,
    out: &'a mut W,
    verdict: Verdict,
}

impl<W: io::Write> Script<'_, W> {
    /// Carries out the commands of the arguments, or else those of standard input, and logs out.
    async fn carry_out(&mut self, commands: &[String], input: &mut Input) -> Result<(), Stop> {
        match self.work(commands, input).await? {
            Step::LoggedOut => Ok(()),
            Step::On(_) => {
                self.wait_for_files(Direction::In).await?;
                self.log_out().await
            }
        }
    }

    /// Carries out the commands, and goes on until a signal says that it is enough.
    async fn follow_until_interrupted(&mut self, commands: &[String], input: &mut Input) -> Result<(), Stop> {
        let interrupted = interrupted().map_err(Stop::Input)?;
        tokio::select! {
            followed = self.follow(commands, input) => return followed,
            () = interrupted => {}
        }
        // Whoever interrupts does not wait for a server that does not answer.
        let _ = timeout(LEAVING, self.log_out()).await;
        Ok(())
    }

    /// Carries out the commands, and then prints what others say.
    async fn follow(&mut self, commands: &[String], input: &mut Input) -> Result<(), Stop> {
        if self.work(commands, input).await? == Step::LoggedOut {
            return Ok(());
        }
        loop {
            tokio::select! {
                pushed = self.pushes.next() => {
                    let pushed = pushed.ok_or_else(|| self.session.ended())?;
                    self.take(pushed)?;
                }
                news = self.news.next() => self.tell_news(news)?,
            }
        }
    }

    async fn work(&mut self, commands: &[String], input: &mut Input) -> Result<Step, Stop> {
        if commands.is_empty() {
            return self.read(input.lines()?).await;
        }
        for command in commands {
            if self.step(command).await? == Step::LoggedOut {
                return Ok(Step::LoggedOut);
            }
        }
        Ok(Step::On(self.verdict))
    }

    /// Carries out the lines as they come, and prints what others say meanwhile.
    async fn read(&mut self, lines: &mut Lines) -> Result<Step, Stop> {
        loop {
            let line = tokio::select! {
                biased;
                pushed = self.pushes.next() => {
                    let pushed = pushed.ok_or_else(|| self.session.ended())?;
                    self.take(pushed)?;
                    continue;
                }
                news = self.news.next() => {
                    self.tell_news(news)?;
                    continue;
                }
                line = lines.next() => line.map_err(Stop::Input)?,
            };
            match line {
                None => return Ok(Step::On(self.verdict)),
                Some(Ok(line)) => {
                    if self.step(&line).await? == Step::LoggedOut {
                        return Ok(Step::LoggedOut);
                    }
                }
                Some(Err(error)) => {
                    self.verdict = Verdict::Refused;
                    self.session.tell(&Said::Refused(Refusal::of_line(error.to_string())), self.out)?;
                }
            }
        }
    }

    async fn step(&mut self, line: &str) -> Result<Step, Stop> {
        let step = self.session.carry_out(line, self.out).await?;
        if let Step::On(verdict) = step {
            self.verdict = self.verdict.and(verdict);
            self.print_what_came()?;
            // The next command may count on the file.
            self.wait_for_files(Direction::Out).await?;
        }
        Ok(step)
    }

    async fn log_out(&mut self) -> Result<(), Stop> {
        self.print_what_came()?;
        if let Step::On(refused) = self.session.log_out(self.out).await? {
            self.verdict = self.verdict.and(refused);
        }
        Ok(())
    }

    fn print_what_came(&mut self) -> Result<(), Stop> {
        while let Some(pushed) = self.pushes.try_next() {
            self.take(pushed)?;
        }
        Ok(())
    }

    fn take(&mut self, pushed: Pushed) -> Result<(), Stop> {
        self.session.files().hear(&pushed);
        self.session.tell_pushed(pushed, self.out)
    }

    fn tell_news(&mut self, news: News) -> Result<(), Stop> {
        if let What::Over(over) = &news.what
            && (news.about.direction == Direction::Out || over.ending != Ending::Refused)
        {
            self.verdict = Verdict::Refused;
        }
        self.session.tell(&Said::Transfer(news), self.out)
    }

    /// Waits until no file is under way in that direction. One that needs no server any more is waited for even if the connection is lost.
    async fn wait_for_files(&mut self, direction: Direction) -> Result<(), Stop> {
        let mut lost = false;
        loop {
            while let Some(news) = self.news.try_next() {
                self.tell_news(news)?;
            }
            if !self.session.files().is_busy(direction) {
                return if lost { Err(self.session.ended()) } else { Ok(()) };
            }
            tokio::select! {
                biased;
                pushed = self.pushes.next(), if !lost => {
                    if let Some(pushed) = pushed {
                        self.take(pushed)?;
                    } else {
                        self.session.files().session_over();
                        lost = true;
                    }
                }
                news = self.news.next() => self.tell_news(news)?,
            }
        }
    }
}
