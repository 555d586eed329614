//! What clients ask for, and what they may be answered.

use toom_core::{Body, Conversation, MessageNumber, RoomId, Timestamp, UserName};

use super::accounts::User;
use super::common::Common;
use super::reading::Reading;
use super::report::{Kept, broken, demand};
use super::talker::Asked;
use super::truth::{MARK, Truth};
use super::view::View;
use crate::client::{Answer, NextPage};
use crate::protocol::{Code, Command, Failure, HistoryRow, NameWord, Named, PageLimit, RoomsSince, Since};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Login,
    Post {
        place: Conversation,
        body: Box<str>,
    },
    Room {
        with: Vec<UserName>,
    },
    Page(Box<Reading>),
    File(Box<Asked>),
    /// Something in a room of others.
    Trespass(Conversation),
    Other,
}

/// Draws a request; `text` is unlike that of any other.
pub(super) fn draw(text: &str, user: &User, users: &[User], common: &mut Common) -> Command {
    let place = *common.chance.pick(&common.truth.places_of(&user.name)).unwrap_or(&Conversation::Broadcast);
    match common.chance.weighted(&[30, 30, 8, 5, 10, 6, 4, 5]).unwrap_or_default() {
        0 => post(Conversation::Broadcast, text, common),
        1 => post(place, text, common),
        2 => {
            let others = (0..common.chance.between(1, 3)).filter_map(|_| common.chance.pick(users));
            let users = others.map(|user| Named::User(user.name.clone())).collect();
            Command::CreateRoom { key: None, users }
        }
        3 => Command::ActiveUsers,
        4 => read(place, common),
        5 => {
            let limit = limit(common);
            Command::ReadRooms { since: RoomsSince::Time(some_time(place, common)), limit }
        }
        6 => Command::Ping { text: "".into() },
        _ => {
            let room =
                RoomId::new(u32::try_from(common.chance.between(1, 8)).unwrap_or(1)).unwrap_or(RoomId::FIRST);
            let place = Conversation::Room(room);
            if common.chance.permille(500) { post(place, text, common) } else { read(place, common) }
        }
    }
}

fn post(place: Conversation, text: &str, common: &mut Common) -> Command {
    let most = common.weather.text_bytes_max;
    let padding = "é".repeat(common.chance.below(most / 2 + 1));
    let body = Body::parse(&format!("{MARK}{text} {padding}."))
        .expect("it is short and holds no control characters");
    match place {
        Conversation::Broadcast => Command::Broadcast { key: None, body },
        Conversation::Room(room) => Command::PostRoom { key: None, room, body },
    }
}

fn read(conversation: Conversation, common: &mut Common) -> Command {
    // No two conversations share a time, so that of the other lies between two messages.
    let time_of = if common.chance.permille(300) { Conversation::Broadcast } else { conversation };
    let since = if common.chance.permille(500) {
        let numbers = usize::try_from(common.truth.end(conversation)).unwrap_or_default();
        Since::Number(MessageNumber::new(common.chance.between(0, numbers) as u64))
    } else {
        Since::Time(some_time(time_of, common))
    };
    Command::ReadConversation { conversation, since, limit: limit(common) }
}

fn limit(common: &mut Common) -> PageLimit {
    let limit = *common.chance.pick(&[1, 2, 3, 7, 20, 100]).unwrap_or(&100);
    PageLimit::new(limit).unwrap_or_default()
}

/// The very time of a message, or a microsecond before; never later than all that was said.
fn some_time(place: Conversation, common: &mut Common) -> Timestamp {
    let end = usize::try_from(common.truth.end(place)).unwrap_or_default();
    let number = common.chance.between(0, end) as u64;
    let Some(at) = common.truth.message(place, number).map(|message| message.at) else {
        return Timestamp::MIN;
    };
    let earlier = i64::from(common.chance.permille(250));
    Timestamp::from_unix_micros(at.unix_micros() - earlier).unwrap_or(at)
}

/// What a request wants, at the moment at which it is made.
pub(super) fn wanted(
    command: &Command,
    goes_on: Option<Reading>,
    user: &User,
    common: &mut Common,
) -> Wanted {
    let truth = &mut common.truth;
    let place = match command {
        Command::Broadcast { .. } => Some(Conversation::Broadcast),
        Command::PostRoom { room, .. } => Some(Conversation::Room(*room)),
        Command::ReadConversation { conversation, .. } => Some(*conversation),
        _ => None,
    };
    if let Command::Broadcast { body, .. } | Command::PostRoom { body, .. } = command {
        truth.want(body.as_str(), &user.name);
    }
    if let Some(place) = place.filter(|place| !truth.is_open_to(*place, &user.name)) {
        common.counts.trespasses += 1;
        return Wanted::Trespass(place);
    }
    match command {
        Command::Broadcast { body, .. } | Command::PostRoom { body, .. } => {
            Wanted::Post { place: place.unwrap_or(Conversation::Broadcast), body: body.as_str().into() }
        }
        Command::CreateRoom { users, .. } => {
            let with = users.iter().filter_map(|user| UserName::parse(user.as_str()).ok()).collect();
            Wanted::Room { with }
        }
        Command::ReadConversation { .. } | Command::ReadRooms { .. } => {
            let reading = match goes_on {
                Some(mut reading) => {
                    reading.goes_on(truth);
                    Some(reading)
                }
                None => Reading::of(command, &user.name, truth),
            };
            reading.map_or(Wanted::Other, |reading| Wanted::Page(Box::new(reading)))
        }
        Command::Login { .. } => Wanted::Login,
        _ => Wanted::Other,
    }
}

