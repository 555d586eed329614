//! From a line to a request, or to the answer that says what is wrong with it.

use core::num::NonZeroU16;

use toom_core::{Body, BodyError, Conversation, IdempotencyKey, MessageNumber, Password, RoomId, UserName};

use super::fields::{self, Fields};
use super::transfer::Asked;
use super::{
    ClientWord, Code, Command, CursorWord, Failure, Hello, Live, NAMES_MAX, Named, PING_BYTES_MAX, PageLimit,
    Reply, Request, RoomsSince, Since, Tag, TransferRequest, Verb, parse_time,
};

/// A line that is no request, with the reply that it gets. Its `failure.verb` is known wherever the line shows it, so that
/// a server can answer `not-logged-in` instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", failure.text)]
pub struct RequestError {
    /// What the reply is to be marked with, if it could be read.
    pub tag: Option<Tag>,
    /// What is wrong.
    pub failure: Failure,
}

impl From<RequestError> for Reply {
    fn from(error: RequestError) -> Self {
        Self { tag: error.tag, result: Err(error.failure) }
    }
}

impl Request {
    /// Parses a line, given without its end.
    ///
    /// # Errors
    /// [`RequestError`] is the reply to send, unless the verb is one that needs a login and there was none.
    pub fn parse(line: &[u8]) -> Result<Self, RequestError> {
        let head = Head::split(line);
        let (tag, command) = match parse_tag(head.tag) {
            Ok(tag) => (tag, parse_command(&head)),
            Err(problem) => (None, Err(problem)),
        };
        match command {
            Ok(command) => Ok(Self { tag, command }),
            Err(Problem { code, text }) => {
                Err(RequestError { tag, failure: Failure { verb: head.known_verb(), code, text } })
            }
        }
    }
}

/// The verb of a line that may be no request.
pub(super) fn verb_of(line: &[u8]) -> Option<Verb> {
    Head::split(line).known_verb()
}

/// The parts of a line, not looked into: a `tag` and a `key` without their signs, the verb, and what follows the verb,
/// its space included.
struct Head<'a> {
    tag: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
    verb: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn split(line: &'a [u8]) -> Self {
        let (tag, line) = prefix(line, b'@');
        let (key, line) = prefix(line, b'!');
        let (verb, rest) = word(line);
        Self { tag, key, verb, rest }
    }

    fn known_verb(&self) -> Option<Verb> {
        Verb::parse(self.verb)
    }
}

/// Takes a word that starts with `sign` and the spaces after it off `line`.
fn prefix(line: &[u8], sign: u8) -> (Option<&[u8]>, &[u8]) {
    let Some(signed) = line.strip_prefix(&[sign]) else { return (None, line) };
    let (word, rest) = word(signed);
    let spaces = rest.iter().take_while(|&&b| b == b' ').count();
    (Some(word), rest.get(spaces..).unwrap_or_default())
}

/// Splits `line` before its first space.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
    line.split_at_checked(end).unwrap_or((line, &[]))
}

/// What is wrong with a request.
struct Problem {
    code: Code,
    text: Box<str>,
}

impl Problem {
    fn new(code: Code, text: impl Into<Box<str>>) -> Self {
        Self { code, text: text.into() }
    }

    fn form(verb: Verb) -> Self {
        Self::new(Code::Syntax, format!("the form is {}", verb.form()))
    }

    fn body(error: BodyError) -> Self {
        let code = match error {
            BodyError::Empty => Code::Empty,
            BodyError::TooLong { .. } => Code::TooLong,
            _ => Code::BadText,
        };
        Self::new(code, error.to_string())
    }
}

fn parse_command(head: &Head<'_>) -> Result<Command, Problem> {
    let Some(verb) = head.known_verb() else { return Err(unknown(head)) };
    let key = parse_key(head.key, verb)?;
    let Ok(text) = str::from_utf8(head.rest) else {
        let code = if matches!(verb, Verb::Bcm | Verb::Srm) { Code::BadText } else { Code::Syntax };
        return Err(Problem::new(code, "the line is not UTF-8"));
    };
    if !matches!(verb, Verb::Bcm | Verb::Srm) && text.contains(char::is_control) {
        return Err(Problem::new(Code::Syntax, "the line holds a control character"));
    }
    parse_arguments(verb, key, Fields::new(text))
}

