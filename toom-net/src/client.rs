//! The async client library: requests, their answers, and what is pushed.
//!
//! [`Client::connect`] gives a [`Client`], whose methods are the protocol's requests, and [`Pushes`], what happens meanwhile. The
//! logic is in [`Dialogue`] and [`PushQueue`], which know no sockets, no clock and no runtime: a program with a loop of its own, or a
//! simulation, uses these alone. Connecting again, and going on where one was, is not done here.

mod answer;
mod connect;
mod dialogue;
mod driver;
mod error;
mod handle;
mod keys;
mod outbox;
mod push_queue;
mod pushes;
mod violation;
mod waiting;

pub use answer::{ActiveUser, Answer, NewRoom, NextPage, Page};
pub use connect::Options;
pub use dialogue::{Dialogue, Event, RequestId, RequestTooLong};
pub use error::{CallError, ConnectError, Ended};
pub use handle::Client;
pub use push_queue::{Bye, PushQueue, Pushed};
pub use pushes::Pushes;
pub use violation::Violation;
pub use waiting::REPLY_BYTES_MAX;
