use std::fs;
use std::sync::mpsc::{Sender, channel};

use toom_core::{
    Body, Conversation, Epoch, MemoryStorage, Message, MessageNumber, Posted, Record, RoomId, SessionId,
    Timestamp,
};

use super::*;
use crate::server::OpenSession;

/// 2022-08-04T09:02:29Z
const SECOND: i64 = 1_659_603_749_000_000;

/// A store, a folder and what was told.
struct World {
    store: MemoryStorage,
    folder: tempfile::TempDir,
    told: Vec<String>,
}

fn room() -> Conversation {
    Conversation::Room(RoomId::FIRST)
}

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn opened(session: u64, user: &str) -> Event {
    Event::LoggedIn(OpenSession {
        session: SessionId::new(session),
        at: Timestamp::from_unix_micros(SECOND).unwrap(),
        user: user.parse().unwrap(),
        ip: [127, 0, 0, 1].into(),
        udp: (user == "obiwan").then(|| 2000.try_into().unwrap()),
    })
}

fn closed(session: u64) -> Event {
    Event::LoggedOut { session: SessionId::new(session), user: "who".parse().unwrap() }
}

impl World {
    fn new() -> Self {
        Self {
            store: MemoryStorage::new(Epoch::new(1)),
            folder: tempfile::tempdir().unwrap(),
            told: Vec::new(),
        }
    }

    fn post(&mut self, conversation: Conversation, place: u64, body: &str) -> Event {
        let message = Message {
            conversation,
            number: number(place),
            at: Timestamp::from_unix_micros(SECOND + i64::try_from(place).unwrap() * 1_000_000).unwrap(),
            author: "luke".parse().unwrap(),
            body: Body::parse(body).unwrap(),
        };
        self.store.append(&[Record::Posted(Posted { message: message.clone(), key: None })]).unwrap();
        Event::Posted(message)
    }

    fn logs(&mut self) -> MessageLogs<<MemoryStorage as Storage>::Reader> {
        let tails = self.store.recover().unwrap().tails.into_iter();
        let ends = tails.map(|tail| (tail.conversation, tail.number)).collect();
        MessageLogs::new(self.folder.path(), TimeZone::UTC, self.store.reader(), ends)
    }

    fn catch_up(&mut self, end: u64) -> Result<(), TextLogsError> {
        let mut told = core::mem::take(&mut self.told);
        let done = self
            .logs()
            .catch_up(Conversation::Broadcast, number(end), &mut |line| told.push(line.to_owned()));
        self.told = told;
        done
    }

    /// Starts with an own thread, tells `events`, and waits for its end.
    fn keep(&mut self, events: &[Event]) {
        let (lines, told): (Sender<String>, _) = channel();
        let tell = move |line: &str| lines.send(line.to_owned()).unwrap();
        let logs = TextLogs::start(self.folder.path(), TimeZone::UTC, &mut self.store, tell).unwrap();
        let sink = logs.sink();
        for event in events {
            sink.tell(event);
        }
        assert!(logs.finish(Duration::from_mins(1)));
        self.told.extend(told);
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }
}

#[test]
fn what_is_posted_stands_in_the_file_of_its_conversation() {
    let mut world = World::new();
    let events = [
        world.post(Conversation::Broadcast, 1, "hello"),
        world.post(room(), 1, "have\na nice day"),
        world.post(Conversation::Broadcast, 2, "bye"),
    ];
    world.keep(&events);
    assert_eq!(
        world.read("messagelog.txt"),
        "1; 04 Aug 2022 09:02:30; luke; hello\n2; 04 Aug 2022 09:02:31; luke; bye\n"
    );
    assert_eq!(world.read("SR_1_messagelog.txt"), "1; 04 Aug 2022 09:02:30; luke; have\\na nice day\n");
    assert_eq!(world.told, Vec::<String>::new());
}

