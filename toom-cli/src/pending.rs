//! Lines that were typed, on their way to the server, one after the other.
//!
//! While there is no connection, they wait, are marked as not sent, and go out once there is one again. Lines that were pasted at once are
//! asked about before they are one message.

use std::collections::VecDeque;

use toom_core::Timestamp;
use toom_net::client::{Away, Pushed};

use crate::command::{self, Command};
use crate::render;
use crate::stop::{Stop, Verdict};
use crate::zone::Zone;

/// How many lines wait for a connection.
const LINES_MAX: usize = 100;

/// Lines that were typed and have no answer yet.
#[derive(Debug, Default)]
pub struct Pending {
    /// What the user is asked about.
    pasted: Option<String>,
    /// What is carried out, and whether there has been a connection since it was begun.
    running: Option<(String, Link)>,
    /// What is not begun.
    waiting: VecDeque<String>,
    link: Link,
    /// Why there is no connection, as it was told.
    told: Option<String>,
}

/// Whether there is a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// There is.
    #[default]
    There,
    /// Not now.
    Away,
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It goes out in its turn.
    Goes,
    /// It waits for the connection.
    Waits(String),
    /// It is not sent, and this is why.
    Refused(String),
    /// The user wants to know the commands.
    Help,
    /// The user leaves while there is no connection.
    Leave,
}

/// What a line is where the user was asked about what was pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The user was not asked: it is a line like any other.
    NotAsked(String),
    /// What was pasted is sent.
    Yes(String),
    /// It is not.
    No,
}

impl Pending {
    /// Whether there is a connection.
    #[must_use]
    pub const fn link(&self) -> Link {
        self.link
    }

    /// Takes `line` for the answer, if the user was asked.
    pub fn confirm(&mut self, line: String) -> Confirmed {
        match self.pasted.take() {
            None => Confirmed::NotAsked(line),
            Some(pasted) if matches!(line.trim().to_lowercase().as_str(), "y" | "yes") => {
                Confirmed::Yes(pasted)
            }
            Some(_) => Confirmed::No,
        }
    }

    /// Keeps `line` until the user has said whether it is sent.
    pub fn ask_about(&mut self, line: String) {
        self.pasted = Some(line);
    }

    /// Takes a line that is to be carried out.
    pub fn enter(&mut self, line: String, zone: &Zone, now: Timestamp) -> Entered {
        if self.link == Link::There {
            self.waiting.push_back(line);
            return Entered::Goes;
        }
        match command::parse(&line, zone, now) {
            Ok(None) => Entered::Goes,
            Ok(Some(Command::Logout)) => Entered::Leave,
            Ok(Some(Command::Help)) => Entered::Help,
            // What needs the server waits for it by itself.
            Ok(Some(Command::Files(_))) if self.running.is_none() && self.waiting.is_empty() => {
                self.waiting.push_back(line);
                Entered::Goes
            }
            Ok(Some(_)) if self.waiting.len() >= LINES_MAX => Entered::Refused(render::not_sent(&line)),
            Ok(Some(_)) => {
                self.waiting.push_back(line.clone());
                Entered::Waits(line)
            }
            Err(error) => Entered::Refused(error.to_string()),
        }
    }

    /// The line to carry out now, if none is under way.
    pub fn begin(&mut self) -> Option<String> {
        if self.running.is_none() {
            let line = self.waiting.pop_front()?;
            self.running = Some((line.clone(), self.link));
            return Some(line);
        }
        None
    }

    /// The line that was carried out has its answer.
    pub fn answered(&mut self) -> Option<String> {
        self.running.take().map(|(line, _)| line)
    }

