//! What the line that is typed can be completed with: commands, users and rooms that were heard of, and what comes next.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use toom_core::Conversation;
use toom_net::client::Pushed;
use toom_net::protocol::{HistoryRow, NameWord};

use crate::said::Said;

/// The commands, each with its form and what its places are completed with.
const COMMANDS: [(&str, &str, &[Place]); 8] = [
    ("BCM", "<text>", &[]),
    ("ATU", "", &[]),
    ("SRB", "<user> [<user> ...]", &[Place::Users]),
    ("SRM", "<room> <text>", &[Place::Room, Place::Text]),
    ("RDM", "b|s|<room> <time>", &[Place::Scope, Place::Time]),
    ("UPD", "<user> <file>", &[Place::Receiver, Place::File]),
    ("OUT", "", &[]),
    ("HELP", "", &[]),
];

/// What stands before the number of a transfer.
const ON_TRANSFERS: [&str; 3] = ["ACCEPT", "REFUSE", "CANCEL"];

/// How many names and rooms are remembered each.
const REMEMBERED: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Users,
    User,
    /// A user, or what is done to a transfer.
    Receiver,
    File,
    Transfer,
    Room,
    Scope,
    Time,
    Text,
}

/// What was heard of. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Knowledge(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    users: BTreeSet<String>,
    rooms: BTreeSet<u32>,
    transfers: BTreeSet<u32>,
}

impl Knowledge {
    /// Takes note of the users and rooms in what is told.
    pub fn note(&self, said: &Said) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match said {
            Said::Posted(receipt) => known.conversation(receipt.conversation),
            Said::ActiveUsers(users) => {
                for user in users {
                    known.user(user.user.as_str());
                }
            }
            Said::RoomCreated(built) => {
                known.conversation(Conversation::Room(built.room));
                known.users(&built.members);
            }
            Said::History(history) => {
                for row in &history.rows {
                    if let HistoryRow::Message(message) = row {
                        known.user(message.author.as_str());
                        known.conversation(message.conversation);
                    }
                }
            }
            Said::Pushed(Pushed::Message(message)) => {
                known.user(message.author.as_str());
                known.conversation(message.conversation);
            }
            Said::Pushed(Pushed::Room { room, members }) => {
                known.conversation(Conversation::Room(*room));
                known.users(members);
            }
            Said::Transfer(news) => {
                known.user(&news.about.user);
                if news.what.is_end() {
                    known.transfers.remove(&news.about.number);
                } else {
                    known.transfers.insert(news.about.number);
                }
            }
            _ => {}
        }
    }

    /// Takes note of a conversation.
    pub fn note_conversation(&self, conversation: Conversation) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).conversation(conversation);
    }

    /// Where the word before the end of `line` begins, and what it may become.
    #[must_use]
    pub fn complete(&self, line: &str) -> (usize, Vec<String>) {
        let begin = line.rfind(' ').map_or(0, |space| space + 1);
        let (before, word) = line.split_at(begin);
        let mut words = before.split_whitespace();
        let Some(command) = words.next() else {
            let fits = |name: &&str| name.starts_with(&word.to_ascii_uppercase());
            let names = COMMANDS.iter().map(|(name, ..)| *name).filter(fits);
            return (begin, names.map(|name| format!("{name} ")).collect());
        };
        let named = COMMANDS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(command));
        let Some((.., places)) = named else { return (begin, Vec::new()) };
        let first = words.next();
        if places.last() == Some(&Place::File)
            && let Some(receiver) = first
        {
            return if ON_TRANSFERS.contains(&&*receiver.to_ascii_uppercase()) {
                (begin, self.candidates(Place::Transfer, word))
            } else {
                complete_file(line)
            };
        }
        let at = usize::from(first.is_some()) + words.count();
        let place = match (places.get(at), places.last()) {
            (Some(place), _) => *place,
            (None, Some(Place::Users)) => Place::Users,
            _ => return (begin, Vec::new()),
        };
        (begin, self.candidates(place, word))
    }

    /// The same for a user's name anywhere in a text.
    #[must_use]
    pub fn complete_user(&self, text: &str) -> (usize, Vec<String>) {
        let begin = text.rfind(' ').map_or(0, |space| space + 1);
        let (_, word) = text.split_at(begin);
        let users = if word.is_empty() { Vec::new() } else { self.candidates(Place::User, word) };
        (begin, users)
    }

    /// Whether `word` is a command in capitals.
    #[must_use]
    pub fn is_command(word: &str) -> bool {
        COMMANDS.iter().any(|(name, ..)| *name == word)
    }

    fn candidates(&self, place: Place, word: &str) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rooms = || known.rooms.iter().map(u32::to_string);
        let all: Vec<String> = match place {
            Place::Users | Place::User => known.users.iter().cloned().collect(),
            Place::Room => rooms().collect(),
            Place::Scope => ["b", "s"].map(str::to_owned).into_iter().chain(rooms()).collect(),
            Place::Time => ["10m", "1h", "today", "yesterday", "#0"].map(str::to_owned).into(),
            Place::Receiver => {
                let on = if known.transfers.is_empty() { &[][..] } else { &ON_TRANSFERS };
                known.users.iter().map(String::as_str).chain(on.iter().copied()).map(str::to_owned).collect()
            }
            Place::Transfer => known.transfers.iter().map(u32::to_string).collect(),
            Place::Text | Place::File => Vec::new(),
        };
        let word = word.to_lowercase();
        all.into_iter()
            .filter(|candidate| candidate.to_lowercase().starts_with(&word))
            .map(|candidate| candidate + " ")
            .collect()
    }

    /// What comes next in `line`.
    #[must_use]
    pub fn hint(line: &str) -> Option<String> {
        let (command, rest) =
            line.split_once(' ').map_or((line, None), |(command, rest)| (command, Some(rest)));
        let (_, form, _) = COMMANDS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(command))?;
        let gap = if rest.is_none() { " " } else { "" };
        let hint = match rest.map(str::trim_start) {
            None | Some("") => (*form).to_owned(),
            // What follows the first word is still to come.
            Some(rest) if !rest.contains(' ') && line.ends_with(rest) => return None,
            Some(rest) => {
                let (_, next) = form.split_once(' ')?;
                let (first, typed) = rest.split_once(' ')?;
                if !typed.is_empty() || next.starts_with('[') {
                    return None;
                }
                let on = next == "<file>" && ON_TRANSFERS.contains(&&*first.to_ascii_uppercase());
                if on { "<number>" } else { next }.to_owned()
            }
        };
        (!hint.is_empty()).then(|| format!("{gap}{hint}"))
    }
}

