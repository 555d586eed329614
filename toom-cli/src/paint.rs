//! Colours: the names of people, messages that name the user, and what is no message.

use toom_core::Conversation;
use toom_net::protocol::MessageLine;

use crate::files::{News, What};
use crate::filter::{Ink, Shown};
use crate::zone::Zone;

/// Whether to colour, and whom the user is.
#[derive(Clone, Debug)]
pub struct Paint {
    color: Color,
    bell: Bell,
    me: String,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Text alone.
    Without,
    /// Colours of the terminal.
    With,
}

/// Whether a message that names the user, and a file that is offered, rings the bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bell {
    /// It does not.
    Silent,
    /// It does.
    Rings,
}

/// How a part of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As the terminal writes.
    Plain,
    /// In the colour of this name, which is the same every time.
    Name,
    /// What stands beside the messages.
    Aside,
    /// What names the user.
    Loud,
}

/// The colours of names: those of the palette of sixteen that are seen on light and on dark.
const PALETTE: [u8; 10] = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95];

impl Paint {
    /// Text alone, for whoever it is.
    #[must_use]
    pub const fn none() -> Self {
        Self { color: Color::Without, bell: Bell::Silent, me: String::new() }
    }

    /// For the user `me`.
    #[must_use]
    pub fn new(color: Color, bell: Bell, me: &str) -> Self {
        Self { color, bell, me: me.to_owned() }
    }

    /// Whether there are colours.
    #[must_use]
    pub const fn color(&self) -> Color {
        self.color
    }

    /// A line of parts.
    #[must_use]
    pub fn line(&self, parts: &[(Look, &str)]) -> Shown {
        parts.iter().fold(Shown::default(), |line, (look, text)| line.and(self.ink(*look, text), text))
    }

    fn ink(&self, look: Look, text: &str) -> Ink {
        match (self.color, look) {
            (Color::Without, _) | (_, Look::Plain) => Ink::Plain,
            (_, Look::Name) => Ink::Name(color_of(text)),
            (_, Look::Aside) => Ink::Aside,
            (_, Look::Loud) => Ink::Loud,
        }
    }

    /// A message as it stands in a conversation of its own: the time of day, the author, and the text, with its line breaks.
    #[must_use]
    pub fn message_in_place(&self, message: &MessageLine, zone: &Zone) -> Vec<Shown> {
        let text = self.look_of_text(message);
        let mut lines = message.body.as_str().split('\n');
        let first = self.line(&[
            (Look::Aside, &format!("{} ", zone.clock(message.at))),
            (Look::Name, message.author.as_str()),
            (Look::Plain, ": "),
            (text, lines.next().unwrap_or_default()),
        ]);
        let others = lines.map(|line| self.line(&[(Look::Plain, "  "), (text, line)]));
        [first].into_iter().chain(others).collect()
    }

    /// The line above the first message of a day.
    #[must_use]
    pub fn day_line(&self, day: &str) -> Shown {
        self.line(&[(Look::Aside, &format!("── {day} ──"))])
    }

    /// A message. What was read rings no bell.
    #[must_use]
    pub fn message(&self, message: &MessageLine, zone: &Zone) -> Shown {
        let MessageLine { conversation, number, at, author, body } = message;
        let at = format!(" at {}", zone.write(*at));
        let text = self.look_of_text(message);
        let (author, body) = (author.as_str(), body.as_str());
        match conversation {
            Conversation::Broadcast => self.line(&[
                (Look::Name, author),
                (Look::Plain, " broadcasted BCM \""),
                (text, body),
                (Look::Plain, "\""),
                (Look::Aside, &at),
            ]),
            Conversation::Room(room) => self.line(&[
                (Look::Plain, &format!("room-{}: #{};", room.number(), number.get())),
                (Look::Name, author),
                (Look::Plain, ";"),
                (text, body),
                (Look::Aside, &at),
            ]),
        }
    }

    fn look_of_text(&self, message: &MessageLine) -> Look {
        if self.names_me(message) { Look::Loud } else { Look::Plain }
    }

    /// Whether a message that came by itself is to be heard as well.
    #[must_use]
    pub fn rings(&self, message: &MessageLine) -> bool {
        self.bell == Bell::Rings && self.names_me(message)
    }

    /// Whether news of a file are to be heard as well: the user is asked.
    #[must_use]
    pub fn rings_at(&self, news: &News) -> bool {
        self.bell == Bell::Rings && matches!(news.what, What::Asked { .. })
    }

    /// Whether the text has the user's name as a word, in either case.
    fn names_me(&self, message: &MessageLine) -> bool {
        if self.me.is_empty() || message.author.as_str() == self.me {
            return false;
        }
        let (text, me) = (message.body.as_str().to_lowercase(), self.me.to_lowercase());
        text.match_indices(&me).any(|(at, found)| {
            let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let (before, after) = (text.get(..at), text.get(at + found.len()..));
            !part(before.and_then(|before| before.chars().next_back()))
                && !part(after.and_then(|after| after.chars().next()))
        })
    }
}

