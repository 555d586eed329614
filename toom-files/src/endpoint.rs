//! One program's end of all transfers: whom it expects, and the way to others.

mod expected;
mod socket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use self::expected::Expectations;
pub use self::expected::Expected;
use crate::exchange::TICKET_BYTES;
use crate::exchange::receive::ReceiveError;
use crate::exchange::send::{self, SendError};
use crate::identity::{Identity, Is, NAME};
use crate::marks::{Fingerprint, Ticket};
use crate::pipe::Pipe;
use crate::pulse::Pulse;
use crate::source::Source;
use crate::transfer::{Stage, Transfer};

/// How many strangers may try to show that they are expected, at once.
const STRANGERS_MAX: usize = 8;

/// How long each may take.
const STRANGER_TIME: Duration = Duration::from_secs(5);

/// What a connection is closed with that nobody expects.
const UNEXPECTED: quinn::VarInt = quinn::VarInt::from_u32(1);

/// What is under way, but not yet taken by the other side, of one transfer; and in one direction on the wire.
const WINDOW_BYTES: u32 = 4 << 20;

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until an address that does not answer counts as out of reach.
    pub connect: Duration,
    /// Until a peer that is not heard counts as gone.
    pub idle: Duration,
    /// Until a peer that is there, but lets nothing move, is given up.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(4),
            idle: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        }
    }
}

/// A UDP port, and what one program sends and receives there. Its clones are the same endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    quic: quinn::Endpoint,
    identity: Identity,
    patience: Patience,
    expectations: Arc<Expectations>,
    listening: AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One who was expected has come, with its ticket.
#[derive(Debug)]
pub struct Connection {
    pub(crate) pipe: Pipe,
    pub(crate) stall: Duration,
}