/// Why a line without a known verb is refused.
fn unknown(head: &Head<'_>) -> Problem {
    let clean = |part: &[u8]| str::from_utf8(part).is_ok_and(|text| !text.contains(char::is_control));
    if !clean(head.verb) || !clean(head.rest) {
        return Problem::new(Code::Syntax, "a line is UTF-8 without control characters");
    }
    if head.verb.is_empty() {
        return Problem::new(
            Code::Syntax,
            "the form is [@TAG ][!KEY ]VERB[ arguments]; HELP lists the commands",
        );
    }
    Problem::new(Code::UnknownCommand, "no such command; HELP lists the commands")
}

fn parse_tag(raw: Option<&[u8]>) -> Result<Option<Tag>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    let tag = str::from_utf8(raw).ok().and_then(|raw| Tag::parse(raw).ok());
    tag.map(Some).ok_or_else(|| Problem::new(Code::Syntax, "a tag is @ and 1 to 64 of A-Z a-z 0-9 _ -"))
}

fn parse_key(raw: Option<&[u8]>, verb: Verb) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    if !matches!(verb, Verb::Bcm | Verb::Srm | Verb::Srb) {
        return Err(Problem::new(Code::Syntax, "only BCM, SRM and SRB take a key"));
    }
    let key = str::from_utf8(raw).ok().and_then(|raw| IdempotencyKey::parse(raw).ok());
    key.map(Some).ok_or_else(|| Problem::new(Code::Syntax, "a key is ! and 1 to 64 of A-Z a-z 0-9 _ -"))
}

fn parse_arguments(
    verb: Verb,
    key: Option<IdempotencyKey>,
    mut fields: Fields<'_>,
) -> Result<Command, Problem> {
    let form = || Problem::form(verb);
    match verb {
        Verb::Hello => parse_hello(fields).map(Command::Hello).ok_or_else(form),
        Verb::Login => {
            let user = fields.word().and_then(|word| UserName::parse(word).ok()).ok_or_else(form)?;
            let password = Password::new(fields.rest().ok_or_else(form)?);
            Ok(Command::Login { user, password })
        }
        Verb::Bcm => Ok(Command::Broadcast { key, body: parse_body(fields)? }),
        Verb::Srb => Ok(Command::CreateRoom { key, users: parse_users(fields)? }),
        Verb::Srm => {
            let room = fields.word().and_then(RoomWord::parse).ok_or_else(form)?;
            let body = parse_body(fields)?;
            Ok(Command::PostRoom { key, room: room.id()?, body })
        }
        Verb::Rdm => parse_read(fields),
        Verb::Upd => parse_transfer(fields).map(Command::Transfer),
        Verb::Ping => match fields.rest().unwrap_or_default() {
            text if text.len() > PING_BYTES_MAX => Err(form()),
            text => Ok(Command::Ping { text: text.into() }),
        },
        Verb::Atu | Verb::Help | Verb::Out if !fields.is_empty() => Err(form()),
        Verb::Atu => Ok(Command::ActiveUsers),
        Verb::Help => Ok(Command::Help),
        Verb::Out => Ok(Command::Logout),
    }
}

fn parse_body(fields: Fields<'_>) -> Result<Body, Problem> {
    fields::body(fields.rest().unwrap_or_default()).map_err(Problem::body)
}

