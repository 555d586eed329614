//! A server as a reader believes it at sight: lists of messages, and lines in and out.

use std::collections::{BTreeMap, VecDeque};

use toom_core::{Body, Conversation, RoomId, Timestamp};

use crate::protocol::{Command, Live, Request, RoomsSince, Since, append_time};

/// Whom the visit is of.
pub(super) const ME: &str = "obiwan";

/// How many messages a page has: few, so that there are many pages.
const PAGE: usize = 3;

#[derive(Default)]
pub(super) struct Server {
    pub(super) epoch: u64,
    pub(super) posted: BTreeMap<Conversation, Vec<Message>>,
    /// Retention: the messages up to this number are gone.
    pub(super) gone: BTreeMap<Conversation, usize>,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) clock: i64,
    /// What goes to the client; `None` without a connection.
    pub(super) lines: Option<VecDeque<String>>,
    pub(super) session: Session,
    /// What is not pushed, since the client is slow.
    pub(super) lagging: Option<BTreeMap<Conversation, (usize, usize)>>,
    /// A message that is pushed before the next post of the client's is answered.
    pub(super) overtaking: Option<(Conversation, String)>,
    /// A read that waits until other requests were carried out. Its reply comes before theirs all the same.
    pub(super) late: Option<Late>,
    /// What stands behind the greeting.
    pub(super) idle: &'static str,
    /// What the next login is answered.
    pub(super) refusal: Option<String>,
    /// What the next read of one conversation is answered.
    pub(super) read_refusal: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) at: i64,
    pub(super) author: String,
    pub(super) body: String,
}

pub(super) struct Late {
    read: String,
    /// How many lines stood before its reply.
    before: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Session {
    #[default]
    None,
    Quiet,
    Live,
}

pub(super) fn room(number: u32) -> Conversation {
    Conversation::Room(RoomId::new(number).unwrap())
}

fn word(conversation: Conversation) -> String {
    match conversation {
        Conversation::Broadcast => "b".to_owned(),
        Conversation::Room(room) => room.to_string(),
    }
}

fn time(micros: i64) -> String {
    let mut out = Vec::new();
    append_time(&mut out, Timestamp::from_unix_micros(micros).unwrap());
    String::from_utf8(out).unwrap()
}

impl Server {
    pub(super) fn new() -> Self {
        Self { epoch: 7, ..Self::default() }
    }

    pub(super) fn connect(&mut self) {
        let greeting = format!("TOOM 1 toomd/0.1.0 max-line=16384 epoch={:x}{}", self.epoch, self.idle);
        self.lines = Some(VecDeque::from([greeting]));
        self.session = Session::None;
        self.lagging = None;
    }

    pub(super) fn cut(&mut self) {
        self.lines = None;
        self.late = None;
        self.session = Session::None;
    }

    /// Another store is put in place of this one.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { epoch: self.epoch + 1, clock: self.clock, ..Self::default() };
    }

    /// Someone else posts.
    pub(super) fn post(&mut self, conversation: Conversation, author: &str, body: &str) -> String {
        self.clock += 1;
        let message = Message { at: self.clock, author: author.to_owned(), body: body.to_owned() };
        let messages = self.posted.entry(conversation).or_default();
        messages.push(message);
        let number = messages.len();
        if author != ME && self.session == Session::Live {
            if let Some(lagging) = &mut self.lagging {
                let (first, _) = *lagging.entry(conversation).or_insert((number, number));
                lagging.insert(conversation, (first, number));
            } else {
                let (place, at) = (word(conversation), time(self.clock));
                self.say(format!("MSG {place} {number} {at} {author} {body}"));
            }
        }
        format!("{number} {}", time(self.clock))
    }

    /// From now on nothing is pushed: the client is too slow.
    pub(super) fn lag(&mut self) {
        self.lagging.get_or_insert_default();
    }

    /// The client has caught up: it is told what was not pushed.
    pub(super) fn tell_lag(&mut self) {
        for (conversation, (first, last)) in self.lagging.take().unwrap_or_default() {
            self.say(format!("LAG {} {first} {last}", word(conversation)));
        }
    }

    pub(super) fn say(&mut self, line: String) {
        if let Some(lines) = &mut self.lines {
            lines.push_back(line);
        }
    }

    /// Takes a line from the client. A read is carried out as late as it may be: with the next request, or when there is none.
    pub(super) fn hear(&mut self, line: &str) {
        if line.starts_with("RDM") {
            self.read_late();
            self.late =
                Some(Late { read: line.to_owned(), before: self.lines.as_ref().map_or(0, VecDeque::len) });
            return;
        }
        self.carry_out(line);
        self.read_late();
    }

    /// Carries out the read that waits, if there is one. Nothing is pushed inside a reply, and the reply stands where it belongs.
    pub(super) fn read_late(&mut self) -> bool {
        let Some(Late { read, before }) = self.late.take() else { return false };
        let behind = self.lines.as_mut().map(|lines| lines.split_off(before.min(lines.len())));
        self.carry_out(&read);
        if let (Some(lines), Some(behind)) = (&mut self.lines, behind) {
            lines.extend(behind);
        }
        true
    }