    /// What to tell where the connection is lost; and that it is back.
    pub fn hear(&mut self, pushed: &Pushed) -> Vec<String> {
        match pushed {
            Pushed::Away(away) => self.hear_away(away),
            Pushed::Back { .. } => {
                (self.link, self.told) = (Link::There, None);
                if let Some((_, sent)) = &mut self.running {
                    *sent = Link::There;
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn hear_away(&mut self, away: &Away) -> Vec<String> {
        let why = render::away_why(away);
        let news = self.told.as_ref() != Some(&why);
        self.told = Some(why);
        let unanswered = self.running.as_ref().filter(|_| self.link == Link::There);
        let unanswered = unanswered.map(|(line, _)| render::unanswered(line));
        self.link = Link::Away;
        news.then(|| render::away(away)).into_iter().chain(unanswered).collect()
    }

    /// The marks of what is not sent, or has no answer, while there is no connection.
    #[must_use]
    pub fn marks(&self) -> Vec<String> {
        if self.link == Link::There {
            return Vec::new();
        }
        let running = self.running.iter().map(|(line, sent)| match sent {
            Link::There => render::unanswered(line),
            Link::Away => render::not_sent_yet(line),
        });
        running.chain(self.waiting.iter().map(|line| render::not_sent_yet(line))).collect()
    }

    /// The user leaves while there is no connection: what was not sent never will be.
    pub fn leave(&mut self) -> Vec<String> {
        self.answered().into_iter().chain(self.waiting.drain(..)).collect()
    }
}

/// The lines of a paste, as they are shown where the user is asked about them; none where it is one line.
#[must_use]
pub fn pasted_lines(line: &str) -> Vec<String> {
    if !line.trim_end_matches('\n').contains('\n') {
        return Vec::new();
    }
    let lines = line.lines().map(|line| format!("| {line}"));
    lines.chain([render::as_one_message(line.lines().count())]).collect()
}

/// How a run ends in which the user left while `unsent` was on its way.
///
/// # Errors
/// [`Stop::Connection`] where something was.
pub fn left(unsent: &[String]) -> Result<Verdict, Stop> {
    if unsent.is_empty() {
        return Ok(Verdict::Done);
    }
    Err(Stop::Connection("you left while there was no connection: the lines above were not sent".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn away(why: &str) -> Pushed {
        Pushed::Away(Away { bye: None, why: why.into(), pause: Duration::from_secs(1) })
    }

    fn enter(pending: &mut Pending, line: &str) -> Entered {
        pending.enter(line.to_owned(), &Zone::utc(), Timestamp::MIN)
    }

    #[test]
    fn lines_are_begun_in_order_each_after_the_answer_to_the_one_before() {
        let mut pending = Pending::default();
        assert_eq!(enter(&mut pending, "BCM one"), Entered::Goes);
        assert_eq!(enter(&mut pending, "what"), Entered::Goes);
        assert_eq!(pending.begin().as_deref(), Some("BCM one"));
        assert_eq!(pending.begin(), None);
        assert_eq!(pending.answered().as_deref(), Some("BCM one"));
        assert_eq!(pending.begin().as_deref(), Some("what"));
    }

    #[test]
    fn without_a_connection_lines_are_marked_and_wait_and_what_is_no_command_is_told_at_once() {
        let mut pending = Pending::default();
        enter(&mut pending, "BCM one");
        pending.begin();
        let told = ["gone; trying again in 1 second", "no answer yet: BCM one"];
        assert_eq!(pending.hear(&away("gone")), told);
        assert_eq!(pending.hear(&away("gone")), [""; 0], "it was told");
        assert_eq!(enter(&mut pending, "BCM two"), Entered::Waits("BCM two".to_owned()));
        assert!(matches!(enter(&mut pending, "BCM"), Entered::Refused(_)));
        assert_eq!(enter(&mut pending, "help"), Entered::Help);
        assert_eq!(pending.marks(), ["no answer yet: BCM one", "not sent yet: BCM two"]);
        assert_eq!(enter(&mut pending, "out"), Entered::Leave);
        assert_eq!(pending.leave(), ["BCM one", "BCM two"]);
        assert!(pending.marks().is_empty());
    }

    #[test]
    fn a_line_that_was_begun_without_a_connection_is_not_sent_until_there_was_one() {
        let mut pending = Pending::default();
        pending.hear(&away("gone"));
        enter(&mut pending, "BCM one");
        pending.begin();
        assert_eq!(pending.marks(), ["not sent yet: BCM one"]);
        let at = Timestamp::MIN;
        let user = toom_net::protocol::NameWord::parse("obiwan").unwrap();
        let session =
            toom_net::protocol::LoggedIn { ordinal: 1, at, user, ip: [127, 0, 0, 1].into(), udp: None };
        pending.hear(&Pushed::Back { session, store: toom_net::client::StoreMet::Same });
        assert_eq!(pending.marks(), [""; 0]);
        pending.hear(&away("gone again"));
        assert_eq!(pending.marks(), ["no answer yet: BCM one"]);
    }

    #[test]
    fn no_more_than_a_hundred_lines_wait_for_a_connection() {
        let mut pending = Pending::default();
        pending.hear(&away("gone"));
        for _ in 0..LINES_MAX {
            assert!(matches!(enter(&mut pending, "BCM x"), Entered::Waits(_)));
        }
        assert_eq!(enter(&mut pending, "BCM y"), Entered::Refused("not sent: BCM y".to_owned()));
    }

    #[test]
    fn a_paste_is_sent_after_a_yes_and_after_nothing_else() {
        let mut pending = Pending::default();
        for (answer, confirmed) in [
            ("y", Confirmed::Yes("BCM a\nb".to_owned())),
            (" YES ", Confirmed::Yes("BCM a\nb".to_owned())),
            ("n", Confirmed::No),
            ("BCM c", Confirmed::No),
        ] {
            pending.ask_about("BCM a\nb".to_owned());
            assert_eq!(pending.confirm(answer.to_owned()), confirmed);
            assert_eq!(pending.confirm("y".to_owned()), Confirmed::NotAsked("y".to_owned()));
        }
        assert_eq!(pasted_lines("one\n"), [""; 0]);
        assert_eq!(pasted_lines("a\nb"), ["| a", "| b", "send these 2 lines as one message? y or n"]);
    }
}
