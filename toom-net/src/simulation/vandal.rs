//! Peers that are not logged in, and want to be, or to do harm.

use core::net::IpAddr;

use toom_core::Mono;

use super::accounts::User;
use super::common::Common;
use super::network::{CableId, Got};
use super::report::{Kept, demand};
use super::truth::MARK;

/// What nobody is sent who is not logged in.
const SECRETS: [&str; 5] = [MARK, "OK LOGIN", "MSG ", "ROW b ", "ROW 1 "];

/// How much of what came before is kept, so that a word is found that comes in two pieces.
const KEPT: usize = 16;

/// A peer that means harm.
pub(super) struct Vandal {
    name: String,
    ip: IpAddr,
    cable: Option<CableId>,
    unsent: Vec<u8>,
    heard: Vec<u8>,
    /// Whether it said the right password. It is let in if the account was made anew meanwhile; whether it may be, `Guesses` judge.
    knows_password: bool,
    pub(super) asleep_until: Mono,
}

impl Vandal {
    pub(super) fn new(number: usize, ip: IpAddr) -> Self {
        let name = format!("x{number}");
        let (unsent, heard) = (Vec::new(), Vec::new());
        Self { name, ip, cable: None, unsent, heard, knows_password: false, asleep_until: Mono::ZERO }
    }

    /// Moves bytes, and looks at what came; whether anything moved.
    pub(super) fn poll(&mut self, common: &mut Common) -> Kept<bool> {
        let Some(cable) = self.cable else { return Ok(false) };
        let mut network = common.network.borrow_mut();
        let written = network.write(cable, &self.unsent);
        self.unsent.drain(..written);
        if self.asleep_until > common.clock.mono() {
            return Ok(written > 0);
        }
        let got = network.read(cable, 500);
        drop(network);
        match got {
            Got::Nothing => return Ok(written > 0),
            Got::End | Got::Failed => self.leave(common),
            Got::Bytes(read) => self.hear(&read, common)?,
        }
        Ok(true)
    }

    fn hear(&mut self, read: &[u8], common: &mut Common) -> Kept {
        common.counts.bytes_to_peers += read.len() as u64;
        common.log.bytes(read);
        self.heard.extend_from_slice(read);
        let heard = String::from_utf8_lossy(&self.heard);
        common.counts.blocks_met += heard.matches("ERR LOGIN blocked").count() as u64;
        if self.knows_password && heard.contains("OK LOGIN") {
            self.leave(common);
            return Ok(());
        }
        let secret = SECRETS.iter().find(|secret| heard.contains(**secret));
        demand(secret.is_none(), || {
            format!("who is not logged in is told nothing: {} hears {heard:?}", self.name)
        })?;
        let old = self.heard.len().saturating_sub(KEPT);
        self.heard.drain(..old);
        Ok(())
    }

    /// Closes its connection.
    pub(super) fn leave(&mut self, common: &mut Common) {
        if let Some(cable) = self.cable.take() {
            common.network.borrow_mut().peer_closes(cable);
        }
        self.unsent.clear();
        self.heard.clear();
        self.knows_password = false;
    }

    /// Comes anew with a guess, the first thing that it says.
    pub(super) fn guess(&mut self, name: &str, password: &str, common: &mut Common) -> CableId {
        self.leave(common);
        common.counts.connections += 1;
        let mut network = common.network.borrow_mut();
        let cable = network.connect(self.ip);
        self.cable = Some(cable);
        self.knows_password = password == User::PASSWORD;
        self.unsent = format!("LOGIN {name} {password}\n").into_bytes();
        let written = network.write(cable, &self.unsent);
        self.unsent.drain(..written);
        cable
    }

    /// Does some harm.
    pub(super) fn act(&mut self, users: &[User], common: &mut Common) {
        let Some(cable) = self.cable else {
            common.counts.connections += 1;
            self.cable = Some(common.network.borrow_mut().connect(self.ip));
            return;
        };
        if self.unsent.len() > 40_000 {
            return;
        }
        let name = name(users, common);
        let line = match common.chance.weighted(&[60, 12, 4, 20, 3, 2, 2]).unwrap_or_default() {
            0 => format!("LOGIN {name} wrong\n").into_bytes(),
            1 => (0..common.chance.between(1, 200)).map(|_| self::byte(common)).collect(),
            2 => vec![b'x'; common.chance.between(1000, 20_000)],
            3 => {
                let lines = [
                    "RDM b #0\n",
                    "RDM s 2000-01-01T00:00:00Z\n",
                    "SRM 1 x\n",
                    "BCM x\n",
                    "ATU\r\n",
                    "HELP\n",
                    "@a !b PING x\n",
                    "RDM 1 #0",
                    "HELLO live=on\n",
                    "LOGIN nobody x\n",
                ];
                common.chance.pick(&lines).map_or(Vec::new(), |line| line.as_bytes().to_vec())
            }
            4 => return common.network.borrow_mut().end(cable),
            5 => b"OUT\n".to_vec(),
            _ => return self.leave(common),
        };
        common.log.bytes(&line);
        self.unsent.extend(line);
    }
}

/// A name to be guessed at: mostly one that has an account.
fn name(users: &[User], common: &mut Common) -> String {
    let user = common.chance.pick(users).filter(|_| common.chance.permille(700));
    user.map_or_else(|| format!("nobody{}", common.chance.below(8)), |user| user.name.as_str().to_owned())
}

fn byte(common: &mut Common) -> u8 {
    let [byte, ..] = common.chance.bits().to_le_bytes();
    byte
}
