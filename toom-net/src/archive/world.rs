//! Stores for tests.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use tempfile::TempDir;
use toom_core::{
    Body, Config, Conversation, Digest, Engine, Epoch, History as _, MemoryStorage, Message, MessageNumber,
    Posted, Record, RoomCreated, RoomId, Storage as _, Timestamp, UserName,
};

use super::{export_json, export_text};

/// 2022-08-04T09:02:29.123456Z
pub(super) const AT: i64 = 1_659_603_749_123_456;

const USERS: [&str; 4] = ["Obiwan", "luke", "leia", "yoda"];

pub(super) fn name(name: &str) -> UserName {
    name.parse().unwrap()
}

pub(super) fn room(number: u32) -> Conversation {
    Conversation::Room(RoomId::new(number).unwrap())
}

/// A folder with files.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            fs::write(folder.path(name), content).unwrap();
        }
        folder
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Every file, in order of name.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let entries = self.0.path().read_dir().unwrap().map(|entry| entry.unwrap());
        let read = |entry: fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        };
        let mut files: Vec<_> = entries.map(read).collect();
        files.sort_unstable();
        files
    }
}

/// A store that is filled record by record, as an engine would.
#[derive(Debug)]
pub(super) struct World {
    pub(super) store: MemoryStorage,
    pub(super) rooms: Vec<RoomCreated>,
    at: i64,
}

impl World {
    pub(super) fn new() -> Self {
        Self { store: MemoryStorage::new(Epoch::new(1)), rooms: Vec::new(), at: AT }
    }

    pub(super) fn wait(&mut self, micros: i64) {
        self.at += micros;
    }

    fn now(&mut self) -> Timestamp {
        self.at += 1;
        Timestamp::from_unix_micros(self.at).unwrap()
    }

    pub(super) fn build(&mut self, members: &[&str]) {
        let room = RoomId::new(u32::try_from(self.rooms.len()).unwrap() + 1).unwrap();
        let members = members.iter().map(|member| name(member)).collect();
        let created = RoomCreated { room, at: self.now(), members, key: None };
        self.rooms.push(created.clone());
        self.store.append(&[Record::RoomCreated(created)]).unwrap();
    }

    pub(super) fn post(&mut self, conversation: Conversation, author: &str, body: &str) {
        let last = self.store.locate(conversation, Timestamp::MAX).unwrap();
        let message = Message {
            conversation,
            number: MessageNumber::following(last),
            at: self.now(),
            author: name(author),
            body: Body::parse(body).unwrap(),
        };
        self.store.append(&[Record::Posted(Posted { message, key: None })]).unwrap();
    }

    pub(super) fn json(&mut self) -> String {
        json_of(&mut self.store)
    }

    pub(super) fn text(&mut self) -> Folder {
        text_of(&mut self.store)
    }
}

pub(super) fn json_of(store: &mut MemoryStorage) -> String {
    let mut out = Vec::new();
    export_json(store, &mut out, &mut |_| ()).unwrap();
    String::from_utf8(out).unwrap()
}

pub(super) fn text_of(store: &mut MemoryStorage) -> Folder {
    let folder = Folder::new(&[]);
    export_text(store, &folder.path(""), &TimeZone::UTC, &mut |_| ()).unwrap();
    folder
}

/// Stand for all that the store keeps, and for all that an engine knows of it.
pub(super) fn digests(mut store: MemoryStorage) -> (Digest, Digest) {
    let kept = Digest::of_history(&store.reader(), &store.recover().unwrap()).unwrap();
    (kept, Engine::open(store, Config::default()).unwrap().history_digest())
}

/// Every message, conversation by conversation.
pub(super) fn messages(store: &mut MemoryStorage) -> Vec<Message> {
    let mut messages = Vec::new();
    for tail in store.recover().unwrap().tails {
        store
            .read(tail.conversation, None, usize::MAX, |message| {
                messages.push(Message {
                    conversation: message.conversation,
                    number: message.number,
                    at: message.at,
                    author: name(message.author),
                    body: Body::parse(message.body).unwrap(),
                });
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    messages
}

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Build(Vec<usize>),
    Post(usize, usize, String),
}

/// Worlds that an engine could have made: rooms of different members, in which members speak.
pub(super) fn worlds() -> impl Strategy<Value = World> {
    let step = prop_oneof![
        (0..3_000_000_i64).prop_map(Step::Wait),
        Just(vec![0, 1, 2, 3]).prop_shuffle().prop_flat_map(|users| {
            (2..=4_usize).prop_map(move |count| Step::Build(users[..count].to_vec()))
        }),
        (0..12_usize, 0..4_usize, "[a-z\\\\]n?[\n; \\\\u{}5cé\u{202e}]{0,8}")
            .prop_map(|(conversation, author, body)| { Step::Post(conversation, author, body) }),
    ];
    proptest::collection::vec(step, 0..60).prop_map(|steps| {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world
    })
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(micros) => self.wait(micros),
            Step::Build(members) => {
                let members: Vec<_> = members.into_iter().map(|user| USERS[user]).collect();
                let same = |created: &RoomCreated| {
                    members.len() == created.members.len()
                        && created.members.iter().all(|m| members.contains(&m.as_str()))
                };
                if !self.rooms.iter().any(same) {
                    self.build(&members);
                }
            }
            Step::Post(conversation, author, body) => match self.rooms.get(conversation) {
                Some(created) => {
                    let author = created.members[author % created.members.len()].clone();
                    self.post(Conversation::Room(created.room), author.as_str(), &body);
                }
                None => self.post(Conversation::Broadcast, USERS[author], &body),
            },
        }
    }
}