/// The same for the same name, whatever else is there: the hash FNV-1a.
fn color_of(name: &str) -> u8 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let place = usize::try_from(hash % PALETTE.len() as u64).unwrap_or_default();
    PALETTE.get(place).copied().unwrap_or(39)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toom_core::{Body, MessageNumber, RoomId, Timestamp};
    use toom_net::protocol::NameWord;

    use super::*;
    use crate::files::{About, Direction};
    use crate::render;
    use crate::said::Said;
    use crate::voice::{Form, Voice};

    fn message(author: &str, text: &str, room: Option<u32>) -> MessageLine {
        MessageLine {
            conversation: room.and_then(RoomId::new).map_or(Conversation::Broadcast, Conversation::Room),
            number: MessageNumber::new(7).unwrap(),
            at: Timestamp::from_unix_micros(1_659_603_749_000_000).unwrap(),
            author: NameWord::parse(author).unwrap(),
            body: Body::parse(text).unwrap(),
        }
    }

    fn colored() -> Paint {
        Paint::new(Color::With, Bell::Rings, "obiwan")
    }

    #[test]
    fn a_name_has_one_color_wherever_it_stands() {
        let line = colored().message(&message("luke", "hi", None), &Zone::utc());
        let color = color_of("luke");
        let expected = format!(
            "\x1b[1;{color}mluke\x1b[0m broadcasted BCM \"hi\"\x1b[2m at 04 Aug 2022 09:02:29\x1b[0m"
        );
        assert_eq!(line.to_string(), expected);
        let line = colored().message(&message("luke", "hi", Some(3)), &Zone::utc());
        assert!(
            line.to_string().starts_with(&format!("room-3: #7;\x1b[1;{color}mluke\x1b[0m;hi")),
            "{line:?}"
        );
    }

    #[test]
    fn a_message_that_names_the_user_stands_out_and_rings() {
        for (text, named) in [
            ("obiwan: come", true),
            ("where is OBIWAN?", true),
            ("(Obiwan)", true),
            ("obiwans ship", false),
            ("robiwan", false),
            ("nobody", false),
            ("robiwan, obiwan", true),
        ] {
            let message = message("luke", text, None);
            assert_eq!(colored().rings(&message), named, "{text}");
            let line = colored().message(&message, &Zone::utc());
            assert_eq!(line.to_string().contains("\x1b[1;7m"), named, "{text}");
        }
        assert!(!colored().rings(&message("obiwan", "I am obiwan", None)), "one's own words");
        assert!(!Paint::new(Color::With, Bell::Silent, "obiwan").rings(&message("luke", "obiwan", None)));
    }

    #[test]
    fn a_file_that_is_offered_to_the_user_rings_and_nothing_else_that_happens_to_files() {
        let news = |what| {
            let (user, name) = ("luke".to_owned(), "film.mp4".to_owned());
            News { about: About { number: 3, direction: Direction::In, user, name, bytes: 7 }, what }
        };
        let line = |bell, what| {
            let paint = Paint::new(Color::Without, bell, "obiwan");
            let voice = Voice { form: Form::Lines, zone: Zone::utc(), paint };
            voice.lines(&Said::Transfer(news(what))).first().unwrap().to_string()
        };
        let asked = What::Asked { bytes_free: 9, bytes_proven: 0 };
        assert!(line(Bell::Rings, asked.clone()).starts_with("\x07UPD 3: luke offers"));
        assert!(line(Bell::Silent, asked).starts_with("UPD 3: luke offers"));
        for quiet in [What::Offered, What::Accepted, What::Relayed] {
            assert!(line(Bell::Rings, quiet).starts_with("UPD 3: "));
        }
    }

    proptest! {
        #[test]
        fn without_color_a_message_is_the_line_of_the_old_design(text in "[\\PC\u{202e}\n]{1,40}", room in 0_u32..3) {
            let Ok(body) = Body::parse(&text) else { return Ok(()) };
            let message = MessageLine { body, ..message("luke", "x", Some(room)) };
            let line = Paint::new(Color::Without, Bell::Rings, "luke").message(&message, &Zone::utc());
            prop_assert_eq!(line, Shown::plain(&render::message(&message, &Zone::utc())));
        }

        #[test]
        fn in_color_nothing_but_our_own_codes_steers_the_terminal(text in "[\\PC\u{202e}\u{200b}\n]{1,40}") {
            let Ok(body) = Body::parse(&text) else { return Ok(()) };
            let message = MessageLine { body, ..message("luke", "x", None) };
            let mut line = colored().message(&message, &Zone::utc()).to_string();
            for code in ["\x1b[0m", "\x1b[2m", "\x1b[1;7m", &format!("\x1b[1;{}m", color_of("luke"))] {
                line = line.replace(code, "");
            }
            prop_assert!(!line.contains(toom_net::shown::is_shown_as_code), "{:?}", line);
        }
    }
}
