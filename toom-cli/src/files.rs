//! Files, from one user straight to another: offers, answers, and what is under way. There is no terminal in it.
//!
//! [`Files`] is the handle. Each transfer is a task of its own, which speaks to the server, to the other client and to the disk; what happens to it
//! comes out of [`NewsFeed`]. What the server pushes goes in by [`Files::hear`]. A transfer that waits for the server or is relayed by it ends with the session;
//! one whose bytes go from client to client does not need it any more, and goes on.

mod complete;
mod desk;
mod door;
mod fault;
mod incoming;
mod job;
mod marks;
mod news;
mod outgoing;
mod pace;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use toom_core::UserName;
use toom_files::saved_name;
use toom_net::client::{Client, Pushed};
use toom_net::protocol::{EndCode, FileOffer, NameWord, TransferId, TransferPush};

pub use complete::complete;
use desk::{Desk, Told};
pub use door::Door;
use job::Job;
pub use news::{About, Direction, Done, Ending, News, Over, Route, Stage, UnderWay, What};
pub use pace::Pace;
pub use settings::{FilesArgs, Taking, TakingError};

/// How many news wait to be told. Further ones hold up their transfers, but for progress, which is then not told.
const NEWS_MAX: usize = 64;

/// How long the last packets may take to get out.
const LAST_PACKETS: Duration = Duration::from_secs(1);

/// What the user does with files, in one run. Clones are the same.
#[derive(Clone, Debug)]
pub struct Files(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    door: Door,
    desk: Mutex<Desk>,
    news: mpsc::Sender<News>,
    server: watch::Sender<Link>,
}

/// What happens to transfers, in order.
#[derive(Debug)]
pub struct NewsFeed(mpsc::Receiver<News>);

/// Whether there is a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    There,
    Away,
    Over,
}

/// What the user says to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The file is taken.
    Yes,
    /// It is not.
    No,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// There is no such transfer, or none any more.
    #[error("no transfer under way has the number {0}; UPD lists them")]
    NoSuch(u32),
    /// It does not wait for the user.
    #[error("transfer {0} does not wait for an answer of yours")]
    NotAsked(u32),
    /// There is no place for another.
    #[error("{} transfers are under way already", desk::OPEN_MAX)]
    TooMany,
}

impl Files {
    /// Files of the user who is logged in with `client`, which go through `door`.
    #[must_use]
    pub fn new(client: Client, door: Door) -> (Self, NewsFeed) {
        let (news, feed) = mpsc::channel(NEWS_MAX);
        let server = watch::Sender::new(Link::There);
        let shared = Shared { client, door, desk: Mutex::default(), news, server };
        (Self(Arc::new(shared)), NewsFeed(feed))
    }

    /// Begins to send a file. A path that begins with `~/` is below the user's home.
    ///
    /// # Errors
    /// [`FilesError::TooMany`]. Whatever else is wrong is told as news.
    pub fn send(&self, user: &UserName, path: &str) -> Result<(), FilesError> {
        let path = in_home(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let user = NameWord::from(user);
        let job = self.open(Direction::Out, user.as_str(), name, 0, None)?;
        tokio::spawn(outgoing::run(job, user, path));
        Ok(())
    }

    /// Answers an offer.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn answer(&self, number: u32, answer: Answer) -> Result<(), FilesError> {
        self.desk().answer(number, answer)
    }

    /// Ends a transfer, however far it is.
    ///
    /// # Errors
    /// [`FilesError::NoSuch`].
    pub fn cancel(&self, number: u32) -> Result<(), FilesError> {
        self.desk().cancel(number)
    }

    /// What is under way, by number.
    #[must_use]
    pub fn under_way(&self) -> Vec<UnderWay> {
        self.desk().under_way(Instant::now())
    }

    /// Whether something is under way in `direction` for which nobody has to be asked here.
    #[must_use]
    pub fn is_busy(&self, direction: Direction) -> bool {
        let busy = |one: &UnderWay| one.about.direction == direction && one.stage != Stage::Asked;
        self.under_way().iter().any(busy)
    }

    /// Takes note of what the server pushed.
    pub fn hear(&self, pushed: &Pushed) {
        match pushed {
            Pushed::Transfer(push) => self.hear_transfer(push),
            Pushed::TransfersMissed { .. } => self.desk().tell_all(&Told::Lost),
            Pushed::Away(_) => self.link(Link::Away),
            Pushed::Back { .. } => self.link(Link::There),
            _ => {}
        }
    }

    /// The session has ended, and no other will take its place.
    pub fn session_over(&self) {
        self.link(Link::Over);
    }

    /// Lets the last packets out before the program ends.
    pub async fn close(&self) {
        if let Some(endpoint) = self.0.door.opened() {
            // Who does not answer is not waited for.
            let _ = timeout(LAST_PACKETS, endpoint.close()).await;
        }
    }

    fn link(&self, link: Link) {
        self.0.server.send_replace(link);
        if link != Link::There {
            self.desk().tell_all(&Told::Lost);
        }
    }

    fn hear_transfer(&self, push: &TransferPush) {
        let (id, told) = match push {
            TransferPush::Offer { id, user, file } => return self.offered(*id, user, file),
            TransferPush::Accept { id, address, fingerprint, ticket } => {
                let (address, receiver) = (*address, marks::fingerprint(fingerprint));
                (*id, Told::Accept { address, receiver, ticket: marks::ticket(ticket) })
            }
            TransferPush::Relay { id } => (*id, Told::Relay),
            TransferPush::End { id, code: EndCode::Done, .. } => (*id, Told::Done),
            TransferPush::End { id, code, text } => {
                (*id, Told::End { code: code.clone(), text: text.to_string() })
            }
            _ => return,
        };
        self.desk().tell(id, told);
    }

    fn offered(&self, id: TransferId, user: &NameWord, file: &FileOffer) {
        let name = saved_name(user.as_str(), file.name.as_str());
        // Where there is no place for it, the sender hears nothing, and gives up after some time.
        if let Ok(job) = self.open(Direction::In, user.as_str(), name, file.bytes, Some(id)) {
            tokio::spawn(incoming::run(job, id, user.clone(), file.clone()));
        }
    }

    fn open(
        &self,
        direction: Direction,
        user: &str,
        name: String,
        bytes: u64,
        id: Option<TransferId>,
    ) -> Result<Job, FilesError> {
        let about = About { number: 0, direction, user: user.to_owned(), name, bytes };
        let opened = self.desk().open(about, id)?;
        Ok(Job::new(self.clone(), opened, id))
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing is done under the lock that could leave it half done.
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NewsFeed {
    /// The next. Dropping the future loses nothing.
    pub async fn next(&mut self) -> News {
        match self.0.recv().await {
            Some(news) => news,
            // Whoever listens holds the other end as well.
            None => std::future::pending().await,
        }
    }

    /// The next, if it is there.
    pub fn try_next(&mut self) -> Option<News> {
        self.0.try_recv().ok()
    }
}

/// The path that the user means.
#[must_use]
pub fn in_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(below), Some(home)) => home.join(below),
        _ => Path::new(path).to_owned(),
    }
}
