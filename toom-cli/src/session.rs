//! A session: it carries out what the user types, and gives what comes back.

use std::io;
use std::time::SystemTime;

use toom_core::{Body, Conversation, RoomId, Timestamp, UserName};
use toom_net::client::{CallError, Client, Ended, NextPage, Page, Pushed};
use toom_net::protocol::{HistoryRow, NameWord, PageLimit, RoomsSince};

use crate::command::{self, Command, CommandError, FilesCommand, Reading};
use crate::files::Files;
use crate::filter::write_line;
use crate::said::{Begins, Ends, History, PlaceOfPage, Refusal, Said};
use crate::stop::{Stop, Verdict};
use crate::voice::Voice;

/// A logged-in client.
#[derive(Debug)]
pub struct Session {
    client: Client,
    voice: Voice,
    page: PageLimit,
    files: Files,
    /// A read that has not reached its end.
    unread: Option<Unread>,
}

#[derive(Debug)]
struct Unread {
    reading: Reading,
    next: NextPage,
    messages: u64,
    begins: Begins,
}

/// What a command led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The session goes on.
    On(Verdict),
    /// The user logged out.
    LoggedOut,
}

/// The answer to a line.
#[derive(Debug)]
pub struct Reply {
    /// What to tell of how the line was understood: talk, no data.
    pub note: Option<String>,
    /// What came of it. A blank line comes to nothing.
    pub said: Option<Said>,
    /// What it led to.
    pub step: Step,
}

impl Reply {
    /// Where a post's answer has its place among the messages.
    #[must_use]
    pub fn place(&self) -> Option<(Conversation, u64)> {
        match &self.said {
            Some(Said::Posted(receipt)) => Some((receipt.conversation, receipt.number.get())),
            _ => None,
        }
    }
}

impl Session {
    /// A session of `client`, which is logged in, told in `voice`, with pages of `page` messages.
    #[must_use]
    pub const fn new(client: Client, voice: Voice, page: PageLimit, files: Files) -> Self {
        Self { client, voice, page, files, unread: None }
    }

    /// What makes the requests.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The user's files.
    #[must_use]
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// How the user is told.
    #[must_use]
    pub const fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Why the connection ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Stop {
        self.client.ended().cloned().unwrap_or(Ended::Closed).into()
    }

    /// Carries out a line to its end, and prints the answer, page by page. A refusal is an answer.
    ///
    /// # Errors
    /// [`Stop`] where nothing more can be done.
    pub async fn carry_out(&mut self, line: &str, out: &mut impl io::Write) -> Result<Step, Stop> {
        let reply = self.answer(line).await?;
        if let Some(note) = &reply.note {
            // Talk: who does not read it misses no data.
            let _ = write_line(&mut io::stderr(), &format!("toom: {note}"));
        }
        if let Some(said) = &reply.said {
            self.tell(said, out)?;
        }
        while let Some(unread) = self.unread.take() {
            match self.read_on(unread).await {
                Ok(said) => self.tell(&said, out)?,
                Err(error) => {
                    self.tell(&refused(error)?, out)?;
                    return Ok(Step::On(Verdict::Refused));
                }
            }
        }
        Ok(reply.step)
    }

    /// Prints `said`.
    ///
    /// # Errors
    /// [`Stop::Output`].
    pub fn tell(&self, said: &Said, out: &mut impl io::Write) -> Result<(), Stop> {
        self.voice.tell(said, out)
    }

    /// Prints what came unasked.
    ///
    /// # Errors
    /// [`Stop::Output`].
    pub fn tell_pushed(&self, pushed: Pushed, out: &mut impl io::Write) -> Result<(), Stop> {
        self.tell(&Said::Pushed(pushed), out)
    }

    /// Carries out a line: of a read, the first page.
    ///
    /// # Errors
    /// [`Stop`] where nothing more can be done.
    pub async fn answer(&mut self, line: &str) -> Result<Reply, Stop> {
        let now = Timestamp::from_system_time(SystemTime::now());
        let command = match command::parse(line, &self.voice.zone, now) {
            Ok(Some(command)) => command,
            Ok(None) => return Ok(Reply { note: None, said: None, step: Step::On(Verdict::Done) }),
            Err(error) => return Ok(refusal(Refusal::of_line(error.to_string()))),
        };
        let (note, leaves) = (command.note(&self.voice.zone), command == Command::Logout);
        let said = match self.call(command).await {
            Ok(said) => said,
            Err(error) => {
                return Ok(Reply { note, said: Some(refused(error)?), step: Step::On(Verdict::Refused) });
            }
        };
        let done = match said {
            Some(Said::Refused(_)) => Verdict::Refused,
            _ => Verdict::Done,
        };
        Ok(Reply { note, said, step: if leaves { Step::LoggedOut } else { Step::On(done) } })
    }

