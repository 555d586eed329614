//! A user with files and without a terminal.

use std::time::Duration;

use bytesize::ByteSize;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use toom_cli::files::{Direction, Door, Files, FilesArgs, News, NewsFeed, Stage, Taking, What};
use toom_cli::login::{Connection, Lasts, Server};
use toom_cli::security::{Reach, Security};
use toom_core::{Password, UserName};
use toom_files::Patience;
use toom_net::client::Client;
use toom_net::protocol::{ContentHash, FileName, FileOffer, Fingerprint, NameWord};
use toom_net::server::RunningServer;

use crate::support::{PASSWORD, PATIENCE};

/// The largest file that is taken here.
pub(super) const BYTES_MAX: usize = 64 << 20;

pub(super) struct Someone {
    pub(super) files: Files,
    news: NewsFeed,
    pub(super) folder: TempDir,
    client: Client,
    hearing: JoinHandle<()>,
}

/// How a user reaches the server, and is reached.
pub(super) struct Way<'a> {
    pub(super) server: &'a RunningServer,
    /// Through this port in place of the server's own.
    pub(super) through: Option<String>,
    /// At this UDP port in place of their own.
    pub(super) port: Option<u16>,
}

impl<'a> Way<'a> {
    pub(super) const fn to(server: &'a RunningServer) -> Self {
        Self { server, through: None, port: None }
    }
}

impl Drop for Someone {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

impl Someone {
    pub(super) async fn log_in(server: &RunningServer, name: &str, taking: Taking) -> Self {
        Self::log_in_by(Way::to(server), name, taking).await
    }

    pub(super) async fn log_in_by(way: Way<'_>, name: &str, taking: Taking) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = FilesArgs {
            accept_files: Some(taking),
            max_file_size: ByteSize::b(BYTES_MAX as u64),
            download_dir: Some(folder.path().to_owned()),
        };
        let patience = Patience { connect: Duration::from_millis(300), ..Patience::default() };
        let door = Door::open(&args, None, Taking::Never, patience).unwrap();
        let port = way.through.map_or_else(|| way.server.local_addr().port(), |port| port.parse().unwrap());
        let udp = way.port.map_or_else(|| door.port(), std::num::NonZeroU16::new);
        let security = Security::Plain(Reach::Here);
        let server = Server { host: "127.0.0.1".to_owned(), port, udp, security };
        let connection = server.connect(Lasts::ThroughLosses).await.unwrap();
        let user = UserName::parse(name).unwrap();
        connection.log_in(user, Password::new(PASSWORD)).await.unwrap().unwrap();
        let Connection { client, mut pushes } = connection;
        let (files, news) = Files::new(client.clone(), door);
        let hears = files.clone();
        let hearing = tokio::spawn(async move {
            while let Some(pushed) = pushes.next().await {
                hears.hear(&pushed);
            }
        });
        Self { files, news, folder, client, hearing }
    }

    /// Makes a file of as many bytes, which are not all alike.
    pub(super) fn write(&self, name: &str, bytes: usize) -> Vec<u8> {
        let byte = |at: usize| u8::try_from((at / 251 + at) % 256).unwrap();
        let content: Vec<u8> = (0..bytes).map(byte).collect();
        std::fs::write(self.folder.path().join(name), &content).unwrap();
        content
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    /// The names of all files here, hidden ones too.
    pub(super) fn everything(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    /// The same without hidden ones.
    pub(super) fn saved(&self) -> Vec<String> {
        self.everything().into_iter().filter(|name| !name.starts_with('.')).collect()
    }

    pub(super) fn send(&self, user: &str, name: &str) {
        let path = self.folder.path().join(name);
        self.files.send(&UserName::parse(user).unwrap(), path.to_str().unwrap()).unwrap();
    }

    /// Offers what is not there, under a name of which a file could not be.
    pub(super) async fn offer_by_hand(&self, user: &str, name: &str) {
        let file = FileOffer {
            bytes: 1,
            hash: ContentHash::new([1; 32]),
            fingerprint: Fingerprint::new([2; 32]),
            name: FileName::parse(name).unwrap(),
        };
        self.client.offer_file(&NameWord::parse(user).unwrap(), file).await.unwrap();
    }

    /// What happens next, but for progress.
    pub(super) async fn next(&mut self) -> News {
        loop {
            let news = timeout(PATIENCE, self.news.next()).await.expect("something happens");
            if !matches!(news.what, What::Moving(..)) {
                return news;
            }
        }
    }

    /// How the next transfer ends that does.
    pub(super) async fn end(&mut self) -> What {
        loop {
            let news = self.next().await;
            if news.what.is_end() {
                return news.what;
            }
        }
    }

    /// Everything that happens until a transfer ends, but for progress.
    pub(super) async fn all(&mut self) -> Vec<What> {
        let mut all = Vec::new();
        while all.last().is_none_or(|what: &What| !what.is_end()) {
            all.push(self.next().await.what);
        }
        all
    }

    /// Waits until the only transfer is so far; its number.
    pub(super) async fn until_it_has(&self, bytes: u64) -> u32 {
        let there = async {
            loop {
                let all = self.files.under_way();
                if let Some(one) = all.first()
                    && one.stage == Stage::Moving
                    && one.pace.bytes_done >= bytes
                {
                    assert_eq!(one.about.direction, Direction::In);
                    return one.about.number;
                }
                // What is under way is shown by being looked at.
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, there).await.expect("it moves")
    }

    pub(super) async fn until_it_moves(&self) -> u32 {
        self.until_it_has(1).await
    }
}
