//! A network that delays, splits, stalls and drops.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};
use std::io;

use toom_core::Mono;

use super::chance::Chance;
use crate::server::stepped::Happened;

pub(super) type CableId = u64;

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Network {
    cables: BTreeMap<CableId, Cable>,
    next: CableId,
    /// Those that the server has not taken yet.
    backlog: VecDeque<CableId>,
    /// How many bytes each lane holds.
    window: usize,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Cable {
    pub(super) ip: IpAddr,
    up: Lane,
    down: Lane,
    /// Its place on the server.
    slot: Option<usize>,
    peer: End,
    server: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Closed,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Lane {
    flying: VecDeque<u8>,
    arrived: VecDeque<u8>,
    window: usize,
    fate: Fate,
    stalled_until: Mono,
    /// Whether somebody waits to write.
    starved: bool,
    /// What the reader is to be told.
    news: bool,
    /// Whether the writer is to be told that there is room.
    roomy: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Open,
    /// The end is on its way.
    Ending,
    Ended,
    Broken,
    /// Nothing arrives, and nobody is told.
    Silent,
}

/// What reading at a peer's end came to.
#[derive(Debug)]
pub(super) enum Got {
    Bytes(Vec<u8>),
    Nothing,
    End,
    Failed,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Some of what flies arrives, and then the end.
    Ended,
    /// Some of what flies arrives, and then an error.
    Broken,
    /// Nothing arrives any more, and nobody is told.
    Silent,
}

impl Lane {
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.arrived.is_empty() {
            return match self.fate {
                Fate::Ended => Ok(0),
                Fate::Broken => Err(io::ErrorKind::ConnectionReset.into()),
                _ => Err(io::ErrorKind::WouldBlock.into()),
            };
        }
        let taken = self.arrived.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(self.arrived.drain(..taken)) {
            *place = byte;
        }
        self.roomy |= core::mem::take(&mut self.starved);
        Ok(taken)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.fate != Fate::Open && self.fate != Fate::Silent {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = self.window.saturating_sub(self.flying.len() + self.arrived.len()).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            self.starved = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.flying.extend(bytes.get(..room).unwrap_or_default());
        Ok(room)
    }

    /// The writer sends no more.
    pub(super) fn end(&mut self) {
        if self.fate == Fate::Open {
            self.fate = Fate::Ending;
        }
    }

    fn is_moving(&self, now: Mono) -> bool {
        self.stalled_until <= now
            && match self.fate {
                Fate::Open => !self.flying.is_empty(),
                Fate::Ending => true,
                Fate::Ended | Fate::Broken | Fate::Silent => false,
            }
    }

    /// Lets some of what flies arrive, or the end.
    fn arrive(&mut self, bytes: usize) {
        if self.flying.is_empty() && self.fate == Fate::Ending {
            self.fate = Fate::Ended;
        }
        let bytes = bytes.min(self.flying.len());
        self.arrived.extend(self.flying.drain(..bytes));
        self.news = true;
    }

    fn cut(&mut self, cut: Cut, chance: &mut Chance) {
        if self.fate == Fate::Ended || self.fate == Fate::Broken {
            return;
        }
        if cut == Cut::Silent {
            self.fate = Fate::Silent;
            return;
        }
        let some = chance.between(0, self.flying.len());
        self.arrive(some);
        self.flying.clear();
        self.fate = if cut == Cut::Ended { Fate::Ended } else { Fate::Broken };
        self.roomy |= core::mem::take(&mut self.starved);
    }
}

impl Network {
    pub(super) fn new(window: usize) -> Self {
        Self { window, ..Self::default() }
    }

    /// A peer connects. The server has to take it.
    pub(super) fn connect(&mut self, ip: IpAddr) -> CableId {
        let id = self.next;
        self.next += 1;
        let lane = || Lane { window: self.window, ..Lane::default() };
        let cable = Cable { ip, up: lane(), down: lane(), slot: None, peer: End::Open, server: End::Closed };
        self.cables.insert(id, cable);
        self.backlog.push_back(id);
        id
    }

    /// The server takes a connection, if the peer is still there.
    pub(super) fn take(&mut self) -> Option<(CableId, IpAddr)> {
        let id = self.backlog.pop_front()?;
        let cable = self.cables.get_mut(&id)?;
        cable.server = End::Open;
        // The system tells of what there is when it is first asked.
        cable.up.news |= !cable.up.arrived.is_empty() || cable.up.fate == Fate::Ended;
        cable.down.roomy = true;
        Some((id, cable.ip))
    }

    /// The connection has a place on the server.
    pub(super) fn place(&mut self, id: CableId, slot: usize) {
        if let Some(cable) = self.cables.get_mut(&id) {
            cable.slot = Some(slot);
        }
    }

    pub(super) fn lane_up(&mut self, id: CableId) -> Option<&mut Lane> {
        self.cables.get_mut(&id).map(|cable| &mut cable.up)
    }

    pub(super) fn lane_down(&mut self, id: CableId) -> Option<&mut Lane> {
        self.cables.get_mut(&id).map(|cable| &mut cable.down)
    }

    /// The lanes on which something can move, by connection.
    pub(super) fn moving(&self, now: Mono) -> Vec<(CableId, bool)> {
        let lanes = |(id, cable): (&CableId, &Cable)| {
            [(*id, true, cable.up.is_moving(now)), (*id, false, cable.down.is_moving(now))]
        };
        let moving = self.cables.iter().flat_map(lanes);
        moving.filter(|(.., moves)| *moves).map(|(id, up, _)| (id, up)).collect()
    }

    /// Lets up to so many bytes arrive.
    pub(super) fn arrive(&mut self, (id, up): (CableId, bool), bytes: usize) {
        if let Some(cable) = self.cables.get_mut(&id) {
            if up { &mut cable.up } else { &mut cable.down }.arrive(bytes);
        }
    }

    /// What the server is to be told of its connections: places, what happened, and whether they are lost.
    pub(super) fn news(&mut self) -> Vec<(usize, Happened, bool)> {
        let mut all = Vec::new();
        for cable in self.cables.values_mut().filter(|cable| cable.server == End::Open) {
            let Some(slot) = cable.slot else { continue };
            let (news, roomy) = (core::mem::take(&mut cable.up.news), core::mem::take(&mut cable.down.roomy));
            if news || roomy {
                let ended = cable.up.fate == Fate::Ended;
                let lost = cable.up.fate == Fate::Broken || roomy && cable.down.fate == Fate::Broken;
                all.push((
                    slot,
                    Happened { readable: news, read_closed: news && ended, writable: roomy },
                    lost,
                ));
            }
        }
        all
    }

    /// Whether anything moves, or somebody has to be told something.
    pub(super) fn is_busy(&self, now: Mono) -> bool {
        let news = |cable: &Cable| cable.server == End::Open && (cable.up.news || cable.down.roomy);
        let busy = |cable: &Cable| cable.up.is_moving(now) || cable.down.is_moving(now) || news(cable);
        !self.backlog.is_empty() || self.cables.values().any(busy)
    }

    /// A peer writes.
    pub(super) fn write(&mut self, id: CableId, bytes: &[u8]) -> usize {
        self.lane_up(id).and_then(|lane| lane.write(bytes).ok()).unwrap_or_default()
    }

    /// A peer reads.
    pub(super) fn read(&mut self, id: CableId, most: usize) -> Got {
        let Some(lane) = self.lane_down(id) else { return Got::Failed };
        let mut buffer = vec![0; most.min(lane.arrived.len()).max(1)];
        match lane.read(&mut buffer) {
            Ok(0) => Got::End,
            Ok(bytes) => {
                buffer.truncate(bytes);
                Got::Bytes(buffer)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Got::Nothing,
            Err(_) => Got::Failed,
        }
    }

    /// A peer sends no more.
    pub(super) fn end(&mut self, id: CableId) {
        if let Some(lane) = self.lane_up(id) {
            lane.end();
        }
    }

    /// A peer closes: what it sent arrives, and what it is sent does not.
    pub(super) fn peer_closes(&mut self, id: CableId) {
        let Some(cable) = self.cables.get_mut(&id) else { return };
        cable.peer = End::Closed;
        cable.up.end();
        if cable.down.fate != Fate::Silent {
            cable.down.fate = Fate::Broken;
            cable.down.flying.clear();
            cable.down.arrived.clear();
            cable.down.roomy |= core::mem::take(&mut cable.down.starved);
        }
        self.forget(id);
    }

    /// The server closes: what it sent arrives, unless it has not read what it was sent.
    pub(super) fn server_closes(&mut self, id: CableId) {
        let Some(cable) = self.cables.get_mut(&id) else { return };
        cable.server = End::Closed;
        let unread = !cable.up.arrived.is_empty() || !cable.up.flying.is_empty();
        if unread && cable.down.fate != Fate::Silent {
            cable.down.fate = Fate::Broken;
            cable.down.flying.clear();
        }
        cable.down.end();
        if cable.up.fate != Fate::Silent {
            cable.up.fate = Fate::Broken;
            cable.up.flying.clear();
            cable.up.arrived.clear();
        }
        self.forget(id);
    }

    fn forget(&mut self, id: CableId) {
        let over = |cable: &Cable| cable.peer == End::Closed && cable.server == End::Closed;
        if self.cables.get(&id).is_some_and(over) && !self.backlog.contains(&id) {
            self.cables.remove(&id);
        }
    }

    /// Nobody takes connections any more; what waited to be taken is refused, or hears nothing.
    pub(super) fn refuse_backlog(&mut self, cut: Cut, chance: &mut Chance) {
        for id in core::mem::take(&mut self.backlog) {
            self.cut(id, cut, chance);
            self.forget(id);
        }
    }

    /// Cuts a connection.
    pub(super) fn cut(&mut self, id: CableId, cut: Cut, chance: &mut Chance) {
        if let Some(cable) = self.cables.get_mut(&id) {
            cable.up.cut(cut, chance);
            cable.down.cut(cut, chance);
        }
    }

    /// Stops a connection, one way or both, for some time.
    pub(super) fn stall(&mut self, id: CableId, until: Mono, ways: usize) {
        if let Some(cable) = self.cables.get_mut(&id) {
            if ways != 1 {
                cable.up.stalled_until = until;
            }
            if ways != 0 {
                cable.down.stalled_until = until;
            }
        }
    }

    /// Nothing is stalled any more, and who hears nothing is told so.
    pub(super) fn calm(&mut self, chance: &mut Chance) {
        for cable in self.cables.values_mut() {
            for lane in [&mut cable.up, &mut cable.down] {
                lane.stalled_until = Mono::ZERO;
                if lane.fate == Fate::Silent {
                    lane.fate = Fate::Open;
                    lane.flying.clear();
                    lane.cut(Cut::Broken, chance);
                }
            }
        }
    }

    /// The connections that there are.
    pub(super) fn ids(&self) -> Vec<CableId> {
        self.cables.keys().copied().collect()
    }
}
