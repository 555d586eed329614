//! What an exchange runs over: a stream of QUIC, or TLS over a pipe that somebody relays. Either is encrypted from end to end, and
//! both ends of it are known.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::pulse::Pulse;

/// How long the last words may take to arrive.
const SETTLE: Duration = Duration::from_secs(2);

/// Both directions.
pub(crate) struct Pipe {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl core::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pipe").finish_non_exhaustive()
    }
}

/// A pipe of bytes that someone else carries.
pub(crate) trait Relayed: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Relayed for T {}

impl Pipe {
    /// `line` stays open as long as the pipe.
    pub(crate) fn quic(line: quinn::Connection, send: quinn::SendStream, receive: quinn::RecvStream) -> Self {
        Self { reader: Reader::Quic(receive), writer: Writer::Quic { stream: send, line } }
    }

    pub(crate) fn tls(stream: impl Relayed + 'static) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self { reader: Reader::Tls(Box::pin(reader)), writer: Writer::Tls(Box::pin(writer)) }
    }
}

/// The half that is read.
pub(crate) enum Reader {
    Quic(quinn::RecvStream),
    Tls(core::pin::Pin<Box<dyn AsyncRead + Send>>),
}

impl Reader {
    /// Fills `buffer`, and says so at every few bytes. An end within it is an error of the kind `UnexpectedEof`.
    pub(crate) async fn read_all(&mut self, buffer: &mut [u8], pulse: &Pulse) -> io::Result<()> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let read = match self {
                Self::Quic(stream) => stream.read(rest).await?.unwrap_or(0),
                Self::Tls(stream) => match stream.read(rest).await {
                    // TLS says at length what comes to the same.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                    read => read?,
                },
            };
            if read == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other side hung up"));
            }
            pulse.beat();
            rest = rest.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }
}

/// The half that is written.
pub(crate) enum Writer {
    Quic { stream: quinn::SendStream, line: quinn::Connection },
    Tls(core::pin::Pin<Box<dyn AsyncWrite + Send>>),
}

impl Writer {
    /// Writes all of it, and says so at every few bytes.
    pub(crate) async fn write_all(&mut self, bytes: &[u8], pulse: &Pulse) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = match self {
                Self::Quic { stream, .. } => stream.write(rest).await?,
                Self::Tls(stream) => stream.write(rest).await?,
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            pulse.beat();
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Sees to it that what was written is on its way.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Quic { .. } => Ok(()),
            Self::Tls(stream) => stream.flush().await,
        }
    }

    /// Nothing more will be written; waits until all that was has arrived, or the other side is gone, or for two seconds.
    pub(crate) async fn settle(&mut self) {
        let settled = async {
            match self {
                Self::Quic { stream, line } => {
                    if stream.finish().is_ok() {
                        tokio::select! {
                            _ = stream.stopped() => {}
                            _ = line.closed() => {}
                        }
                    }
                }
                // Whoever carries it has taken it.
                Self::Tls(stream) => drop(stream.shutdown().await),
            }
        };
        // Whoever has not listened by now does not want to know.
        let _ = tokio::time::timeout(SETTLE, settled).await;
    }
}