#[test]
fn sessions_are_numbered_anew_when_one_ends() {
    let mut world = World::new();
    let logins = [opened(9, "obiwan"), opened(3, "luke"), opened(5, "yoda")];
    world.keep(&logins);
    assert_eq!(
        world.read("userlog.txt"),
        "1; 04 Aug 2022 09:02:29; obiwan; 127.0.0.1; 2000\n\
         2; 04 Aug 2022 09:02:29; luke; 127.0.0.1; 0\n\
         3; 04 Aug 2022 09:02:29; yoda; 127.0.0.1; 0\n"
    );
    let mut log = UserLog::new(world.folder.path(), TimeZone::UTC);
    let change = |log: &mut UserLog, events: &[Event]| {
        let shared = Shared::new([].into());
        for event in events {
            shared.tell(event);
        }
        log.change(shared.wait().unwrap().sessions).unwrap();
    };
    change(&mut log, &logins);
    change(&mut log, &[closed(3), opened(8, "leia"), closed(8)]);
    assert_eq!(
        world.read("userlog.txt"),
        "1; 04 Aug 2022 09:02:29; obiwan; 127.0.0.1; 2000\n2; 04 Aug 2022 09:02:29; yoda; 127.0.0.1; 0\n"
    );
    assert!(!world.folder.path().join("userlog.txt.new").exists());
}

#[test]
fn a_server_that_starts_finds_nobody_there() {
    let mut world = World::new();
    world.write("userlog.txt", "1; 04 Aug 2022 09:02:29; obiwan; 127.0.0.1; 2000\n");
    world.keep(&[]);
    assert_eq!(world.read("userlog.txt"), "");
}

#[test]
fn after_a_restart_the_file_gets_what_it_lacks_and_nothing_twice() {
    let mut world = World::new();
    for place in 1..=3 {
        world.post(Conversation::Broadcast, place, "hello");
    }
    world.keep(&[]);
    let before = world.read("messagelog.txt");
    assert_eq!(before.lines().count(), 3);
    let event = world.post(Conversation::Broadcast, 4, "late");
    world.keep(&[event]);
    world.keep(&[]);
    assert_eq!(world.read("messagelog.txt"), before + "4; 04 Aug 2022 09:02:33; luke; late\n");
    assert_eq!(world.told, Vec::<String>::new());
}

#[test]
fn a_log_of_another_history_gets_what_is_posted_from_now_on() {
    let mut world = World::new();
    world.post(Conversation::Broadcast, 1, "old");
    world.write("messagelog.txt", "1; 04 Aug 2022 09:02:30; luke; other\n");
    let mut logs = world.logs();
    world.post(Conversation::Broadcast, 2, "new");
    let mut told = Vec::new();
    logs.catch_up(Conversation::Broadcast, number(2), &mut |line| told.push(line.to_owned())).unwrap();
    assert_eq!(
        world.read("messagelog.txt"),
        "1; 04 Aug 2022 09:02:30; luke; other\n2; 04 Aug 2022 09:02:31; luke; new\n"
    );
    assert!(told.len() == 1 && told[0].contains("messagelog.txt is no message of this history"), "{told:?}");
}

#[test]
fn a_line_that_was_cut_off_is_written_anew() {
    let mut world = World::new();
    world.post(Conversation::Broadcast, 1, "one");
    world.post(Conversation::Broadcast, 2, "two");
    world.catch_up(2).unwrap();
    let whole = world.read("messagelog.txt");
    for cut in 0..whole.len() {
        world.write("messagelog.txt", &whole[..cut]);
        world.catch_up(2).unwrap();
        assert_eq!(world.read("messagelog.txt"), whole, "{cut}");
    }
    world.write("messagelog.txt", "no line of ours");
    world.catch_up(2).unwrap();
    assert_eq!(world.read("messagelog.txt"), format!("no line of ours\n{whole}"));
}

#[test]
fn a_long_history_is_written_whole() {
    let mut world = World::new();
    let body = "x".repeat(1000);
    for place in 1..=500 {
        world.post(Conversation::Broadcast, place, &body);
    }
    world.catch_up(500).unwrap();
    let numbers: Vec<_> = world.read("messagelog.txt").lines().map(number_of).collect();
    assert!(numbers.into_iter().eq(1..=500));
}

