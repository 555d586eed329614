//! What the files of the text logs are called.

use toom_core::{Conversation, RoomId};

const BROADCAST: &str = "messagelog.txt";
const ROOM_BEFORE: &str = "SR_";
const ROOM_BEHIND: &str = "_messagelog.txt";

/// The file of a conversation: `messagelog.txt`, `SR_1_messagelog.txt`.
#[must_use]
pub fn file_name(conversation: Conversation) -> String {
    match conversation {
        Conversation::Broadcast => BROADCAST.to_owned(),
        Conversation::Room(room) => format!("{ROOM_BEFORE}{room}{ROOM_BEHIND}"),
    }
}

/// The conversation whose file is called so, in either case; `None` for a file that is no message log.
#[must_use]
pub fn conversation_of(file_name: &str) -> Option<Conversation> {
    let name = file_name.to_ascii_lowercase();
    if name == BROADCAST {
        return Some(Conversation::Broadcast);
    }
    let number = name.strip_prefix(&ROOM_BEFORE.to_ascii_lowercase())?.strip_suffix(ROOM_BEHIND)?;
    // A room has one name: no sign, no zero in front.
    let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let room = number.parse().ok().filter(|_| plain).and_then(RoomId::new)?;
    Some(Conversation::Room(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_names_its_conversation_alone() {
        for room in [1, 7, 100_000, u32::MAX] {
            let room = Conversation::Room(RoomId::new(room).unwrap());
            assert_eq!(conversation_of(&file_name(room)), Some(room));
        }
        assert_eq!(conversation_of(&file_name(Conversation::Broadcast)), Some(Conversation::Broadcast));
        assert_eq!(conversation_of("SR_1_messageLog.txt"), Some(Conversation::Room(RoomId::FIRST)));
        for other in [
            "userlog.txt",
            "SR_0_messagelog.txt",
            "SR_01_messagelog.txt",
            "SR_+1_messagelog.txt",
            "SR__messagelog.txt",
            "SR_4294967296_messagelog.txt",
            "messagelog.txt.new",
            "SR_1_messagelog.txt~",
        ] {
            assert_eq!(conversation_of(other), None, "{other}");
        }
    }
}
