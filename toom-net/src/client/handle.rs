//! The calls that a connection takes.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use toom_core::{Body, Conversation, IdempotencyKey, Password, Receipt, RoomId, UserName};

use super::driver::{Call, Shared};
use super::keys::Keys;
use super::{ActiveUser, Answer, CallError, Ended, NewRoom, NextPage, Page};
use crate::protocol::{Command, Greeting, LoggedIn, NameWord, Named, PageLimit, RoomsSince, Since};

/// One connection to a server. Clones share it; the last one dropped closes it at once, whatever waits.
///
/// Calls may be made from many tasks at a time. They are sent in the order in which they are first polled, without waiting for each other's
/// answers. A call that is dropped before its answer came was served or was not; the other calls do not notice. Calls do not time
/// out: put one into `tokio::time::timeout` where it must.
///
/// When no call was made for a while, a `PING` goes out by itself, so that a server that ends silent sessions keeps this one.
///
/// Every call fails with [`CallError`]: refused by the server, not sent because too long, or the connection ended.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) calls: mpsc::Sender<Call>,
    pub(super) shared: Arc<Shared>,
    pub(super) about: Arc<About>,
}

/// What does not change in a connection.
#[derive(Debug)]
pub(super) struct About {
    pub(super) greeting: Greeting,
    pub(super) keys: Keys,
    /// Dropped with the last `Client`, which tells the driver to close.
    pub(super) _open: oneshot::Sender<()>,
}

impl Client {
    /// How the server greeted: what it calls itself, and the epoch of its store.
    #[must_use]
    pub fn greeting(&self) -> &Greeting {
        &self.about.greeting
    }

