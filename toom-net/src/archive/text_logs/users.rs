//! `userlog.txt`: the sessions that are open, numbered from 1.

use core::num::NonZeroU16;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::pending::Changes;
use super::{TextLogsError, failed, open_private};
use crate::server::OpenSession;
use crate::shown::Spoken;

/// The sessions, and their file.
#[derive(Debug)]
pub(super) struct UserLog {
    path: PathBuf,
    /// What becomes the file once it is whole.
    new: PathBuf,
    zone: TimeZone,
    /// In the order of logins.
    sessions: Vec<OpenSession>,
}

impl UserLog {
    pub(super) fn new(folder: &Path, zone: TimeZone) -> Self {
        let (path, new) = (folder.join("userlog.txt"), folder.join("userlog.txt.new"));
        Self { path, new, zone, sessions: Vec::new() }
    }

    /// Takes the changes, and replaces the file: whoever reads it sees all of the old one or all of the new one.
    pub(super) fn change(&mut self, changes: Changes) -> Result<(), TextLogsError> {
        let Changes { opened, ended } = changes;
        self.sessions.retain(|open| !ended.contains(&open.session));
        let mut opened: Vec<_> = opened.into_values().collect();
        opened.sort_unstable_by_key(|(place, _)| *place);
        self.sessions.extend(opened.into_iter().map(|(_, session)| session));
        self.write()
            .and_then(|()| fs::rename(&self.new, &self.path))
            .map_err(|error| failed(&self.path, "replace", error))
    }

    fn write(&self) -> io::Result<()> {
        let file = open_private(&self.new, OpenOptions::new().write(true).create(true).truncate(true))?;
        let mut out = BufWriter::new(file);
        for (place, OpenSession { at, user, ip, udp, .. }) in self.sessions.iter().enumerate() {
            let (number, at) = (place + 1, Spoken { at: *at, zone: &self.zone });
            writeln!(out, "{number}; {at}; {user}; {ip}; {}", udp.map_or(0, NonZeroU16::get))?;
        }
        out.flush()
    }
}
