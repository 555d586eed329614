//! From an address to a client that has been greeted.

use core::future::Future;
use core::num::NonZeroU16;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

#[cfg(feature = "client-tls")]
use super::Trust;
use super::driver::{Driver, Shared};
use super::handle::{About, end_of};
use super::keys::Keys;
use super::visit::{Connect, VisitDriver};
use super::{Client, ConnectError, Pushes, Visit};
use crate::protocol::{ClientWord, Command, Hello, Live};

/// How many calls wait to be taken before the next one waits to be queued.
const CALLS_QUEUED: usize = 16;

/// What a client says of itself, and how long it waits for a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the program calls itself, as `NAME/VERSION`.
    pub client: ClientWord,
    /// The port on which it takes files, if it does.
    pub udp: Option<NonZeroU16>,
    /// Whether it wants to be told what others post.
    pub live: Live,
    /// How long reaching the server, its greeting and its answer to `HELLO` may take together.
    pub connect_timeout: Duration,
}

impl Default for Options {
    /// `toom-net/<version>`, no port, live, 10 seconds.
    fn default() -> Self {
        let client = ClientWord::parse(concat!("toom-net/", env!("CARGO_PKG_VERSION")))
            .expect("the name of this package is short and has visible characters alone");
        Self { client, udp: None, live: Live::On, connect_timeout: Duration::from_secs(10) }
    }
}

impl Client {
    /// Connects by TCP, reads the greeting and says `HELLO`.
    ///
    /// # Errors
    /// [`ConnectError`]: no server, none that speaks TOOM/1, one that refuses, or too late an answer.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time, as everything of tokio's does.
    pub async fn connect(
        server: impl ToSocketAddrs,
        options: Options,
    ) -> Result<(Self, Pushes), ConnectError> {
        within(options.connect_timeout, async {
            let stream = TcpStream::connect(server).await?;
            // Requests are small and wait for nothing.
            stream.set_nodelay(true)?;
            Self::greet(stream, options).await
        })
        .await
    }

    /// As [`connect`](Self::connect), over TLS. Nothing of the client's is sent before the server has proved to be the one that `trust` means;
    /// `host` is the name that its certificate has to bear.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and [`ConnectError::Tls`].
    ///
    /// # Panics
    /// As [`connect`](Self::connect).
    #[cfg(feature = "client-tls")]
    pub async fn connect_tls(
        host: &str,
        port: u16,
        trust: &Trust,
        options: Options,
    ) -> Result<(Self, Pushes), ConnectError> {
        within(options.connect_timeout, async {
            Self::greet(trust.connect(host, port).await?, options).await
        })
        .await
    }

    /// As [`connect`](Self::connect), over a stream that is connected to a server: a tunnel, or a pipe within the process.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    /// Outside a tokio runtime with time.
    pub async fn over<S>(stream: S, options: Options) -> Result<(Self, Pushes), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        within(options.connect_timeout, Self::greet(stream, options)).await
    }

    /// Connects, and stays: when the connection is lost, it connects again, logs in as before and goes on where it was, as
    /// [`Visit`] says. `connect` makes each connection.
    ///
    /// The last login that succeeded is the one that is repeated, so its password is kept. The calls are those of any
    /// `Client`; made while there is no connection, they wait for the next one. Those that post are given a key where they have none. In [`Pushes`],
    /// [`Pushed::Away`](super::Pushed::Away) and [`Pushed::Back`](super::Pushed::Back) tell how it goes, and messages that the server did not push are fetched.
    ///
    /// # Errors
    /// As [`connect`](Self::connect): the first connection is tried once.
    ///
    /// # Panics
    /// Outside a tokio runtime with time, and with I/O if `connect` needs it.
    pub async fn stay<S, F>(
        mut connect: impl FnMut() -> F + Send + 'static,
        options: Options,
    ) -> Result<(Self, Pushes), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Result<S, ConnectError>> + Send + 'static,
    {
        let (mark, keys) = (draw_mark()?, Keys::new(draw_mark()?));
        let shared = Arc::new(Shared::new());
        let (calls, to_serve) = mpsc::channel(CALLS_QUEUED);
        let (tell_greeting, greeting) = oneshot::channel();
        let (open, closed) = oneshot::channel();
        let Options { client, udp, live, connect_timeout } = options;
        let hello = Hello { client: Some(client), udp, live };
        let connect: Connect<S> = Box::new(move || Box::pin(connect()));
        let visit = |now| Visit::new(hello, mark, now);
        let driver = VisitDriver::new(visit, connect, to_serve, closed, tell_greeting, Arc::clone(&shared));
        tokio::spawn(driver.run());
        let pushes = Pushes { shared: Arc::clone(&shared) };
        within(connect_timeout, async {
            let greeting = greeting.await.map_err(|_| ConnectError::before_greeting(end_of(&shared)))?;
            let about = Arc::new(About { greeting, keys, _open: open });
            Ok((Self { calls, shared: Arc::clone(&shared), about }, pushes))
        })
        .await
    }

    async fn greet<S>(stream: S, options: Options) -> Result<(Self, Pushes), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let keys = Keys::new(draw_mark()?);
        let shared = Arc::new(Shared::new());
        let (calls, to_serve) = mpsc::channel(CALLS_QUEUED);
        let (tell_greeting, greeting) = oneshot::channel();
        let (open, closed) = oneshot::channel();
        tokio::spawn(Driver::new(stream, to_serve, closed, tell_greeting, Arc::clone(&shared)).run());
        let pushes = Pushes { shared: Arc::clone(&shared) };
        let greeting = greeting.await.map_err(|_| end_of(&shared))?;
        let about = Arc::new(About { greeting, keys, _open: open });
        let client = Self { calls, shared, about };
        let Options { client: word, udp, live, .. } = options;
        client.call(Command::Hello(Hello { client: Some(word), udp, live })).await?;
        Ok((client, pushes))
    }
}

async fn within<T>(
    limit: Duration,
    connecting: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout(limit, connecting).await.map_err(|_| ConnectError::TimedOut)?
}

fn draw_mark() -> io::Result<u128> {
    let mut mark = [0; 16];
    getrandom::fill(&mut mark).map_err(io::Error::from)?;
    Ok(u128::from_be_bytes(mark))
}