    /// Why the connection ended; `None` while it is open.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.shared.ended()
    }

    /// A key for a request that may have to be repeated, unlike any other.
    #[must_use]
    pub fn new_key(&self) -> IdempotencyKey {
        self.about.keys.next()
    }

    /// Logs in. The password is wiped once it was written.
    ///
    /// # Errors
    /// [`CallError`]; refused with `bad-credentials`, `blocked`, `throttled` (see
    /// [`Failure::seconds_left`](crate::protocol::Failure::seconds_left)) or `already-logged-in`.
    pub async fn login(&self, user: UserName, password: Password) -> Result<LoggedIn, CallError> {
        self.ask(Command::Login { user, password }, |answer| match answer {
            Answer::LoggedIn(session) => Some(session),
            _ => None,
        })
        .await
    }

    /// Posts to everyone.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn broadcast(&self, body: Body) -> Result<Receipt, CallError> {
        self.post(Command::Broadcast { key: None, body }).await
    }

    /// Posts to everyone, once however often it is called with `key`.
    ///
    /// # Errors
    /// [`CallError`]; refused with `key-reused` where the key was used with another request.
    pub async fn broadcast_once(&self, key: IdempotencyKey, body: Body) -> Result<Receipt, CallError> {
        self.post(Command::Broadcast { key: Some(key), body }).await
    }

    /// Posts to a room.
    ///
    /// # Errors
    /// [`CallError`]; refused with `no-room` where there is none, or the caller is no member.
    pub async fn post_room(&self, room: RoomId, body: Body) -> Result<Receipt, CallError> {
        self.post(Command::PostRoom { key: None, room, body }).await
    }

    /// Posts to a room, once however often it is called with `key`.
    ///
    /// # Errors
    /// As [`post_room`](Self::post_room); refused with `key-reused` where the key was used with another request.
    pub async fn post_room_once(
        &self,
        key: IdempotencyKey,
        room: RoomId,
        body: Body,
    ) -> Result<Receipt, CallError> {
        self.post(Command::PostRoom { key: Some(key), room, body }).await
    }

    /// Builds a room of the caller and `users`.
    ///
    /// # Errors
    /// [`CallError`]; refused with `unknown-user`, `inactive-user`, `no-members` or `room-exists`.
    pub async fn create_room(&self, users: &[NameWord]) -> Result<NewRoom, CallError> {
        self.build(None, users).await
    }

    /// Builds a room, once however often it is called with `key`.
    ///
    /// # Errors
    /// As [`create_room`](Self::create_room); refused with `key-reused` where the key was used with another request.
    pub async fn create_room_once(
        &self,
        key: IdempotencyKey,
        users: &[NameWord],
    ) -> Result<NewRoom, CallError> {
        self.build(Some(key), users).await
    }

    /// The other active users.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn active_users(&self) -> Result<Vec<ActiveUser>, CallError> {
        self.ask(Command::ActiveUsers, |answer| match answer {
            Answer::ActiveUsers(users) => Some(users),
            _ => None,
        })
        .await
    }

    /// Reads one conversation from `since` on: at most `limit` messages, and a way to go on.
    ///
    /// # Errors
    /// [`CallError`]; refused with `no-room`, or with `syntax` where the server does not take the cursor.
    pub async fn read_since(
        &self,
        conversation: Conversation,
        since: Since,
        limit: PageLimit,
    ) -> Result<Page, CallError> {
        self.read(Command::ReadConversation { conversation, since, limit }).await
    }

    /// Reads all rooms of the caller from `since` on, room by room.
    ///
    /// # Errors
    /// As [`read_since`](Self::read_since).
    pub async fn read_rooms_since(&self, since: RoomsSince, limit: PageLimit) -> Result<Page, CallError> {
        self.read(Command::ReadRooms { since, limit }).await
    }

    /// Reads on where a page ended.
    ///
    /// # Errors
    /// As [`read_since`](Self::read_since).
    pub async fn read_on(&self, next: NextPage) -> Result<Page, CallError> {
        self.read(next.into_command()).await
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn ping(&self) -> Result<(), CallError> {
        self.ask(Command::Ping { text: "".into() }, |answer| match answer {
            Answer::Pong(_) => Some(()),
            _ => None,
        })
        .await
    }

    /// The server's commands, a line for people each.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn help(&self) -> Result<Vec<Box<str>>, CallError> {
        self.ask(Command::Help, |answer| match answer {
            Answer::Help(lines) => Some(lines),
            _ => None,
        })
        .await
    }

    /// Ends the session and the connection: calls that wait behind it fail with [`Ended::Closed`]. Tells who was logged in.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn logout(&self) -> Result<Option<NameWord>, CallError> {
        self.ask(Command::Logout, |answer| match answer {
            Answer::LoggedOut(user) => Some(user),
            _ => None,
        })
        .await
    }

    /// Makes any request. The answer is of the request's kind.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, command: Command) -> Result<Answer, CallError> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call { command, answer }).await.map_err(|_| end_of(&self.shared))?;
        answered.await.map_err(|_| end_of(&self.shared))?
    }

    pub(super) async fn ask<T>(
        &self,
        command: Command,
        part: impl FnOnce(Answer) -> Option<T>,
    ) -> Result<T, CallError> {
        let answer = self.call(command).await?;
        Ok(part(answer).expect("a dialogue gives each request an answer of its own kind"))
    }

    async fn post(&self, command: Command) -> Result<Receipt, CallError> {
        self.ask(command, |answer| match answer {
            Answer::Posted(receipt) => Some(receipt),
            _ => None,
        })
        .await
    }

    async fn build(&self, key: Option<IdempotencyKey>, users: &[NameWord]) -> Result<NewRoom, CallError> {
        self.ask(Command::CreateRoom { key, users: users.iter().map(Named::from).collect() }, |answer| {
            match answer {
                Answer::RoomCreated(room) => Some(room),
                _ => None,
            }
        })
        .await
    }

    async fn read(&self, command: Command) -> Result<Page, CallError> {
        self.ask(command, |answer| match answer {
            Answer::Page(page) => Some(page),
            _ => None,
        })
        .await
    }
}

/// Why the driver is gone. It says so before it goes.
pub(super) fn end_of(shared: &Shared) -> Ended {
    shared.ended().cloned().unwrap_or(Ended::Closed)
}