/// Where the path begins that is the last argument of `line`, behind the command and a user, and what it may become.
fn complete_file(line: &str) -> (usize, Vec<String>) {
    let path = behind_word(line).and_then(behind_word).unwrap_or_default();
    (line.len() - path.len(), crate::files::complete(path))
}

fn behind_word(text: &str) -> Option<&str> {
    text.trim_start().split_once(' ').map(|(_, rest)| rest.trim_start())
}

impl Known {
    fn users(&mut self, names: &[NameWord]) {
        for name in names {
            self.user(name.as_str());
        }
    }

    fn user(&mut self, name: &str) {
        // What is no plain word is not typed for the user.
        let plain = name.chars().all(|c| !toom_net::shown::is_shown_as_code(c));
        if plain && self.users.len() < REMEMBERED {
            self.users.insert(name.to_owned());
        }
    }

    fn conversation(&mut self, conversation: Conversation) {
        if let Conversation::Room(room) = conversation
            && self.rooms.len() < REMEMBERED
        {
            self.rooms.insert(room.number());
        }
    }
}

#[cfg(test)]
mod tests {
    use toom_core::RoomId;
    use toom_net::client::NewRoom;

    use super::*;

    fn knowledge() -> Knowledge {
        let knowledge = Knowledge::default();
        let members = ["obiwan", "luke", "Leia", "x\u{202e}y"].map(|name| NameWord::parse(name).unwrap());
        let room = RoomId::new(12).unwrap();
        knowledge.note(&Said::RoomCreated(NewRoom { room, members: members.to_vec() }));
        knowledge
    }

    fn complete(line: &str) -> Vec<String> {
        let (begin, words) = knowledge().complete(line);
        words.into_iter().map(|word| [&line[..begin], &word].concat()).collect()
    }

    #[test]
    fn commands_users_rooms_and_times_are_completed_in_their_places() {
        assert_eq!(complete("s"), ["SRB ", "SRM "]);
        assert_eq!(complete("SRB l"), ["SRB Leia ", "SRB luke "]);
        assert_eq!(complete("srb luke o"), ["srb luke obiwan "]);
        assert_eq!(complete("SRM 1"), ["SRM 12 "]);
        assert_eq!(complete("RDM "), ["RDM b ", "RDM s ", "RDM 12 "]);
        assert_eq!(complete("RDM b y"), ["RDM b yesterday "]);
        for line in ["BCM l", "SRM 12 l", "ATU l", "what l", "SRB \u{202e}"] {
            assert_eq!(complete(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn files_and_transfers_are_completed_in_their_places() {
        use crate::files::{About, Direction, Ending, News, Over, What};

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a film.mp4"), "").unwrap();
        let path = folder.path().display();
        assert_eq!(complete(&format!("UPD luke {path}/a f")), [format!("UPD luke {path}/a film.mp4")]);
        assert_eq!(complete("UPD l"), ["UPD Leia ", "UPD luke "]);
        let knowledge = knowledge();
        let (user, name) = ("hans".to_owned(), "film".to_owned());
        let about = About { number: 7, direction: Direction::In, user, name, bytes: 1 };
        knowledge.note(&Said::Transfer(News { about: about.clone(), what: What::Offered }));
        assert_eq!(knowledge.complete("UPD A").1, ["ACCEPT "]);
        assert_eq!(knowledge.complete("UPD accept ").1, ["7 "]);
        let over = Over { ending: Ending::Failed, why: String::new() };
        knowledge.note(&Said::Transfer(News { about, what: What::Over(over) }));
        assert_eq!(knowledge.complete("UPD A"), (4, Vec::new()));
    }

    #[test]
    fn the_hint_is_what_comes_next() {
        for (line, hint) in [
            ("BCM", Some(" <text>")),
            ("bcm ", Some("<text>")),
            ("SRM ", Some("<room> <text>")),
            ("SRM 12", None),
            ("SRM 12 ", Some("<text>")),
            ("SRM 12 hi", None),
            ("RDM b ", Some("<time>")),
            ("SRB luke ", None),
            ("UPD ", Some("<user> <file>")),
            ("UPD luke ", Some("<file>")),
            ("UPD cancel ", Some("<number>")),
            ("ATU", None),
            ("", None),
            ("what", None),
        ] {
            assert_eq!(Knowledge::hint(line).as_deref(), hint, "{line:?}");
        }
    }
}
