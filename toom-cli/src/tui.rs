//! `toom tui`: a person at a terminal, on the whole screen.
//!
//! * [`model`]: the state. Events go in, requests come out; it knows no terminal, no connection and no clock.
//! * [`view`], with [`areas`], [`lines`] and [`wrap`]: what the state looks like, written to a buffer.
//! * [`screen`] and this file: the terminal, and the loop that carries everything to and fro.

pub mod areas;
pub mod lines;
pub mod model;
pub mod screen;
pub mod view;
pub mod wrap;

use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use ratatui::crossterm::event as keys;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use toom_core::{MessageNumber, Timestamp};
use toom_net::client::{Client, Pushes};
use toom_net::protocol::{PageLimit, Since};

use crate::args::VisitArgs;
use crate::editor::TypedLines;
use crate::files::{Files, NewsFeed};
use crate::filter::write_line;
use crate::interactive::{Entrance, PAGE, log_in};
use crate::login::{Connection, Server};
use crate::paint::Paint;
use crate::pending;
use crate::render;
use crate::said::Ends;
use crate::session::{Reply, Session};
use crate::stop::{Stop, Verdict, interrupted};
use crate::unread;
use crate::voice::{Form, Voice};
use crate::zone::Zone;
use model::thread::Fetch;
use model::{Ended, Event, Model, Read, Request};
use screen::Screen;

/// How often it is asked who is active.
const TICK: Duration = Duration::from_secs(30);

/// How often it is looked how far files are.
const LOOK: Duration = Duration::from_millis(500);

/// How long the goodbye may take where the program is told to end.
const LEAVING: Duration = Duration::from_secs(2);

/// In how old a conversation somebody may have posted last for it to be listed.
const ROOMS_OF: Duration = Duration::from_hours(30 * 24);

/// How many events are taken before the screen is drawn.
const EVENTS_A_DRAWING: usize = 200;

/// Logs in as at the prompt, and serves the user on the whole screen until they leave.
///
/// # Errors
/// [`Stop`] where it is cut short.
pub async fn run(server: Server, args: &VisitArgs, zone: Zone) -> Result<Verdict, Stop> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Stop::Usage("tui needs a terminal; without one, leave out tui".to_owned()));
    }
    let place = format!("{} port {}", server.host, server.port);
    match log_in(server, args).await? {
        Ok(entrance) => serve(entrance, place, zone).await,
        Err(verdict) => Ok(verdict),
    }
}

async fn serve(entrance: Entrance, place: String, zone: Zone) -> Result<Verdict, Stop> {
    let Entrance { connection, logged_in, taste, seen, door } = entrance;
    let Connection { client, pushes } = connection;
    let user = logged_in.user.clone();
    let paint = Paint::new(taste.color, taste.bell, user.as_str());
    let voice = Voice { form: Form::Pages, zone, paint };
    let typed = taste.history.and_then(TypedLines::open);
    let history = typed.as_ref().map(TypedLines::lines).unwrap_or_default();
    let model = Model::new(user.clone(), place, logged_in.at, voice.clone(), history);
    let epoch = client.greeting().epoch;
    let since = seen.as_ref().and_then(|seen| seen.load(epoch)).unwrap_or(logged_in.at);
    let (events, arrived) = mpsc::unbounded_channel();
    let (files, news) = Files::new(client.clone(), door);
    let session = Session::new(client.clone(), voice, PAGE, files.clone());
    let work = Work { client, events, typed };
    work.find(user.as_str().to_owned(), since);
    let mut driver =
        Driver { model, work, pushes, files, news, session: Some(session), running: None, arrived };
    let ended = driver.run().await;
    driver.files.close().await;
    if let Some(seen) = &seen {
        // Who cannot keep it is told too much the next time.
        let _ = seen.save(epoch, driver.model.seen_until());
    }
    match ended? {
        Ended::LoggedOut => say(&render::goodbye(user.as_str())).map(|()| Verdict::Done),
        Ended::Left(unsent) => {
            unsent.iter().try_for_each(|line| say(&render::not_sent(line)))?;
            if unsent.is_empty() {
                say(&render::goodbye(user.as_str()))?;
            }
            pending::left(&unsent)
        }
    }
}

fn say(line: &str) -> Result<(), Stop> {
    write_line(&mut io::stdout(), line).map_err(Stop::Output)
}

/// The session, for the next line, and the reply to this one.
type Answered = (Session, Result<Reply, Stop>);

struct Driver {
    model: Model,
    work: Work,
    pushes: Pushes,
    files: Files,
    news: NewsFeed,
    /// `None` while a line is carried out.
    session: Option<Session>,
    running: Option<Pin<Box<dyn Future<Output = Answered>>>>,
    arrived: mpsc::UnboundedReceiver<Event>,
}

/// What is asked of the server beside the lines that the user types. Never more is under way than the model asks for: one page, and who is
/// active.
struct Work {
    client: Client,
    events: mpsc::UnboundedSender<Event>,
    typed: Option<TypedLines>,
}

