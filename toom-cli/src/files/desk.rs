//! The transfers that are under way: their numbers, and who is told what.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::sync::mpsc;
use tokio::time::Instant;
use toom_files::{Fingerprint, Ticket, Transfer};
use toom_net::protocol::{EndCode, TransferId};

use super::pace::Meter;
use super::{About, Answer, FilesError, Pace, Route, Stage, UnderWay};

/// How many transfers are under way at once.
pub(super) const OPEN_MAX: usize = 64;

/// What waits to be heard by one transfer. An honest server and a user who waits for what they see have less to say.
const TOLD_MAX: usize = 16;

/// How many words about transfers are kept that came before the answer to their offer.
const EARLY_MAX: usize = 64;

/// What a transfer is told.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// The receiver says yes, and listens there.
    Accept { address: SocketAddr, receiver: Fingerprint, ticket: Ticket },
    /// The sender wants the bytes to go through the server.
    Relay,
    /// The other side has ended it, or the server has.
    End { code: EndCode, text: String },
    /// The receiver has told the server that it has the file.
    Done,
    /// There is no session any more that it belongs to.
    Lost,
    /// The user answers.
    Answer(Answer),
    /// The user ends it.
    Cancel,
}

#[derive(Debug, Default)]
pub(super) struct Desk {
    last: u32,
    open: BTreeMap<u32, Open>,
    /// Offers whose answer is on its way.
    nameless: usize,
    /// What came for transfers that nobody here knows yet.
    early: Vec<(TransferId, Told)>,
}

#[derive(Debug)]
struct Open {
    about: About,
    id: Option<TransferId>,
    transfer: Transfer,
    tell: mpsc::Sender<Told>,
    /// What it waits for; `None` while the transfer itself says what it is at.
    waits: Option<Stage>,
    route: Route,
    meter: Meter,
}

/// What a task needs of the transfer that it carries out.
pub(super) struct Opened {
    pub(super) number: u32,
    pub(super) transfer: Transfer,
    pub(super) told: mpsc::Receiver<Told>,
}

impl Desk {
    pub(super) fn open(&mut self, about: About, id: Option<TransferId>) -> Result<Opened, FilesError> {
        if self.open.len() >= OPEN_MAX {
            return Err(FilesError::TooMany);
        }
        self.last = self.last.checked_add(1).ok_or(FilesError::TooMany)?;
        let number = self.last;
        let (tell, told) = mpsc::channel(TOLD_MAX);
        let transfer = Transfer::new();
        let open = Open {
            about: About { number, ..about },
            id,
            transfer: transfer.clone(),
            tell,
            waits: None,
            route: Route::Direct,
            meter: Meter::default(),
        };
        self.open.insert(number, open);
        Ok(Opened { number, transfer, told })
    }

    /// It is over.
    pub(super) fn close(&mut self, number: u32) -> Option<About> {
        self.open.remove(&number).map(|open| open.about)
    }

    pub(super) fn about(&self, number: u32) -> Option<&About> {
        self.open.get(&number).map(|open| &open.about)
    }

    /// What is offered is known.
    pub(super) fn is_file(&mut self, number: u32, name: &str, bytes: u64) {
        if let Some(open) = self.open.get_mut(&number) {
            name.clone_into(&mut open.about.name);
            open.about.bytes = bytes;
        }
    }

    /// It waits for `stage`, or is at what the transfer says.
    pub(super) fn waits(&mut self, number: u32, stage: Option<Stage>) {
        if let Some(open) = self.open.get_mut(&number) {
            open.waits = stage;
            open.meter.begin();
        }
    }

    pub(super) fn is_relayed(&mut self, number: u32) {
        if let Some(open) = self.open.get_mut(&number) {
            open.route = Route::Relayed;
        }
    }

    /// An offer goes to the server, which will name it.
    pub(super) const fn will_be_named(&mut self) {
        self.nameless += 1;
    }

    /// The server has named it, or has not taken it.
    pub(super) fn is_named(&mut self, number: u32, id: Option<TransferId>) {
        self.nameless = self.nameless.saturating_sub(1);
        if let (Some(open), Some(id)) = (self.open.get_mut(&number), id) {
            open.id = Some(id);
            for (_, told) in self.early.extract_if(.., |(early, _)| *early == id) {
                let _ = open.tell.try_send(told);
            }
        }
        if self.nameless == 0 {
            self.early.clear();
        }
    }

    pub(super) fn tell(&mut self, id: TransferId, told: Told) {
        match self.open.values().find(|open| open.id == Some(id)) {
            // Who is told more than it can hear has been told enough.
            Some(open) => drop(open.tell.try_send(told)),
            None if self.nameless > 0 && self.early.len() < EARLY_MAX => self.early.push((id, told)),
            // It is over.
            None => {}
        }
    }

    pub(super) fn tell_all(&mut self, told: &Told) {
        for open in self.open.values() {
            let _ = open.tell.try_send(told.clone());
        }
    }

    pub(super) fn answer(&mut self, number: u32, answer: Answer) -> Result<(), FilesError> {
        let open = self.open.get_mut(&number).ok_or(FilesError::NoSuch(number))?;
        if open.waits != Some(Stage::Asked) {
            return Err(FilesError::NotAsked(number));
        }
        let _ = open.tell.try_send(Told::Answer(answer));
        // The first answer counts.
        open.waits = Some(Stage::Connecting);
        Ok(())
    }

    pub(super) fn cancel(&mut self, number: u32) -> Result<(), FilesError> {
        let open = self.open.get(&number).ok_or(FilesError::NoSuch(number))?;
        let _ = open.tell.try_send(Told::Cancel);
        Ok(())
    }

    pub(super) fn under_way(&self, now: Instant) -> Vec<UnderWay> {
        self.open.values().map(|open| open.now(now)).collect()
    }

    /// Looks how far it is.
    pub(super) fn look(&mut self, number: u32, now: Instant) -> Option<(Stage, Pace)> {
        let open = self.open.get_mut(&number)?;
        open.meter.note(open.transfer.bytes_done(), now);
        let UnderWay { stage, pace, .. } = open.now(now);
        Some((stage, pace))
    }
}

impl Open {
    fn now(&self, now: Instant) -> UnderWay {
        let stage = self.waits.unwrap_or_else(|| match self.transfer.stage() {
            toom_files::Stage::Hashing => Stage::Hashing,
            toom_files::Stage::Moving => Stage::Moving,
            toom_files::Stage::Finishing | toom_files::Stage::Done => Stage::Finishing,
            _ => Stage::Connecting,
        });
        let counts = matches!(stage, Stage::Hashing | Stage::Moving | Stage::Finishing);
        let done = if counts { self.transfer.bytes_done() } else { 0 };
        let total = if counts { self.transfer.bytes_total() } else { self.about.bytes };
        let pace = self.meter.pace(done, total, now);
        UnderWay { about: self.about.clone(), stage, route: self.route, pace }
    }
}
