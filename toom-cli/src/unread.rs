//! What was posted since the user was here last, counted: for everyone, and in each room.
//!
//! A file keeps, for each server and user, until when everything was shown: `host:port user epoch microseconds`, a line each. Under another
//! epoch it means nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toom_core::{Conversation, Epoch, MessageNumber, Timestamp};
use toom_net::client::{CallError, Client, Page};
use toom_net::protocol::{HistoryRow, MessageLine, PageLimit, RoomsSince, Since};

/// How many pages of 1,000 messages are counted: of more, it is told that there are more.
const PAGES_MAX: usize = 10;

/// How many servers and users are remembered.
const PLACES_MAX: usize = 100;

/// Until when everything was shown to one user of one server.
#[derive(Clone, Debug)]
pub struct Seen {
    path: PathBuf,
    /// `host:port user`.
    place: String,
}

/// How many messages of others there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// By conversation, where there are any.
    pub counts: BTreeMap<Conversation, u64>,
    /// The last message of each conversation that was read.
    pub last: BTreeMap<Conversation, MessageNumber>,
    /// Whether there may be more.
    pub counted: Counted,
}

/// Whether everything was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// It was.
    #[default]
    All,
    /// There was too much.
    Some,
}

impl Seen {
    /// That of `user` at `host` and `port`, kept in the file `path`, which need not be there.
    #[must_use]
    pub fn new(path: PathBuf, host: &str, port: u16, user: &str) -> Self {
        Self { path, place: format!("{host}:{port} {user}") }
    }

    /// Until when everything was shown, if that is known for the store `epoch`.
    #[must_use]
    pub fn load(&self, epoch: Epoch) -> Option<Timestamp> {
        let text = fs::read_to_string(&self.path).ok()?;
        let known = text.lines().rev().find_map(|line| self.rest_of(line))?;
        let (kept, micros) = known.split_once(' ')?;
        let same = kept == epoch.to_string();
        if same { Timestamp::from_unix_micros(micros.parse().ok()?) } else { None }
    }

    /// Keeps that everything until `at` was shown. None but the user can read the file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn save(&self, epoch: Epoch, at: Timestamp) -> io::Result<()> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let others: Vec<_> = text.lines().filter(|line| self.rest_of(line).is_none()).collect();
        let kept = others.iter().rev().take(PLACES_MAX - 1).rev();
        let own = format!("{} {epoch} {}", self.place, at.unix_micros());
        let new: String = kept.copied().chain([own.as_str()]).flat_map(|line| [line, "\n"]).collect();
        replace(&self.path, &new)
    }

    fn rest_of<'a>(&self, line: &'a str) -> Option<&'a str> {
        line.strip_prefix(&self.place)?.strip_prefix(' ')
    }
}

/// Puts a file with `text` in the place of the one that is there, all at once.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(text.as_bytes())?;
    fs::rename(&new, path)
}

/// Counts what others than `user` posted later than `at`.
///
/// # Errors
/// [`CallError`].
pub async fn count(client: &Client, user: &str, at: Timestamp) -> Result<Unread, CallError> {
    count_and_find(client, user, at, at).await
}

/// Counts what others than `user` posted later than `at`, and finds the rooms in which somebody posted later than `rooms_since`.
///
/// # Errors
/// [`CallError`].
pub async fn count_and_find(
    client: &Client,
    user: &str,
    at: Timestamp,
    rooms_since: Timestamp,
) -> Result<Unread, CallError> {
    let limit = PageLimit::new(PageLimit::MAX).unwrap_or_default();
    let mut unread = Unread::default();
    let counts = |message: &MessageLine| message.at > at && message.author.as_str() != user;
    let page = client.read_since(Conversation::Broadcast, Since::Time(at), limit).await?;
    unread.add_all(client, page, counts).await?;
    let page = client.read_rooms_since(RoomsSince::Time(rooms_since), limit).await?;
    unread.add_all(client, page, counts).await?;
    Ok(unread)
}

impl Unread {
    async fn add_all(
        &mut self,
        client: &Client,
        mut page: Page,
        counts: impl Fn(&MessageLine) -> bool,
    ) -> Result<(), CallError> {
        for _ in 0..PAGES_MAX {
            for row in &page.rows {
                let (conversation, last) = place_of(row);
                self.last.insert(conversation, last);
                if let HistoryRow::Message(message) = row
                    && counts(message)
                {
                    *self.counts.entry(message.conversation).or_default() += 1;
                }
            }
            let Some(next) = page.next else { return Ok(()) };
            page = client.read_on(next).await?;
        }
        self.counted = Counted::Some;
        Ok(())
    }

    /// The line that tells it; `None` where there is nothing.
    #[must_use]
    pub fn told(&self, since: &str) -> Option<String> {
        let one = |(conversation, count): (&Conversation, &u64)| match conversation {
            Conversation::Broadcast => format!("{count} to everyone (RDM b {since})"),
            Conversation::Room(room) => format!("{count} in room-{room} (RDM {room} {since})"),
        };
        let counts: Vec<_> = self.counts.iter().map(one).collect();
        let more = if self.counted == Counted::Some { ", and more" } else { "" };
        (!counts.is_empty()).then(|| format!("unread: {}{more}", counts.join(", ")))
    }
}

/// Where a row stands: the last message that it is or stands for.
#[must_use]
pub const fn place_of(row: &HistoryRow) -> (Conversation, MessageNumber) {
    match row {
        HistoryRow::Message(message) => (message.conversation, message.number),
        HistoryRow::Gone { conversation, last, .. } => (*conversation, *last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(micros).unwrap()
    }

    #[test]
    fn what_is_kept_is_of_one_user_of_one_server_and_of_one_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("toom").join("seen");
        let seen = |user| Seen::new(path.clone(), "chat.example", 2000, user);
        let (one, other) = (Epoch::new(1), Epoch::new(2));
        assert_eq!(seen("luke").load(one), None);
        seen("luke").save(one, at(5)).unwrap();
        seen("obiwan").save(one, at(6)).unwrap();
        seen("luke").save(one, at(7)).unwrap();
        assert_eq!((seen("luke").load(one), seen("obiwan").load(one)), (Some(at(7)), Some(at(6))));
        assert_eq!((seen("luke").load(other), seen("lukes").load(one)), (None, None));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn the_file_is_bounded_and_what_is_damaged_means_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen");
        for port in 1..200 {
            Seen::new(path.clone(), "h", port, "u").save(Epoch::new(1), at(1)).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), PLACES_MAX);
        fs::write(&path, "h:1 u\nh:1 u x\nh:1 u 0000000000000001 soon\n\u{0}").unwrap();
        assert_eq!(Seen::new(path, "h", 1, "u").load(Epoch::new(1)), None);
    }

    #[test]
    fn counts_are_told_with_the_commands_that_read_them() {
        let mut unread = Unread::default();
        assert_eq!(unread.told("x"), None);
        unread.counts.insert(Conversation::Broadcast, 2);
        unread.counts.insert(Conversation::Room(toom_core::RoomId::new(7).unwrap()), 1);
        unread.counted = Counted::Some;
        assert_eq!(
            unread.told("04 Aug 2022 09:02:29").unwrap(),
            "unread: 2 to everyone (RDM b 04 Aug 2022 09:02:29), \
             1 in room-7 (RDM 7 04 Aug 2022 09:02:29), and more"
        );
    }
}
