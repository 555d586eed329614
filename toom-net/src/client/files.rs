//! The calls for files that go from client to client.

use super::relay_pipe::NewPipe;
use super::{Answer, CallError, Client, RelayPipe};
use crate::protocol::{
    Command, FileOffer, Fingerprint, NameWord, Named, TransferId, TransferRequest, TransferTicket,
};

/// Files: who offers and who takes one, as `docs/protocol.md` says under UPD. The bytes themselves go another way, or through a [`RelayPipe`].
///
/// What the other side does is pushed, as [`Pushed::Transfer`](super::Pushed::Transfer). A transfer ends with the session of either side; where a client
/// [stays](Client::stay), calls about it then fail with [`CallError::SessionOver`], and are never made in the next session.
impl Client {
    /// Asks `user` whether it wants a file. The answer is pushed.
    ///
    /// # Errors
    /// [`CallError`]; refused with `unknown-user`, `inactive-user`, `refused` where no session of the user takes files, `limit-reached`, or `throttled`.
    pub async fn offer_file(&self, user: &NameWord, file: FileOffer) -> Result<TransferId, CallError> {
        let user = Named::from(user);
        self.transfer(TransferRequest::Offer { user, file }).await
    }

    /// Says yes. The sender learns this client's address, and comes with a certificate of the fingerprint that the offer told; it finds one of `fingerprint`, and shows `ticket`.
    ///
    /// # Errors
    /// [`CallError`]; refused with `refused` where the offer is over or taken, or with `limit-reached`.
    pub async fn accept_file(
        &self,
        id: TransferId,
        fingerprint: Fingerprint,
        ticket: TransferTicket,
    ) -> Result<(), CallError> {
        self.transfer(TransferRequest::Accept { id, fingerprint, ticket }).await.map(drop)
    }

    /// Says no, for all sessions of the user; `text` is for people, and may be empty.
    ///
    /// # Errors
    /// [`CallError`]; refused with `refused` where the offer is over or taken.
    pub async fn refuse_file(&self, id: TransferId, text: &str) -> Result<(), CallError> {
        self.transfer(TransferRequest::Refuse { id, text: text.into() }).await.map(drop)
    }

    /// Ends a transfer, on whichever side and however far it is.
    ///
    /// # Errors
    /// [`CallError`]; refused with `refused` where it is over.
    pub async fn cancel_file(&self, id: TransferId) -> Result<(), CallError> {
        self.transfer(TransferRequest::Cancel(id)).await.map(drop)
    }

    /// Says that the whole file has arrived here, and ends the transfer.
    ///
    /// # Errors
    /// [`CallError`]; refused with `refused` where it is over.
    pub async fn file_done(&self, id: TransferId) -> Result<(), CallError> {
        self.transfer(TransferRequest::Done(id)).await.map(drop)
    }

    /// Has the bytes of a file that this client sends go through the server, and gives this end of the way.
    ///
    /// # Errors
    /// [`CallError`]; refused with `refused` where the operator does not want that, or with `limit-reached`.
    ///
    /// # Panics
    /// Outside a tokio runtime with time.
    pub async fn relay_file(&self, id: TransferId) -> Result<RelayPipe, CallError> {
        // Made first: what the receiver says to it may come together with the answer.
        let pipe = NewPipe::new(self, id);
        self.transfer(TransferRequest::Relay(id)).await?;
        Ok(pipe.start())
    }

    /// The receiver's end of the way, after [`TransferPush::Relay`](crate::protocol::TransferPush::Relay).
    ///
    /// # Panics
    /// Outside a tokio runtime with time.
    #[must_use]
    pub fn relay_pipe(&self, id: TransferId) -> RelayPipe {
        NewPipe::new(self, id).start()
    }

    async fn transfer(&self, request: TransferRequest) -> Result<TransferId, CallError> {
        self.ask(Command::Transfer(request), |answer| match answer {
            Answer::Transfer(id) => Some(id),
            _ => None,
        })
        .await
    }
}
