//! How the user is told: in the lines of this program, or in JSON.

use std::io;

use toom_core::Timestamp;
use toom_net::client::{ActiveUser, Pushed};
use toom_net::protocol::HistoryRow;

use crate::files::{News, What};
use crate::filter::{Shown, write_shown};
use crate::paint::{Color, Look, Paint};
use crate::said::{Begins, Ends, History, Said};
use crate::stop::Stop;
use crate::zone::Zone;
use crate::{command, json, render};

/// The form in which the user is told, with the zone of its times.
#[derive(Clone, Debug)]
pub struct Voice {
    /// Lines or objects.
    pub form: Form,
    /// Where times are read and written.
    pub zone: Zone,
    /// How it looks.
    pub paint: Paint,
}

/// For whom it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people and for programs that read such lines: a page is followed by the next.
    Lines,
    /// Lines for a person who sees one page at a time, and is told whether there is more.
    Pages,
    /// One JSON object a line.
    Json,
}

impl Voice {
    /// `said`, in lines that no terminal obeys.
    #[must_use]
    pub fn lines(&self, said: &Said) -> Vec<Shown> {
        if self.form == Form::Json { json::lines(said) } else { self.spoken(said) }
    }

    /// Prints `said`.
    ///
    /// # Errors
    /// [`Stop::Output`].
    pub fn tell(&self, said: &Said, out: &mut impl io::Write) -> Result<(), Stop> {
        self.lines(said).into_iter().try_for_each(|line| write_shown(out, line)).map_err(Stop::Output)
    }

    fn spoken(&self, said: &Said) -> Vec<Shown> {
        let zone = &self.zone;
        let plain = |line: String| vec![Shown::plain(&line)];
        match said {
            Said::LoggedIn(session) => {
                vec![Shown::plain(&render::session(session, zone)), Shown::plain(render::WELCOME)]
            }
            Said::Posted(receipt) => plain(render::receipt(*receipt, zone)),
            Said::ActiveUsers(users) if users.is_empty() => plain(render::NO_OTHER_ACTIVE_USER.to_owned()),
            Said::ActiveUsers(users) => users.iter().map(|user| self.active_user(user)).collect(),
            Said::RoomCreated(built) => plain(render::room_created(built.room, &built.members)),
            Said::History(history) => self.history(history),
            Said::Transfer(news) => vec![self.transfer(news)],
            Said::Transfers(all) if all.is_empty() => plain(render::NO_TRANSFER.to_owned()),
            Said::Transfers(all) => all.iter().map(|one| Shown::plain(&render::under_way(one))).collect(),
            Said::Help => command::HELP.iter().map(|line| Shown::plain(line)).collect(),
            Said::Refused(refusal) => plain(refusal.text.clone()),
            Said::LoggedOut(user) => plain(render::goodbye(user.as_ref().map_or("", |user| user.as_str()))),
            Said::Pushed(pushed) => self.pushed(pushed).into_iter().collect(),
        }
    }

    fn history(&self, history: &History) -> Vec<Shown> {
        let History { reading, rows, page, messages } = history;
        let mut lines = Vec::with_capacity(rows.len() + 2);
        if page.begins == Begins::Here && !rows.is_empty() {
            lines.extend(render::heading_of(*reading, &self.zone).map(|heading| Shown::plain(&heading)));
        }
        let mut day = None;
        for row in rows {
            if let HistoryRow::Message(message) = row {
                lines.extend(self.day_line(&mut day, message.at));
            }
            lines.push(self.row(row));
        }
        let told = match (page.ends, self.form) {
            (Ends::Here, _) if *messages == 0 => Some(render::NO_NEW_MESSAGE),
            (Ends::Here, Form::Pages) if page.begins == Begins::Before => Some(render::THAT_WAS_ALL),
            (Ends::Later, Form::Pages) => Some(render::MORE),
            _ => None,
        };
        lines.extend(told.map(Shown::plain));
        lines
    }

    fn row(&self, row: &HistoryRow) -> Shown {
        match row {
            HistoryRow::Message(message) => self.paint.message(message, &self.zone),
            HistoryRow::Gone { .. } => self.aside(&render::history(row, &self.zone)),
        }
    }

    /// The line above the first message of another day than `day`, for a person who sees colours: the lines of the old design stand alone.
    pub fn day_line(&self, day: &mut Option<String>, at: Timestamp) -> Option<Shown> {
        if self.form != Form::Pages || self.paint.color() == Color::Without {
            return None;
        }
        let new = self.zone.day(at);
        if day.as_ref() == Some(&new) {
            return None;
        }
        let line = self.paint.day_line(&new);
        *day = Some(new);
        Some(line)
    }

    fn active_user(&self, user: &ActiveUser) -> Shown {
        let name = user.user.as_str();
        let line = render::active_user(&user.user, user.since, &self.zone);
        self.paint.line(&[(Look::Name, name), (Look::Plain, line.strip_prefix(name).unwrap_or_default())])
    }

    fn transfer(&self, news: &News) -> Shown {
        let line = render::transfer(news);
        match news.what {
            What::Moving(..) => self.aside(&line),
            _ if self.paint.rings_at(news) => Shown::plain(&line).ringing(),
            _ => Shown::plain(&line),
        }
    }

    /// A line that is no message.
    fn aside(&self, line: &str) -> Shown {
        self.paint.line(&[(Look::Aside, line)])
    }

    fn pushed(&self, pushed: &Pushed) -> Option<Shown> {
        if let Pushed::Message(message) = pushed {
            let line = self.paint.message(message, &self.zone);
            return Some(if self.paint.rings(message) { line.ringing() } else { line });
        }
        render::pushed(pushed, &self.zone).map(|line| self.aside(&line))
    }
}
