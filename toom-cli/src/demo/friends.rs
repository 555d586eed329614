//! The others in the demo: they listen, and answer the user now and then.

use core::time::Duration;
use std::collections::BTreeMap;

use tokio::task::JoinSet;
use tokio::time::sleep;
use toom_core::{Body, Conversation, RoomId};
use toom_net::client::{CallError, Client, Pushed, Pushes};
use toom_net::protocol::{MessageLine, NameWord};

use super::{FRIENDS, House, USER, failed};
use crate::login::Connection;
use crate::stop::Stop;

/// What each says when they come, and what they answer in turn.
const SAYS: [(&str, [&str; 4]); 3] = [
    (
        "hello",
        [
            "Never tell me the odds.",
            "Sounds good to me.",
            "I have a good feeling about this.",
            "You said it.",
        ],
    ),
    ("I have just landed", ["Really?", "That is good to know.", "I am with you.", "Tell me more."]),
    (
        "Busy, this room is",
        ["Hmm. True, that is.", "Patience you must have.", "Agree, I do.", "More to say, have you?"],
    ),
];

/// Said once, while the user still reads what to try.
const UNASKED: (&str, Duration, &str) = ("yoda", Duration::from_secs(8), "Do or do not. There is no try.");

/// The friends, until this is dropped.
pub(super) type Friends = JoinSet<()>;

/// Logs the friends in. Each says a word, and then listens.
///
/// # Errors
/// [`Stop`] where one cannot come in.
pub(super) async fn invite(house: &House) -> Result<Friends, Stop> {
    let mut friends = JoinSet::new();
    for (name, (greeting, answers)) in FRIENDS.into_iter().zip(SAYS) {
        let (Connection { client, pushes }, _) = house.enter(name, None).await?;
        client.broadcast(Body::parse(greeting).map_err(failed)?).await.map_err(failed)?;
        if name == UNASKED.0 {
            friends.spawn(say_unasked(client.clone()));
        }
        let friend = Friend { name, answers, client, rooms: BTreeMap::new() };
        friends.spawn(friend.listen(pushes));
    }
    Ok(friends)
}

async fn say_unasked(client: Client) {
    sleep(UNASKED.1).await;
    if let Ok(body) = Body::parse(UNASKED.2) {
        // The demo goes on without it.
        let _ = client.broadcast(body).await;
    }
}

struct Friend {
    name: &'static str,
    answers: [&'static str; 4],
    client: Client,
    /// The friends in each room, in the order of its members.
    rooms: BTreeMap<RoomId, Vec<NameWord>>,
}

impl Friend {
    /// Answers until the connection ends. What the user says while an answer is on its way gets none, so that answers stay as rare
    /// as the user's own words, and never pile up.
    async fn listen(mut self, mut pushes: Pushes) {
        while let Some(pushed) = pushes.next().await {
            let Some(message) = self.take(pushed) else { continue };
            let Some(answer) = self.answer(&message) else { continue };
            sleep(delay(&message)).await;
            if self.say(message.conversation, answer).await.is_err() {
                return;
            }
            while let Some(pushed) = pushes.try_next() {
                let _ = self.take(pushed);
            }
        }
    }

    /// Remembers who is in which room, and hands on what was said.
    fn take(&mut self, pushed: Pushed) -> Option<MessageLine> {
        match pushed {
            Pushed::Message(message) => Some(message),
            Pushed::Room { room, mut members } => {
                members.retain(|member| FRIENDS.contains(&member.as_str()));
                self.rooms.insert(room, members);
                None
            }
            _ => None,
        }
    }

    /// What this friend says to a message of the user's, if it is their turn: they take turns by the message's number.
    fn answer(&self, message: &MessageLine) -> Option<&'static str> {
        if message.author.as_str() != USER {
            return None;
        }
        let number = usize::try_from(message.number.get()).ok()?;
        let turn = match message.conversation {
            Conversation::Broadcast => *FRIENDS.get(number % FRIENDS.len())?,
            Conversation::Room(room) => {
                let here = self.rooms.get(&room)?;
                here.get(number.checked_rem(here.len())?)?.as_str()
            }
        };
        if turn != self.name {
            return None;
        }
        let text = message.body.as_str().to_lowercase();
        if text.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "hello" | "hi" | "hey")) {
            Some("Hello, obiwan!")
        } else if text.ends_with('?') {
            Some("That is a good question.")
        } else {
            self.answers.get(number % self.answers.len()).copied()
        }
    }

    async fn say(&self, conversation: Conversation, text: &str) -> Result<(), CallError> {
        let Ok(body) = Body::parse(text) else { return Ok(()) };
        match conversation {
            Conversation::Broadcast => self.client.broadcast(body).await?,
            Conversation::Room(room) => self.client.post_room(room, body).await?,
        };
        Ok(())
    }
}

/// Some seconds, not always the same.
fn delay(message: &MessageLine) -> Duration {
    Duration::from_millis(1500 + message.number.get() * 700 % 2500)
}
