//! TLS of one connection, without its socket: records in, lines out, and the other way round.

use core::fmt;
use std::sync::Arc;

use rustls::server::{ServerConfig, ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, UnbufferedStatus,
    WriteTraffic,
};
use zeroize::{Zeroize as _, Zeroizing};

/// The most that one record holds.
pub(super) const PLAIN_BYTES_MAX: usize = 16 * 1024;
/// How much longer a record is than what it holds, at most.
const RECORD_OVERHEAD: usize = 512;
/// How much of a handshake is kept while the rest is awaited. Those of today's clients are a tenth to a half of it.
const HANDSHAKE_BYTES_MAX: usize = 4096;
/// How much of a record is kept while the rest is awaited.
const RECORD_BYTES_MAX: usize = 5 + PLAIN_BYTES_MAX + 2048;
/// How many bytes may wait to be written: a record, and what rustls says by itself, such as that the keys are new.
const OUTGOING_BYTES_MAX: usize = 2 * PLAIN_BYTES_MAX;

/// The server's side of TLS on one connection. It holds no buffer while nothing is half received or half sent.
///
/// Steps of the handshake ([`shake`](Self::shake)) take long, everything after it does not.
pub(super) struct Channel {
    connection: UnbufferedServerConnection,
    /// What was read and is no whole record, or waits for its step of the handshake.
    incoming: Vec<u8>,
    /// Lines that came at once with the end of the handshake. There may be a password among them.
    early: Zeroizing<Vec<u8>>,
    /// Records that wait to be written.
    outgoing: Vec<u8>,
    sent: usize,
    peer_has_ended: bool,
    end_is_sealed: bool,
}

/// The peer does not speak TLS, or not as it must. What it is to be told waits to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TlsFailed;

impl Channel {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, TlsFailed> {
        let connection = UnbufferedServerConnection::new(config).map_err(|_| TlsFailed)?;
        Ok(Self {
            connection,
            incoming: Vec::new(),
            early: Zeroizing::new(Vec::new()),
            outgoing: Vec::new(),
            sent: 0,
            peer_has_ended: false,
            end_is_sealed: false,
        })
    }