fn number_of(line: &str) -> u64 {
    line.split_once(';').unwrap().0.parse().unwrap()
}

#[test]
fn messages_that_are_gone_for_good_are_stepped_over() {
    let mut world = World::new();
    world.store = MemoryStorage::keeping(Epoch::new(1), 2.try_into().unwrap());
    world.post(Conversation::Broadcast, 1, "one");
    world.catch_up(1).unwrap();
    for place in 2..=9 {
        world.post(Conversation::Broadcast, place, "more");
    }
    world.catch_up(9).unwrap();
    let numbers: Vec<_> = world.read("messagelog.txt").lines().map(number_of).collect();
    assert!(matches!(numbers[..], [1, .., 8, 9]) && numbers.len() < 9, "{numbers:?}");
    assert_eq!(world.told, Vec::<String>::new());
}

#[test]
fn trouble_is_told_once_and_so_is_its_end() {
    let mut world = World::new();
    let event = world.post(Conversation::Broadcast, 1, "one");
    // No file can be written where a folder stands.
    let taken = world.folder.path().join("messagelog.txt");
    fs::create_dir(&taken).unwrap();
    let mut keeper = Keeper {
        users: UserLog::new(world.folder.path(), TimeZone::UTC),
        messages: world.logs(),
        tell: |line: &str| world.told.push(line.to_owned()),
        in_trouble: false,
    };
    let shared = Shared::new([].into());
    shared.tell(&event);
    let mut pending = shared.wait().unwrap();
    for _ in 0..3 {
        pending = keeper.round(pending);
        assert_eq!(pending.ends, [(Conversation::Broadcast, number(1))].into());
        assert!(!pending.has_users(), "the other files go on");
    }
    fs::remove_dir(&taken).unwrap();
    assert!(keeper.round(pending).is_empty());
    assert!(
        world.told[0].contains("cannot open") && world.told[0].contains("messagelog.txt"),
        "{:?}",
        world.told
    );
    assert_eq!(world.told[1..], ["text logs: they are written again"]);
    assert_eq!(world.read("messagelog.txt"), "1; 04 Aug 2022 09:02:30; luke; one\n");
}

#[test]
fn a_file_of_sessions_that_could_not_be_written_is_tried_again() {
    let world = World::new();
    let taken = world.folder.path().join("userlog.txt");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("file"), "").unwrap();
    let mut keeper = Keeper {
        users: UserLog::new(world.folder.path(), TimeZone::UTC),
        messages: World::new().logs(),
        tell: |_: &str| (),
        in_trouble: false,
    };
    let shared = Shared::new([].into());
    shared.tell(&opened(1, "luke"));
    let left = keeper.round(shared.wait().unwrap());
    assert!(left.has_users());
    fs::remove_dir_all(&taken).unwrap();
    assert!(keeper.round(left).is_empty());
    assert_eq!(world.read("userlog.txt"), "1; 04 Aug 2022 09:02:29; luke; 127.0.0.1; 0\n");
}

#[test]
fn logs_that_cannot_be_written_do_not_keep_the_server_from_ending() {
    let mut world = World::new();
    let event = world.post(Conversation::Broadcast, 1, "one");
    fs::create_dir(world.folder.path().join("messagelog.txt")).unwrap();
    world.keep(&[event]);
    assert_eq!(world.told.len(), 1, "{:?}", world.told);
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let mut world = World::new();
    world.write("file", "");
    let folder = world.folder.path().join("file").join("logs");
    let refused = TextLogs::start(&folder, TimeZone::UTC, &mut world.store, |_| ()).unwrap_err().to_string();
    assert!(refused.contains("cannot make the folder") && refused.contains("logs"), "{refused}");
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone_also_where_they_were_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::new();
    world.write("SR_1_messagelog.txt", "");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(world.folder.path().join("SR_1_messagelog.txt"), open).unwrap();
    let events = [world.post(Conversation::Broadcast, 1, "hello"), world.post(room(), 1, "psst")];
    world.keep(&events);
    for name in ["userlog.txt", "messagelog.txt", "SR_1_messagelog.txt"] {
        let mode = fs::metadata(world.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