impl Endpoint {
    /// Takes a UDP port: that of `addr`, or any free one where it is 0. Who is not expected gets no answer there.
    ///
    /// # Errors
    ///
    /// Where the port cannot be had.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn bind(addr: SocketAddr, identity: &Identity) -> io::Result<Self> {
        Self::bind_with(addr, identity, Patience::default())
    }

    /// The same, with other limits of time.
    ///
    /// # Errors
    ///
    /// Where the port cannot be had.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn bind_with(addr: SocketAddr, identity: &Identity, patience: Patience) -> io::Result<Self> {
        let expectations = Arc::new(Expectations::default());
        let tls = identity.server_tls(Arc::clone(&expectations)).map_err(io::Error::other)?;
        let quic = QuicServerConfig::try_from(tls).map_err(io::Error::other)?;
        let mut server = quinn::ServerConfig::with_crypto(Arc::new(quic));
        server
            .transport_config(transport(patience))
            .max_incoming(STRANGERS_MAX)
            .incoming_buffer_size(16 << 10)
            .incoming_buffer_size_total(128 << 10);
        let (socket, datagram) = socket::bind(addr)?;
        let mut config = quinn::EndpointConfig::default();
        config.max_udp_payload_size(datagram).map_err(io::Error::other)?;
        let runtime = Arc::new(quinn::TokioRuntime);
        let quic = quinn::Endpoint::new_with_abstract_socket(config, Some(server), socket, runtime)?;
        let listening = tokio::spawn(listen(quic.clone(), Arc::clone(&expectations))).abort_handle();
        Ok(Self(Arc::new(Shared { quic, identity: identity.clone(), patience, expectations, listening })))
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Where the operating system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.quic.local_addr()
    }

    /// What others must be told of its certificate.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.identity.fingerprint()
    }

    /// Expects one connection, of the one with that certificate who brings that ticket, for as long as the answer is held.
    #[must_use]
    pub fn expect(&self, ticket: Ticket, sender: Fingerprint) -> Expected {
        Expectations::expect(&self.0.expectations, ticket, sender, self.0.patience.stall)
    }

    /// Expects the same at the other end of a pipe that someone relays.
    ///
    /// # Errors
    ///
    /// Where another comes, or nobody.
    pub async fn accept_over(
        &self,
        pipe: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        sender: Fingerprint,
        ticket: Ticket,
    ) -> Result<Connection, ReceiveError> {
        let stall = self.0.patience.stall;
        let tls = self.0.identity.server_tls(Is(sender)).map_err(|_| ReceiveError::NotIntroduced)?;
        let accepted = async {
            let stream =
                TlsAcceptor::from(Arc::new(tls)).accept(pipe).await.map_err(|error| match error.kind() {
                    io::ErrorKind::InvalidData => ReceiveError::NotIntroduced,
                    _ => ReceiveError::Lost(error),
                })?;
            let mut pipe = Pipe::tls(stream);
            let mut brought = [0; TICKET_BYTES];
            pipe.reader.read_all(&mut brought, &Pulse::new()).await.map_err(ReceiveError::Lost)?;
            if Ticket::new(brought) == ticket {
                Ok(Connection { pipe, stall })
            } else {
                Err(ReceiveError::NotIntroduced)
            }
        };
        tokio::time::timeout(stall, accepted).await.unwrap_or(Err(ReceiveError::Stalled(stall)))
    }

    /// Sends the file to the one with that certificate, who is expected to listen at `addr` and to have made the ticket.
    ///
    /// # Errors
    ///
    /// As [`SendError`] tells; [`SendError::Unreachable`] is the one after which another way may help.
    pub async fn send(
        &self,
        addr: SocketAddr,
        receiver: Fingerprint,
        ticket: Ticket,
        source: &Source,
        transfer: &Transfer,
    ) -> Result<(), SendError> {
        transfer.begin(Stage::Connecting, source.bytes(), 0);
        let connected = async {
            let line = self.connect(addr, receiver).await?;
            let (send, receive) = line.open_bi().await.map_err(|error| refusal(&error, addr))?;
            Ok((line, send, receive))
        };
        let (line, send, receive) = tokio::select! {
            connected = tokio::time::timeout(self.0.patience.connect, connected) =>
                connected.unwrap_or(Err(SendError::Unreachable(addr)))?,
            () = transfer.cancelled() => return Err(SendError::Cancelled),
        };
        let pipe = Pipe::quic(line.clone(), send, receive);
        let result = send::send(pipe, ticket, source, transfer, self.0.patience.stall).await;
        match (result, line.close_reason()) {
            // It did not like our certificate, or the ticket: that shows only after we believed to be connected.
            (Err(SendError::Lost(_)), Some(reason)) if is_refusal(&reason) => Err(SendError::NotIntroduced),
            (result, _) => result,
        }
    }

    /// Sends it through a pipe that someone relays, encrypted from end to end.
    ///
    /// # Errors
    ///
    /// As [`SendError`] tells.
    pub async fn send_over(
        &self,
        pipe: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        receiver: Fingerprint,
        ticket: Ticket,
        source: &Source,
        transfer: &Transfer,
    ) -> Result<(), SendError> {
        let stall = self.0.patience.stall;
        transfer.begin(Stage::Connecting, source.bytes(), 0);
        let tls = self.0.identity.client_tls(receiver).map_err(|_| SendError::NotIntroduced)?;
        let name = NAME.try_into().map_err(|_| SendError::NotIntroduced)?;
        let connected = TlsConnector::from(Arc::new(tls)).connect(name, pipe);
        let stream = tokio::select! {
            connected = connected => connected.map_err(tls_refusal)?,
            () = transfer.cancelled() => return Err(SendError::Cancelled),
            () = tokio::time::sleep(stall) => return Err(SendError::Stalled(stall)),
        };
        match send::send(Pipe::tls(stream), ticket, source, transfer, stall).await {
            Err(SendError::Lost(error)) => Err(tls_refusal(error)),
            sent => sent,
        }
    }

    /// Ends it: what is under way is cut, nobody is expected any more, and the last packets get out.
    pub async fn close(&self) {
        self.0.listening.abort();
        self.0.quic.close(quinn::VarInt::from_u32(0), b"");
        // Whoever does not acknowledge the end is not worth waiting for.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.0.quic.wait_idle()).await;
    }

    async fn connect(&self, addr: SocketAddr, receiver: Fingerprint) -> Result<quinn::Connection, SendError> {
        let tls = self.0.identity.client_tls(receiver).map_err(|_| SendError::NotIntroduced)?;
        let quic = QuicClientConfig::try_from(tls).map_err(|_| SendError::NotIntroduced)?;
        let mut client = quinn::ClientConfig::new(Arc::new(quic));
        client.transport_config(transport(self.0.patience));
        let connecting = self.0.quic.connect_with(client, addr, NAME);
        connecting.map_err(|_| SendError::Unreachable(addr))?.await.map_err(|error| refusal(&error, addr))
    }
}