    /// Whether the handshake is done.
    pub(super) fn is_open(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// Whether the peer said that nothing more will come.
    pub(super) fn peer_has_ended(&self) -> bool {
        self.peer_has_ended
    }

    /// How much was received and is no whole record.
    pub(super) fn kept_bytes(&self) -> usize {
        self.incoming.len()
    }

    /// As much of `buffer` as may be read of a handshake.
    pub(super) fn room<'a>(&self, buffer: &'a mut [u8]) -> &'a mut [u8] {
        let room = HANDSHAKE_BYTES_MAX.saturating_sub(self.incoming.len()).min(buffer.len());
        buffer.get_mut(..room).unwrap_or_default()
    }

    /// Keeps what was read for the next step of the handshake.
    pub(super) fn keep(&mut self, read: &[u8]) {
        self.incoming.extend_from_slice(read);
    }

    /// Goes on with the handshake as far as what was kept allows.
    pub(super) fn shake(&mut self) -> Result<(), TlsFailed> {
        let (mut records, mut early) =
            (Zeroizing::new(core::mem::take(&mut self.incoming)), core::mem::take(&mut self.early));
        let used = self.drive(&mut records, &mut early)?;
        self.early = early;
        self.incoming = records.get(used..).unwrap_or_default().to_vec();
        if self.incoming.len() >= HANDSHAKE_BYTES_MAX { Err(TlsFailed) } else { Ok(()) }
    }

    /// Moves what [`shake`](Self::shake) found to `plain`.
    pub(super) fn take_early(&mut self, plain: &mut Vec<u8>) {
        plain.extend_from_slice(&core::mem::take(&mut self.early));
    }

    /// Appends what `read` holds to `plain`. `records` is memory to work in; it is wiped, for there may be a password in it.
    pub(super) fn open(
        &mut self,
        read: &[u8],
        records: &mut Vec<u8>,
        plain: &mut Vec<u8>,
    ) -> Result<(), TlsFailed> {
        records.clear();
        records.append(&mut core::mem::take(&mut self.incoming));
        records.extend_from_slice(read);
        let driven = self.drive(records, plain);
        let rest = driven.map(|used| records.get(used..).unwrap_or_default().to_vec());
        records.as_mut_slice().zeroize();
        self.incoming = rest?;
        if self.incoming.len() > RECORD_BYTES_MAX { Err(TlsFailed) } else { Ok(()) }
    }

    /// Puts `plain`, at most [`PLAIN_BYTES_MAX`], as a record behind what waits to be written. `spare` is memory to take for that.
    pub(super) fn seal(&mut self, plain: &[u8], spare: &mut Vec<u8>) -> Result<(), TlsFailed> {
        if self.outgoing.is_empty() {
            spare.clear();
            core::mem::swap(&mut self.outgoing, spare);
        }
        self.encrypt(plain.len(), |traffic, sealed| traffic.encrypt(plain, sealed))
    }

    /// Puts the end of the stream behind what waits to be written, once.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method has one lifetime, the closure any"
    )]
    pub(super) fn seal_end(&mut self) -> Result<(), TlsFailed> {
        if core::mem::replace(&mut self.end_is_sealed, true) {
            return Ok(());
        }
        self.encrypt(0, |traffic, sealed| traffic.queue_close_notify(sealed))
    }

    /// What waits to be written.
    pub(super) fn sealed(&self) -> &[u8] {
        self.outgoing.get(self.sent..).unwrap_or_default()
    }

    /// Takes off what was written.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    /// Gives its memory back if nothing waits to be written.
    pub(super) fn give_back(&mut self, spare: &mut Vec<u8>) {
        if self.sent >= self.outgoing.len() {
            *spare = core::mem::take(&mut self.outgoing);
            self.sent = 0;
        }
    }

    /// Processes whole records, and says how many bytes they were.
    fn drive(&mut self, records: &mut [u8], plain: &mut Vec<u8>) -> Result<usize, TlsFailed> {
        let mut used = 0;
        loop {
            let rest = records.get_mut(used..).unwrap_or_default();
            let rest_bytes = rest.len();
            let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(rest);
            let mut waits = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    // Growing on the way would leave a copy of what may be a password behind.
                    plain.reserve(rest_bytes);
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(|_| TlsFailed)?;
                        plain.extend_from_slice(record.payload);
                        discard += record.discard;
                    }
                }
                Ok(ConnectionState::EncodeTlsData(answer)) => append(answer, &mut self.outgoing)?,
                Ok(ConnectionState::TransmitTlsData(answers)) => answers.done(),
                Ok(ConnectionState::PeerClosed) => self.peer_has_ended = true,
                Ok(_) => waits = true,
                Err(_) => {
                    self.take_alert();
                    return Err(TlsFailed);
                }
            }
            used += discard;
            if waits {
                return if self.sealed().len() > OUTGOING_BYTES_MAX { Err(TlsFailed) } else { Ok(used) };
            }
        }
    }

    /// Puts what the peer is to be told of its mistake behind what waits to be written.
    fn take_alert(&mut self) {
        while self.connection.wants_write() {
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut []);
            let Ok(ConnectionState::EncodeTlsData(alert)) = state else { return };
            if append(alert, &mut self.outgoing).is_err() {
                return;
            }
        }
    }

    /// Encrypts what is `length` bytes long, behind what rustls has to say before.
    fn encrypt(
        &mut self,
        length: usize,
        encrypt: impl FnOnce(
            &mut WriteTraffic<'_, ServerConnectionData>,
            &mut [u8],
        ) -> Result<usize, EncryptError>,
    ) -> Result<(), TlsFailed> {
        loop {
            // Nothing is discarded: of what came, only a part of a record is left.
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut self.incoming);
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let start = self.outgoing.len();
                    self.outgoing.resize(start + length + RECORD_OVERHEAD, 0);
                    let room = self.outgoing.get_mut(start..).unwrap_or_default();
                    let length = encrypt(&mut traffic, room).map_err(|_| TlsFailed)?;
                    self.outgoing.truncate(start + length);
                    return Ok(());
                }
                Ok(ConnectionState::EncodeTlsData(answer)) => append(answer, &mut self.outgoing)?,
                Ok(ConnectionState::TransmitTlsData(answers)) => answers.done(),
                _ => return Err(TlsFailed),
            }
        }
    }
}

fn append(
    mut answer: EncodeTlsData<'_, ServerConnectionData>,
    outgoing: &mut Vec<u8>,
) -> Result<(), TlsFailed> {
    let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) = answer.encode(&mut [])
    else {
        return Err(TlsFailed);
    };
    let start = outgoing.len();
    outgoing.resize(start + required_size, 0);
    answer.encode(outgoing.get_mut(start..).unwrap_or_default()).map_err(|_| TlsFailed)?;
    Ok(())
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