    /// `OUT`.
    ///
    /// # Errors
    /// [`Stop`] where the server could not be told, or the answer not be printed.
    pub async fn log_out(&mut self, out: &mut impl io::Write) -> Result<Step, Stop> {
        self.carry_out("OUT", out).await
    }

    async fn call(&mut self, command: Command) -> Result<Option<Said>, CallError> {
        Ok(Some(match command {
            Command::Files(command) => return Ok(self.with_files(command)),
            Command::Broadcast(body) => self.broadcast(body).await?,
            Command::ActiveUsers => Said::ActiveUsers(self.client.active_users().await?),
            Command::CreateRoom(users) => self.create_room(&users).await?,
            Command::Post { room, body } => self.post(room, body).await?,
            Command::Read(reading) => self.read(reading).await?,
            Command::ReadOn => match self.unread.take() {
                Some(unread) => self.read_on(unread).await?,
                None => Said::Refused(Refusal::of_line(CommandError::NothingToReadOn.to_string())),
            },
            Command::Help => Said::Help,
            Command::Logout => Said::LoggedOut(self.client.logout().await?),
        }))
    }

    /// What becomes of a file is told as it happens.
    fn with_files(&self, command: FilesCommand) -> Option<Said> {
        let done = match command {
            FilesCommand::List => return Some(Said::Transfers(self.files.under_way())),
            FilesCommand::Send { user, path } => self.files.send(&user, &path),
            FilesCommand::Answer(number, answer) => self.files.answer(number, answer),
            FilesCommand::Cancel(number) => self.files.cancel(number),
        };
        done.err().map(|error| Said::Refused(Refusal::of_line(error.to_string())))
    }

    async fn broadcast(&self, body: Body) -> Result<Said, CallError> {
        let key = self.client.new_key();
        self.client.broadcast_once(key, body).await.map(Said::Posted)
    }

    async fn post(&self, room: RoomId, body: Body) -> Result<Said, CallError> {
        let key = self.client.new_key();
        self.client.post_room_once(key, room, body).await.map(Said::Posted)
    }

    async fn create_room(&self, users: &[UserName]) -> Result<Said, CallError> {
        let users: Vec<NameWord> = users.iter().map(NameWord::from).collect();
        let key = self.client.new_key();
        self.client.create_room_once(key, &users).await.map(Said::RoomCreated)
    }

    async fn read(&mut self, reading: Reading) -> Result<Said, CallError> {
        self.unread = None;
        let page = match reading {
            Reading::Conversation { conversation, since } => {
                self.client.read_since(conversation, since.into(), self.page).await?
            }
            Reading::Rooms(since) => {
                self.client.read_rooms_since(RoomsSince::Time(since.at), self.page).await?
            }
        };
        Ok(self.page(reading, page, Begins::Here, 0))
    }

    async fn read_on(&mut self, unread: Unread) -> Result<Said, CallError> {
        let Unread { reading, next, messages, begins } = unread;
        let page = self.client.read_on(next).await?;
        Ok(self.page(reading, page, begins, messages))
    }

    fn page(&mut self, reading: Reading, page: Page, begins: Begins, before: u64) -> Said {
        let Page { rows, next } = page;
        let here = rows.iter().filter(|row| matches!(row, HistoryRow::Message(_))).count();
        let messages = before.saturating_add(here as u64);
        let ends = if next.is_some() { Ends::Later } else { Ends::Here };
        let after = if rows.is_empty() { begins } else { Begins::Before };
        self.unread = next.map(|next| Unread { reading, next, messages, begins: after });
        Said::History(History { reading, rows, page: PlaceOfPage { begins, ends }, messages })
    }
}

/// The answer to a call that failed, unless the connection has ended.
fn refused(error: CallError) -> Result<Said, Stop> {
    match error {
        CallError::Ended(ended) => Err(ended.into()),
        error => Ok(Said::Refused(Refusal::from(&error))),
    }
}

fn refusal(refusal: Refusal) -> Reply {
    Reply { note: None, said: Some(Said::Refused(refusal)), step: Step::On(Verdict::Refused) }
}