fn parse_hello(mut fields: Fields<'_>) -> Option<Hello> {
    let (mut client, mut udp, mut live) = (None, None, None);
    while let Some(word) = fields.word() {
        let twice = match word.split_once('=')? {
            ("client", value) => client.replace(ClientWord::parse(value).ok()?).is_some(),
            ("udp", value) => udp.replace(fields::digits(value)?).is_some(),
            ("live", "on") => live.replace(Live::On).is_some(),
            ("live", "off") => live.replace(Live::Off).is_some(),
            ("live", _) => return None,
            _ => false,
        };
        if twice {
            return None;
        }
    }
    Some(Hello { client, udp: udp.and_then(NonZeroU16::new), live: live.unwrap_or_default() })
}

fn parse_users(mut fields: Fields<'_>) -> Result<Vec<Named>, Problem> {
    let mut users = Vec::new();
    while !fields.is_empty() {
        if users.len() == NAMES_MAX {
            return Err(Problem::new(Code::LimitReached, format!("SRB takes at most {NAMES_MAX} names")));
        }
        users.push(fields.named().ok_or_else(|| Problem::form(Verb::Srb))?);
    }
    if users.is_empty() { Err(Problem::form(Verb::Srb)) } else { Ok(users) }
}

fn parse_transfer(mut fields: Fields<'_>) -> Result<TransferRequest, Problem> {
    let asked = fields.word().and_then(Asked::parse);
    let (asked, form) = asked.ok_or_else(|| Problem::form(Verb::Upd))?;
    TransferRequest::read(asked, fields)
        .ok_or_else(|| Problem::new(Code::Syntax, format!("the form is {form}")))
}

/// A room's number as it was written: digits. There are rooms for some of them only.
struct RoomWord(Option<RoomId>);

impl RoomWord {
    fn parse(word: &str) -> Option<Self> {
        let digits = word.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| Self(word.parse().ok().and_then(RoomId::new)))
    }

    fn id(self) -> Result<RoomId, Problem> {
        self.0.ok_or_else(|| Problem::new(Code::NoRoom, "no such room"))
    }
}

fn parse_read(mut fields: Fields<'_>) -> Result<Command, Problem> {
    let form = || Problem::form(Verb::Rdm);
    let scope = fields.word().ok_or_else(form)?;
    let since = parse_since(&mut fields).ok_or_else(|| Problem::new(Code::Syntax, SINCE_FORM))?;
    let limit = match fields.word() {
        None => PageLimit::default(),
        Some(word) => fields::digits(word).and_then(PageLimit::new).ok_or_else(|| {
            Problem::new(Code::Syntax, format!("the limit is a number from 1 to {}", PageLimit::MAX))
        })?,
    };
    if !fields.is_empty() {
        return Err(form());
    }
    if scope.eq_ignore_ascii_case("s") {
        let since = match since {
            Since::Time(at) => RoomsSince::Time(at),
            Since::Cursor(word) => RoomsSince::Cursor(word),
            Since::Number(_) => {
                return Err(Problem::new(Code::Syntax, "RDM s takes a time or a cursor, not a #number"));
            }
        };
        return Ok(Command::ReadRooms { since, limit });
    }
    let conversation = if scope.eq_ignore_ascii_case("b") {
        Conversation::Broadcast
    } else {
        Conversation::Room(RoomWord::parse(scope).ok_or_else(form)?.id()?)
    };
    Ok(Command::ReadConversation { conversation, since, limit })
}

const SINCE_FORM: &str = "since is a time such as 2022-08-04T09:02:29Z or 04 Aug 2022 09:02:29, a #number, \
                          or the cursor of an earlier reply";

fn parse_since(fields: &mut Fields<'_>) -> Option<Since> {
    let word = fields.word()?;
    if let Some(number) = word.strip_prefix('#') {
        return fields::digits(number).map(|number| Since::Number(MessageNumber::new(number)));
    }
    if let Ok(cursor) = CursorWord::parse(word) {
        return Some(Since::Cursor(cursor));
    }
    let text = match word.len() {
        // A day of the month: three more words make the time.
        1 | 2 => &format!("{word} {} {} {}", fields.word()?, fields.word()?, fields.word()?),
        _ => word,
    };
    parse_time(text).ok().map(Since::Time)
}
