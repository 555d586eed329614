//! Everything that is not in history files and can still be read: rooms, ends, keyed requests, and the messages of the journal.

use std::collections::BTreeMap;

use crate::rooms::End;
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::Disk;
use crate::storage::file::journal::{self, JournalFile};
use crate::storage::file::names;
use crate::storage::file::open;
use crate::storage::file::record_bytes::{Names, RecordRef};
use crate::storage::file::repair::reading;
use crate::storage::file::run::Key;
use crate::storage::file::state::{self, State};
use crate::{Conversation, KeyedRequest, KeyedRequests, MessageRef, RoomCreated, RoomId, StorageError};

/// What was gathered. The messages are lent by the bytes of the journal.
#[derive(Default)]
pub(super) struct Gathered<'j> {
    pub(super) rooms: BTreeMap<RoomId, RoomCreated>,
    /// The ends that state files tell.
    pub(super) ends: BTreeMap<Conversation, End>,
    pub(super) keyed: KeyedRequests,
    /// The messages of the journal, in order.
    pub(super) posted: Vec<(Key, MessageRef<'j>)>,
    /// The highest sequence in the journal.
    pub(super) sequence: u64,
}

/// The bytes of all journal files.
pub(super) fn load_journal<D: Disk>(disk: &D) -> Result<Vec<Vec<u8>>, StorageError> {
    let names = open::names(disk)?;
    let journal = names.iter().filter(|name| JournalFile::from_name(name).is_some());
    journal.map(|name| reading::load(disk, name)).collect()
}

/// Gathers from all state files and from `journal`, whose frames since `first` are in no history file.
pub(super) fn gather<'j, D: Disk>(
    disk: &D,
    salt: Salt,
    first: u64,
    journal: &'j [Vec<u8>],
) -> Result<Gathered<'j>, StorageError> {
    let mut gathered = Gathered::default();
    let mut keyed = Vec::new();
    let mut posted = BTreeMap::new();
    let mut user_names = Names::default();
    gathered.sequence = journal::salvage(journal, salt, first, |record| {
        keyed.extend(record.keyed(&mut user_names).ok().flatten());
        match record {
            RecordRef::Posted(said) => {
                posted.insert((said.message.conversation, said.message.number), said.message);
            }
            RecordRef::RoomCreated(created) => {
                if let Ok(created) = created.own(&mut user_names) {
                    gathered.rooms.insert(created.room, created);
                }
            }
        }
    });
    gathered.posted = posted.into_iter().collect();
    for name in open::names(disk)?.iter().filter(|name| names::is_state(name)) {
        state::salvage(&reading::load(disk, name)?, salt, |state| {
            gathered.add(&state);
            keyed.extend(state.keyed.in_order_of_time());
        });
    }
    gathered.drop_rooms_out_of_order();
    keyed.sort_by_key(|request: &KeyedRequest| request.at);
    for request in keyed {
        gathered.keyed.remember(request);
    }
    Ok(gathered)
}

impl Gathered<'_> {
    fn add(&mut self, state: &State) {
        for created in &state.rooms {
            self.rooms.insert(created.room, created.clone());
        }
        for (conversation, end) in &state.ends {
            let told = self.ends.entry(*conversation).or_insert(*end);
            *told = (*told).max(*end);
        }
    }

    fn drop_rooms_out_of_order(&mut self) {
        let mut last = None;
        self.rooms.retain(|_, created| {
            let is_later = last.is_none_or(|last| created.at > last);
            last = if is_later { Some(created.at) } else { last };
            is_later
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageNumber, Timestamp};

    #[test]
    fn of_what_several_state_files_tell_of_a_conversation_the_later_end_counts() {
        let end = |number, at| End {
            number: MessageNumber::new(number).unwrap(),
            at: Timestamp::from_unix_micros(at).unwrap(),
        };
        let state = |end| State { ends: [(Conversation::Broadcast, end)].into(), ..State::default() };
        let (earlier, later) = (state(end(3, 30)), state(end(5, 50)));
        for states in [[&earlier, &later], [&later, &earlier]] {
            let mut gathered = Gathered::default();
            for state in states {
                gathered.add(state);
            }
            assert_eq!(gathered.ends, later.ends);
        }
    }

    #[test]
    fn a_room_that_was_not_built_after_those_before_it_is_dropped() {
        let mut gathered = Gathered::default();
        for (number, at) in [(1, 5), (2, 3), (3, 6), (4, 6), (6, 7)] {
            let (room, at) = (RoomId::new(number).unwrap(), Timestamp::from_unix_micros(at).unwrap());
            gathered.rooms.insert(room, RoomCreated { room, at, members: [].into(), key: None });
        }
        gathered.drop_rooms_out_of_order();
        assert_eq!(gathered.rooms.keys().map(|room| room.number()).collect::<Vec<_>>(), [1, 3, 6]);
    }
}