    fn carry_out(&mut self, line: &str) {
        let command = Request::parse(line.as_bytes()).unwrap().command;
        let key = command.key().map(|key| key.as_str().to_owned());
        if let Some(answer) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return self.say(answer.clone());
        }
        if key.is_some()
            && let Some((conversation, body)) = self.overtaking.take()
        {
            let answer = self.answer(command);
            self.post(conversation, "luke", &body);
            self.remember(key, &answer);
            return self.say(answer);
        }
        let answer = self.answer(command);
        self.remember(key, &answer);
        self.say(answer);
    }

    fn remember(&mut self, key: Option<String>, answer: &str) {
        if let Some(key) = key.filter(|_| answer.starts_with("OK")) {
            self.keys.insert(key, answer.to_owned());
        }
    }

    fn answer(&mut self, command: Command) -> String {
        match command {
            Command::Hello(hello) => {
                self.session = if hello.live == Live::On { Session::None } else { Session::Quiet };
                "OK HELLO".to_owned()
            }
            Command::Login { .. } => self.log_in(),
            Command::Broadcast { body, .. } => {
                format!("OK BCM {}", self.take(Conversation::Broadcast, &body))
            }
            Command::PostRoom { room, .. } if room.number() > 2 => "ERR SRM no-room no such room".to_owned(),
            Command::PostRoom { room, body, .. } => {
                format!("OK SRM {room} {}", self.take(Conversation::Room(room), &body))
            }
            Command::ReadConversation { .. } if self.read_refusal.is_some() => {
                self.read_refusal.take().unwrap_or_default().to_owned()
            }
            Command::ReadConversation { conversation, since, .. } => {
                let after = match since {
                    Since::Time(at) => self.place_of(conversation, at),
                    Since::Number(after) => after.map_or(0, |after| usize::try_from(after.get()).unwrap()),
                    Since::Cursor(cursor) => cursor.as_str()[1..].parse().unwrap(),
                };
                self.read(vec![(conversation, after)], |place, after| {
                    assert_eq!(place, conversation);
                    format!("c{after}")
                })
            }
            Command::ReadRooms { since, .. } => self.read_rooms(since),
            Command::CreateRoom { .. } => format!("OK SRB 5 {ME} luke"),
            Command::Ping { .. } => "OK PING".to_owned(),
            Command::Logout => format!("OK OUT {ME}"),
            other => panic!("the tests make no such request: {other:?}"),
        }
    }

    fn log_in(&mut self) -> String {
        if let Some(refusal) = self.refusal.take() {
            return refusal;
        }
        self.clock += 1;
        if self.session == Session::None {
            self.session = Session::Live;
        }
        format!("OK LOGIN 1 {} {ME} 127.0.0.1 0", time(self.clock))
    }

    fn take(&mut self, conversation: Conversation, body: &Body) -> String {
        self.post(conversation, ME, body.as_str())
    }

    fn place_of(&self, conversation: Conversation, since: Timestamp) -> usize {
        let messages = self.posted.get(&conversation).map_or(&[][..], Vec::as_slice);
        messages.iter().filter(|message| message.at <= since.unix_micros()).count()
    }

    fn read_rooms(&mut self, since: RoomsSince) -> String {
        let (first, mut after, at) = match since {
            RoomsSince::Time(at) => (1, None, at),
            RoomsSince::Cursor(cursor) => {
                let parts: Vec<i64> =
                    cursor.as_str()[1..].split('.').map(|part| part.parse().unwrap()).collect();
                let at = Timestamp::from_unix_micros(parts[2]).unwrap();
                (u32::try_from(parts[0]).unwrap(), Some(usize::try_from(parts[1]).unwrap()), at)
            }
        };
        let places = (first..=2).map(|number| {
            let place = room(number);
            (place, after.take().unwrap_or_else(|| self.place_of(place, at)))
        });
        let places = places.collect();
        self.read(places, |place, after| format!("s{}.{after}.{}", word(place), at.unix_micros()))
    }

    /// Says the rows of a page, and gives the end of the reply.
    fn read(
        &mut self,
        places: Vec<(Conversation, usize)>,
        cursor: impl Fn(Conversation, usize) -> String,
    ) -> String {
        let mut count = 0;
        for (place, mut after) in places {
            let messages = self.posted.get(&place).cloned().unwrap_or_default();
            let gone = self.gone.get(&place).copied().unwrap_or_default();
            if after < gone {
                self.say(format!("ROW {} GONE {} {gone}", word(place), after + 1));
                after = gone;
            }
            for (index, Message { at, author, body }) in messages.iter().enumerate().skip(after) {
                if count == PAGE {
                    return format!("OK RDM {count} next={}", cursor(place, index));
                }
                count += 1;
                self.say(format!("ROW {} {} {} {author} {body}", word(place), index + 1, time(*at)));
            }
        }
        format!("OK RDM {count}")
    }
}
