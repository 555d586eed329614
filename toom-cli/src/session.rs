//! A session: it carries out what the user types and prints what comes back.

use std::io;
use std::time::SystemTime;

use toom_core::{Body, Conversation, Receipt, RoomId, Timestamp, UserName};
use toom_net::client::{CallError, Client, Ended, Page};
use toom_net::protocol::{HistoryRow, NameWord, PageLimit, RoomsSince};

use crate::command::{self, Command, Since};
use crate::filter::write_line;
use crate::render;
use crate::stop::{Stop, Verdict};
use crate::zone::Zone;

/// A logged-in client.
#[derive(Debug)]
pub struct Session {
    client: Client,
    zone: Zone,
}

/// What a command led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The session goes on.
    On(Verdict),
    /// The user logged out.
    LoggedOut,
}

/// Why a command printed no answer.
enum Trouble {
    /// It was refused.
    Refused(String),
    /// The run is over.
    Stop(Stop),
}

impl Session {
    /// A session of `client`, which is logged in, with times in `zone`.
    #[must_use]
    pub const fn new(client: Client, zone: Zone) -> Self {
        Self { client, zone }
    }

    /// The zone in which times are written.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Why the connection ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Stop {
        self.client.ended().cloned().unwrap_or(Ended::Closed).into()
    }

    /// Carries out a line that the user typed, and prints the answer. A refusal is an answer.
    ///
    /// # Errors
    /// [`Stop`] where nothing more can be done.
    pub async fn carry_out(&self, line: &str, out: &mut impl io::Write) -> Result<Step, Stop> {
        let now = Timestamp::from_system_time(SystemTime::now());
        let command = match command::parse(line, &self.zone, now) {
            Ok(Some(command)) => command,
            Ok(None) => return Ok(Step::On(Verdict::Done)),
            Err(error) => return refuse(&error.to_string(), out),
        };
        if command == Command::Logout {
            return self.log_out(out).await;
        }
        match self.answer(command, out).await {
            Ok(()) => Ok(Step::On(Verdict::Done)),
            Err(Trouble::Refused(told)) => refuse(&told, out),
            Err(Trouble::Stop(stop)) => Err(stop),
        }
    }

    /// `OUT`.
    ///
    /// # Errors
    /// [`Stop`] where the server could not be told, or the answer not be printed.
    pub async fn log_out(&self, out: &mut impl io::Write) -> Result<Step, Stop> {
        let user = match self.client.logout().await {
            Ok(user) => user,
            Err(CallError::Ended(ended)) => return Err(ended.into()),
            Err(error) => return refuse(&render::call_error(&error), out),
        };
        let goodbye = render::goodbye(user.as_ref().map_or("", NameWord::as_str));
        write_line(out, &goodbye).map_err(Stop::Output)?;
        Ok(Step::LoggedOut)
    }

    async fn answer(&self, command: Command, out: &mut impl io::Write) -> Result<(), Trouble> {
        match command {
            Command::Broadcast(body) => self.broadcast(body, out).await,
            Command::ActiveUsers => self.active_users(out).await,
            Command::CreateRoom(users) => self.create_room(&users, out).await,
            Command::Post { room, body } => self.post(room, body, out).await,
            Command::Read { conversation, since } => self.read(conversation, since, out).await,
            Command::ReadRooms(since) => self.read_rooms(since, out).await,
            Command::Help => command::HELP.iter().try_for_each(|line| print(out, line)),
            Command::Logout => Ok(()),
        }
    }

    async fn broadcast(&self, body: Body, out: &mut impl io::Write) -> Result<(), Trouble> {
        let Receipt { number, at, .. } = self.client.broadcast(body).await?;
        print(out, &render::broadcast(number, at, &self.zone))
    }

    async fn active_users(&self, out: &mut impl io::Write) -> Result<(), Trouble> {
        let users = self.client.active_users().await?;
        if users.is_empty() {
            return print(out, render::NO_OTHER_ACTIVE_USER);
        }
        users.iter().try_for_each(|user| print(out, &render::active_user(&user.user, user.since, &self.zone)))
    }

    async fn create_room(&self, users: &[UserName], out: &mut impl io::Write) -> Result<(), Trouble> {
        let users: Vec<NameWord> = users.iter().map(NameWord::from).collect();
        let built = self.client.create_room(&users).await?;
        print(out, &render::room_created(built.room, &built.members))
    }

    async fn post(&self, room: RoomId, body: Body, out: &mut impl io::Write) -> Result<(), Trouble> {
        let Receipt { number, at, .. } = self.client.post_room(room, body).await?;
        print(out, &render::posted(room, number, at, &self.zone))
    }

    async fn read(
        &self,
        conversation: Conversation,
        since: Since,
        out: &mut impl io::Write,
    ) -> Result<(), Trouble> {
        let heading = render::heading(conversation, since, &self.zone);
        let first = self.client.read_since(conversation, since.into(), PageLimit::default()).await?;
        self.print_pages(heading, first, out).await
    }

    async fn read_rooms(&self, since: Timestamp, out: &mut impl io::Write) -> Result<(), Trouble> {
        let heading = render::rooms_heading(since, &self.zone);
        let first = self.client.read_rooms_since(RoomsSince::Time(since), PageLimit::default()).await?;
        self.print_pages(Some(heading), first, out).await
    }

    /// Prints `page` and all that follow it, below the heading if there is anything.
    async fn print_pages(
        &self,
        mut heading: Option<String>,
        mut page: Page,
        out: &mut impl io::Write,
    ) -> Result<(), Trouble> {
        let mut messages = 0_u64;
        loop {
            for row in &page.rows {
                if let Some(heading) = heading.take() {
                    print(out, &heading)?;
                }
                print(out, &render::history(row, &self.zone))?;
                messages += u64::from(matches!(row, HistoryRow::Message(_)));
            }
            match page.next {
                Some(next) => page = self.client.read_on(next).await?,
                None => break,
            }
        }
        if messages == 0 { print(out, render::NO_NEW_MESSAGE) } else { Ok(()) }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Ended(ended) => Self::Stop(ended.into()),
            refused => Self::Refused(render::call_error(&refused)),
        }
    }
}

fn print(out: &mut impl io::Write, line: &str) -> Result<(), Trouble> {
    write_line(out, line).map_err(|error| Trouble::Stop(Stop::Output(error)))
}

/// Prints why a line was refused.
///
/// # Errors
/// [`Stop::Output`].
pub fn refuse(told: &str, out: &mut impl io::Write) -> Result<Step, Stop> {
    write_line(out, told).map_err(Stop::Output)?;
    Ok(Step::On(Verdict::Refused))
}
