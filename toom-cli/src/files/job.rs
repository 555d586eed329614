//! What both directions of a transfer have in common: news, progress, and its end.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use toom_files::{Endpoint, Inbox, Transfer};
use toom_net::client::Client;
use toom_net::protocol::TransferId;

use super::desk::{Opened, Told};
use super::fault::{self, Fault};
use super::pace::Turns;
use super::{Direction, Done, Ending, Files, Link, News, Over, Stage, Taking, What};

/// How often one looks how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// The other side may still say better than the server why it has ended.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// One transfer, as the task that carries it out sees it.
pub(super) struct Job {
    files: Files,
    number: u32,
    pub(super) transfer: Transfer,
    pub(super) told: mpsc::Receiver<Told>,
    id: Option<TransferId>,
    /// Whether the server still knows the transfer.
    open_there: bool,
    /// What the other side is told of a refusal, in place of what the user is.
    pub(super) word: Option<&'static str>,
}

impl Job {
    pub(super) fn new(files: Files, opened: Opened, id: Option<TransferId>) -> Self {
        let Opened { number, transfer, told } = opened;
        Self { files, number, transfer, told, id, open_there: id.is_some(), word: None }
    }

    pub(super) fn client(&self) -> Client {
        self.files.0.client.clone()
    }

    pub(super) fn taking(&self) -> &Taking {
        &self.files.0.door.taking
    }

    pub(super) fn inbox(&self) -> Inbox {
        self.files.0.door.inbox().clone()
    }

    pub(super) fn endpoint(&self) -> Result<Endpoint, Over> {
        let endpoint = self.files.0.door.endpoint();
        endpoint.cloned().map_err(|error| Over::failed(&format!("there is no UDP port for it: {error}")))
    }

    pub(super) fn waits(&self, stage: Option<Stage>) {
        self.files.desk().waits(self.number, stage);
    }

    pub(super) fn is_file(&self, name: &str, bytes: u64) {
        self.files.desk().is_file(self.number, name, bytes);
    }

    pub(super) async fn relayed(&self) {
        self.files.desk().is_relayed(self.number);
        self.say(What::Relayed).await;
    }

    pub(super) fn will_be_named(&self) {
        self.files.desk().will_be_named();
    }

    pub(super) fn is_named(&mut self, id: Option<TransferId>) {
        (self.id, self.open_there) = (id, id.is_some());
        self.files.desk().is_named(self.number, id);
    }

    /// Waits until there is a session.
    pub(super) async fn server(&mut self) -> Result<(), Over> {
        let mut server = self.files.0.server.subscribe();
        loop {
            match *server.borrow_and_update() {
                Link::There => return Ok(()),
                Link::Over => return Err(fault::lost()),
                Link::Away => {}
            }
            self.waits(Some(Stage::NoServer));
            tokio::select! {
                _ = server.changed() => {}
                told = self.told.recv() => {
                    if let Some(Told::Cancel) = told { return Err(Over::cancelled()) }
                }
            }
        }
    }

    /// Waits for what the server or the user says, until it is something else than an end.
    pub(super) async fn hear(&mut self, user: &str) -> Result<Told, Over> {
        match self.told.recv().await {
            Some(Told::End { code, text }) => {
                self.open_there = false;
                Err(fault::ended(&code, text, user))
            }
            Some(Told::Cancel) => Err(Over::cancelled()),
            Some(Told::Lost) | None => {
                self.open_there = false;
                Err(fault::lost())
            }
            Some(told) => Ok(told),
        }
    }

    /// Lets `work` come to its end, tells how far it is, and ends it where somebody wants that. What needs the server ends with the session.
    pub(super) async fn during<T>(
        &mut self,
        user: &str,
        needs: Needs,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        self.waits(None);
        let mut work = pin!(work);
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turns = Turns::begin(Instant::now());
        let mut ending: Option<(Over, Instant)> = None;
        loop {
            let last = ending.as_ref().map(|(_, last)| *last);
            tokio::select! {
                biased;
                done = &mut work => {
                    let Err(Fault::Gone(over)) = done else { return done };
                    let known = match ending {
                        Some((known, _)) => Some(known),
                        None => self.why_gone(user, needs).await,
                    };
                    return Err(known.unwrap_or(over).into());
                }
                () = sleep_until(last.unwrap_or_else(Instant::now)), if last.is_some() => {
                    return Err(ending.map_or_else(fault::lost, |(over, _)| over).into());
                }
                told = self.told.recv(), if ending.is_none() => {
                    let over = self.over(told, user, needs);
                    ending = over.map(|over| (over, Instant::now() + LAST_WORDS));
                }
                _ = look.tick() => self.look(&mut turns),
            }
        }
    }

    /// What goes through the server is gone with the session: the word of it is on its way.
    async fn why_gone(&mut self, user: &str, needs: Needs) -> Option<Over> {
        if needs == Needs::Nothing {
            return None;
        }
        let told = timeout(LAST_WORDS, self.told.recv()).await.ok()?;
        self.over(told, user, needs)
    }

    /// What it means for work that is under way.
    fn over(&mut self, told: Option<Told>, user: &str, needs: Needs) -> Option<Over> {
        match told? {
            Told::Cancel => {
                self.transfer.cancel();
                Some(Over::cancelled())
            }
            Told::End { code, text } => {
                self.open_there = false;
                let over = fault::ended(&code, text, user);
                // A session that ended takes no direct transfer with it.
                (needs == Needs::Server || over.ending != Ending::Failed).then_some(over)
            }
            Told::Lost => {
                self.open_there = false;
                (needs == Needs::Server).then(fault::lost)
            }
            Told::Done => {
                self.open_there = false;
                None
            }
            Told::Accept { .. } | Told::Relay | Told::Answer(_) => None,
        }
    }

    fn look(&self, turns: &mut Turns) {
        let now = Instant::now();
        let mut desk = self.files.desk();
        let Some((stage, pace)) = desk.look(self.number, now) else { return };
        if matches!(stage, Stage::Hashing | Stage::Moving)
            && turns.take(&pace, now)
            && let Some(about) = desk.about(self.number).cloned()
        {
            // There will be another.
            let _ = self.files.0.news.try_send(News { about, what: What::Moving(stage, pace) });
        }
    }

    pub(super) async fn say(&self, what: What) {
        let about = self.files.desk().about(self.number).cloned();
        if let Some(about) = about {
            // Where nobody listens, the program ends.
            let _ = self.files.0.news.send(News { about, what }).await;
        }
    }

    /// It is over: the server is told, if it does not know, and then the user.
    pub(super) async fn close(self, ended: Result<Done, Over>) {
        let about = self.files.desk().close(self.number);
        let direction = about.as_ref().map(|about| about.direction);
        if let (Some(id), Err(over), true) = (self.id, &ended, self.open_there) {
            // It may be over there as well by now.
            let _ = match (over.ending, direction) {
                (Ending::Refused, Some(Direction::In)) => {
                    self.client().refuse_file(id, self.word.unwrap_or(&over.why)).await
                }
                _ => self.client().cancel_file(id).await,
            };
        }
        if let Some(about) = about {
            let what = ended.map_or_else(What::Over, What::Done);
            let _ = self.files.0.news.send(News { about, what }).await;
        }
    }
}

/// Whether work that is under way needs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// It does.
    Server,
    /// It does not.
    Nothing,
}