fn refusal(error: &quinn::ConnectionError, addr: SocketAddr) -> SendError {
    if is_refusal(error) { SendError::NotIntroduced } else { SendError::Unreachable(addr) }
}

/// Whether somebody was there, and one of the two did not take the other for the right one.
fn is_refusal(error: &quinn::ConnectionError) -> bool {
    match error {
        quinn::ConnectionError::TransportError(_) | quinn::ConnectionError::ConnectionClosed(_) => true,
        quinn::ConnectionError::ApplicationClosed(closed) => closed.error_code == UNEXPECTED,
        _ => false,
    }
}

/// TLS that failed of itself, or by an alert: one of the two did not take the other for the right one.
fn tls_refusal(error: io::Error) -> SendError {
    match error.kind() {
        io::ErrorKind::InvalidData => SendError::NotIntroduced,
        _ => SendError::Lost(error),
    }
}

/// Windows that bound the memory, and datagrams as large as the way and the receiver take, which is found out by trying.
fn transport(patience: Patience) -> Arc<quinn::TransportConfig> {
    let mut discovery = quinn::MtuDiscoveryConfig::default();
    discovery.upper_bound(socket::DATAGRAM_BYTES_MAX);
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(1_u8.into())
        .max_concurrent_uni_streams(0_u8.into())
        .stream_receive_window(WINDOW_BYTES.into())
        .receive_window(WINDOW_BYTES.into())
        .send_window(WINDOW_BYTES.into())
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(Some(discovery))
        .keep_alive_interval(Some(patience.idle / 4))
        .max_idle_timeout(patience.idle.try_into().ok());
    Arc::new(transport)
}

/// Hears those who come. They get no answer at all while nobody is expected.
async fn listen(quic: quinn::Endpoint, expectations: Arc<Expectations>) {
    let strangers = Arc::new(Semaphore::new(STRANGERS_MAX));
    while let Some(incoming) = quic.accept().await {
        if expectations.is_empty() {
            incoming.ignore();
            continue;
        }
        // Someone who does not hear us costs nothing.
        if !incoming.remote_address_validated() {
            // One that may not be asked again is not answered.
            let _ = incoming.retry();
            continue;
        }
        let Ok(stranger) = Arc::clone(&strangers).try_acquire_owned() else {
            incoming.ignore();
            continue;
        };
        let expectations = Arc::clone(&expectations);
        tokio::spawn(async move {
            // Whoever does not make it in time is dropped, and with it the connection.
            let _ = tokio::time::timeout(STRANGER_TIME, admit(incoming, &expectations)).await;
            drop(stranger);
        });
    }
}

/// Lets in who is expected, and closes the connection of anybody else.
async fn admit(incoming: quinn::Incoming, expectations: &Expectations) -> Option<()> {
    let line = incoming.accept().ok()?.await.ok()?;
    let (send, mut receive) = line.accept_bi().await.ok()?;
    let mut ticket = [0; TICKET_BYTES];
    receive.read_exact(&mut ticket).await.ok()?;
    let certificates =
        line.peer_identity()?.downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>().ok()?;
    let fingerprint = Fingerprint::of(certificates.first()?);
    match expectations.take(Ticket::new(ticket), fingerprint) {
        // Who expected it may have gone in between; the connection goes with it.
        Some(waiting) => drop(waiting.send(Pipe::quic(line, send, receive))),
        None => line.close(UNEXPECTED, b"not expected"),
    }
    Some(())
}