/// Takes in what `name` was answered, who has posted `said` texts and whose view it is; what to ask for next, if more is to be read.
pub(super) fn heard(
    (name, said, user, view): (&str, u64, &User, &mut Option<View>),
    wanted: Wanted,
    answer: Answer,
    common: &mut Common,
) -> Kept<Option<(Reading, NextPage)>> {
    common.log.note(format_args!("{name} has an answer to {wanted:?}"));
    match &answer {
        Answer::LoggedIn(session) => {
            *view = Some(View::new(user.name.clone(), name, said, session.at));
        }
        Answer::Posted(receipt) => {
            if let Some(view) = view {
                view.confirm(receipt.conversation, receipt.number.get());
            }
        }
        _ => {}
    }
    let more = answered(wanted, answer, user, common)?;
    Ok(more.filter(|_| common.chance.permille(700)))
}

/// Holds an answer against what was wanted; how to read on, where there is more.
fn answered(
    wanted: Wanted,
    answer: Answer,
    user: &User,
    common: &mut Common,
) -> Kept<Option<(Reading, NextPage)>> {
    let truth = &common.truth;
    match (wanted, answer) {
        (Wanted::Post { place, body }, Answer::Posted(receipt)) => {
            demand(place == receipt.conversation, || {
                format!("{body:?} was posted to {place:?}, not {receipt:?}")
            })?;
            truth.confirms(place, receipt.number, receipt.at, &body)?;
        }
        (Wanted::Room { with }, Answer::RoomCreated(built)) => {
            shows_room(built.room, &built.members, &user.name, truth)?;
            let is_meant = |name: &NameWord| {
                *name.as_str() == *user.name.as_str()
                    || with.iter().any(|other| other.as_str() == name.as_str())
            };
            demand(built.members.iter().all(is_meant), || {
                format!("a room is of those who were named: {built:?}")
            })?;
            demand(built.members.first().is_some_and(|first| first.as_str() == user.name.as_str()), || {
                format!("a room names first who built it: {built:?}")
            })?;
        }
        (Wanted::Page(reading), Answer::Page(page)) => {
            common.counts.pages += 1;
            let gone = page.rows.iter().filter(|row| matches!(row, HistoryRow::Gone { .. }));
            common.counts.told_gone += gone.count() as u64;
            return reading.take(page, truth);
        }
        (Wanted::Trespass(place), answer) => {
            // It may have been built with this user in it meanwhile.
            demand(truth.is_open_to(place, &user.name), || {
                format!("nobody reads or posts in rooms of others: {} has {answer:?}", user.name)
            })?;
        }
        (Wanted::Other, Answer::ActiveUsers(users)) => {
            demand(users.iter().all(|other| other.user.as_str() != user.name.as_str()), || {
                format!("ATU lists others: {} is told of itself", user.name)
            })?;
        }
        (Wanted::Login, Answer::LoggedIn(session)) => {
            demand(session.user.as_str() == user.name.as_str(), || {
                format!("{} logs in, as {session:?}", user.name)
            })?;
        }
        (Wanted::Other, Answer::Pong(_) | Answer::LoggedOut(_) | Answer::Hello) => {}
        (wanted, answer) => return broken(format!("{wanted:?} is answered by {answer:?}")),
    }
    Ok(None)
}

/// Holds a refusal against what was wanted.
pub(super) fn refused(wanted: &Wanted, failure: &Failure, user: &User, truth: &Truth) -> Kept {
    let fits = match (&failure.code, wanted) {
        // The store does not work, or the session was ended under way, or there is too much of it.
        (Code::Unavailable | Code::NotLoggedIn | Code::Throttled, _)
        | (Code::BadCredentials | Code::Blocked | Code::LimitReached, Wanted::Login)
        | (Code::InactiveUser(_) | Code::UnknownUser(_) | Code::LimitReached, Wanted::Room { .. })
        | (Code::NoRoom, Wanted::Trespass(_)) => true,
        (Code::NoMembers, Wanted::Room { with }) => with.iter().all(|name| *name == user.name),
        (Code::RoomExists(room), Wanted::Room { with }) => truth.room(*room).is_some_and(|room| {
            room.members.contains(&user.name) && with.iter().all(|name| room.members.contains(name))
        }),
        _ => false,
    };
    demand(fits, || format!("{wanted:?} of {} is refused: {failure:?}", user.name))
}

/// Demands that a room is as it is shown, and shown to a member.
pub(super) fn shows_room(room: RoomId, members: &[NameWord], to: &UserName, truth: &Truth) -> Kept {
    let same = truth.room(room).is_some_and(|built| {
        built.members.contains(to)
            && built.members.iter().map(UserName::as_str).eq(members.iter().map(NameWord::as_str))
    });
    demand(same, || format!("{to} is told of room {room} of {members:?}, and it is {:?}", truth.room(room)))
}
