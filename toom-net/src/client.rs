//! The async client library: requests, their answers, and what is pushed.
//!
//! [`Client::connect`], or `Client::connect_tls` over TLS, gives a [`Client`], whose methods are the protocol's requests, and [`Pushes`], what happens meanwhile. The
//! logic is in [`Dialogue`] and [`PushQueue`], which know no sockets, no clock and no runtime: a program with a loop of its own, or a
//! simulation, uses these alone.
//!
//! [`Client::stay`] gives the same two, and comes back when the connection is lost: nothing missed, nothing twice. Its logic is in [`Visit`].
//!
//! ```
//! use toom_core::{Body, Epoch, MemoryStorage, Password, Secret, UserName};
//! use toom_net::client::{Client, Options, Pushed};
//! use toom_net::server::Server;
//!
//! let server = Server::builder(MemoryStorage::new(Epoch::new(1)))
//!     .accounts([
//!         (UserName::parse("obiwan")?, Secret::plain("help me")?),
//!         (UserName::parse("yoda")?, Secret::plain("do or do not")?),
//!     ])
//!     .listen("127.0.0.1:0".parse()?)
//!     .start()?;
//! let address = server.local_addr();
//!
//! tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//!     let (obiwan, mut pushes) = Client::connect(address, Options::default()).await?;
//!     obiwan.login(UserName::parse("obiwan")?, Password::new("help me")).await?;
//!     let (yoda, _) = Client::connect(address, Options::default()).await?;
//!     yoda.login(UserName::parse("yoda")?, Password::new("do or do not")).await?;
//!
//!     let receipt = yoda.broadcast(Body::parse("hello")?).await?;
//!     match pushes.next().await {
//!         Some(Pushed::Message(message)) => {
//!             assert_eq!((message.number, message.body.as_str()), (receipt.number, "hello"));
//!         }
//!         Some(Pushed::Lag { first, last, .. }) => println!("missed #{first} to #{last}, read_since has them"),
//!         Some(other) => println!("{other:?}"),
//!         None => println!("the connection ended: {:?}", pushes.ended()),
//!     }
//!     obiwan.logout().await?;
//!     yoda.logout().await?;
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! server.shut_down()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod connect;
mod dialogue;
mod driver;
mod error;
mod files;
mod handle;
mod keep_alive;
mod keys;
mod outbox;
mod push_queue;
mod pushes;
mod relay_pipe;
mod relays;
#[cfg(feature = "client-tls")]
mod tls;
mod violation;
mod visit;
mod waiting;

pub use answer::{ActiveUser, Answer, NewRoom, NextPage, Page};
pub use connect::Options;
pub use dialogue::{Dialogue, Event, RequestId, RequestTooLong};
pub use error::{CallError, ConnectError, Ended};
pub use handle::Client;
pub use push_queue::{Away, Bye, PushQueue, Pushed, StoreMet};
pub use pushes::Pushes;
pub use relay_pipe::RelayPipe;
#[cfg(feature = "client-tls")]
pub use tls::{TlsError, Trust, TrustError};
pub use violation::Violation;
pub use visit::{Ticket, Visit, VisitEvent};
pub use waiting::REPLY_BYTES_MAX;