impl Driver {
    async fn run(&mut self) -> Result<Ended, Stop> {
        // A signal that comes once the screen is taken over leaves it in order.
        let mut signal = std::pin::pin!(interrupted().map_err(Stop::Input)?);
        let mut screen = Screen::take_over().map_err(Stop::Input)?;
        let mut keys = screen::listen().map_err(Stop::Input)?;
        let (width, height) = screen.size().map_err(Stop::Output)?;
        self.update(Event::Resized { width, height });
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut leave_by: Option<Instant> = None;
        loop {
            self.carry_out(&mut screen)?;
            if let Some(ended) = self.model.ended() {
                return Ok(ended.clone());
            }
            screen.draw(&self.model).map_err(Stop::Output)?;
            let event = tokio::select! {
                biased;
                () = &mut signal, if leave_by.is_none() => {
                    leave_by = Some(Instant::now() + LEAVING);
                    Some(Event::Leave)
                }
                // Whoever ends the program does not wait for a server that does not answer.
                () = sleep_until(leave_by.unwrap_or_else(Instant::now)), if leave_by.is_some() => {
                    return Ok(Ended::LoggedOut);
                }
                key = keys.recv() => Self::key(key)?,
                (session, reply) = answer(&mut self.running) => {
                    (self.session, self.running) = (Some(session), None);
                    Some(Event::Answered(reply?))
                }
                Some(event) = self.arrived.recv() => Some(event),
                pushed = self.pushes.next() => match pushed {
                    Some(pushed) => Some(Event::Pushed(pushed)),
                    None => return Err(self.over()),
                },
                news = self.news.next() => Some(Event::News(news)),
                _ = looks.tick(), if !self.model.transfers().is_empty() => None,
                _ = ticks.tick() => Some(Event::Tick),
            };
            if let Some(event) = event {
                self.update(event);
            }
            self.take_what_waits();
            self.model.set_transfers(self.files.under_way());
        }
    }

    fn update(&mut self, event: Event) {
        if let Event::Pushed(pushed) = &event {
            self.files.hear(pushed);
        }
        self.model.update(event, Timestamp::from_system_time(SystemTime::now()));
    }

    /// What comes at once is drawn at once.
    fn take_what_waits(&mut self) {
        for _ in 0..EVENTS_A_DRAWING {
            let Some(pushed) = self.pushes.try_next() else { return };
            self.update(Event::Pushed(pushed));
        }
    }

    fn key(key: Option<io::Result<keys::Event>>) -> Result<Option<Event>, Stop> {
        let key = key.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into())).map_err(Stop::Input)?;
        Ok(match key {
            keys::Event::Key(key) => Some(Event::Key(key)),
            keys::Event::Paste(text) => Some(Event::Pasted(text)),
            keys::Event::Resize(width, height) => Some(Event::Resized { width, height }),
            _ => None,
        })
    }

    fn carry_out(&mut self, screen: &mut Screen) -> Result<(), Stop> {
        while let Some(request) = self.model.next_request() {
            match request {
                Request::CarryOut(line) => self.begin(line),
                Request::Redraw => screen.clear().map_err(Stop::Output)?,
                request => self.work.begin(request),
            }
        }
        Ok(())
    }

    fn begin(&mut self, line: String) {
        if let Some(mut session) = self.session.take() {
            self.running = Some(Box::pin(async move {
                let reply = session.answer(&line).await;
                (session, reply)
            }));
        }
    }

    fn over(&self) -> Stop {
        self.pushes.ended().cloned().unwrap_or(toom_net::client::Ended::Closed).into()
    }
}

async fn answer(running: &mut Option<Pin<Box<dyn Future<Output = Answered>>>>) -> Answered {
    match running {
        Some(running) => running.as_mut().await,
        None => std::future::pending().await,
    }
}

impl Work {
    fn begin(&mut self, request: Request) {
        match request {
            Request::Page { conversation, fetch } => {
                self.ask(move |client| async move {
                    let Fetch { after, limit } = fetch;
                    let limit = u16::try_from(limit).ok().and_then(PageLimit::new).unwrap_or_default();
                    let since = Since::Number(MessageNumber::new(after));
                    let page = client.read_since(conversation, since, limit).await.map(|page| {
                        let ends = if page.next.is_some() { Ends::Later } else { Ends::Here };
                        Read { rows: page.rows, ends }
                    });
                    Some(Event::Page { conversation, fetch, page })
                });
            }
            Request::Users => {
                self.ask(|client| async move { Some(Event::Users(client.active_users().await)) });
            }
            Request::Remember(line) => {
                if let Some(typed) = &mut self.typed {
                    typed.keep(&line);
                }
            }
            Request::Ring => screen::ring(),
            Request::CarryOut(_) | Request::Redraw => {}
        }
    }

    /// Counts what was posted since the user was here last, and finds the rooms.
    fn find(&self, user: String, since: Timestamp) {
        let age = i64::try_from(ROOMS_OF.as_micros()).unwrap_or(i64::MAX);
        let rooms = since.unix_micros().checked_sub(age).and_then(Timestamp::from_unix_micros);
        let rooms = rooms.unwrap_or(Timestamp::MIN);
        self.ask(move |client| async move {
            // Nobody asked: where it cannot be counted, nothing is told.
            let found = unread::count_and_find(&client, &user, since, rooms).await.ok()?;
            Some(Event::Found(found, since))
        });
    }

    fn ask<F>(&self, question: impl FnOnce(Client) -> F)
    where
        F: Future<Output = Option<Event>> + Send + 'static,
    {
        let (asked, events) = (question(self.client.clone()), self.events.clone());
        tokio::spawn(async move {
            if let Some(event) = asked.await {
                // Where nobody waits for it any more, nobody needs it.
                let _ = events.send(event);
            }
        });
    }
}

#[cfg(test)]
mod tests;
