//! The async client library: requests, their answers, and what is pushed.
//!
//! [`Client::connect`] gives a [`Client`], whose methods are the protocol's requests, and [`Pushes`], what happens meanwhile. The
//! logic is in [`Dialogue`] and [`PushQueue`], which know no sockets, no clock and no runtime: a program with a loop of its own, or a
//! simulation, uses these alone. Connecting again, and going on where one was, is not done here.
//!
//! ```
//! use toom_core::{Body, Password, UserName};
//! use toom_net::client::{Client, Options, Pushed};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # // A server of one connection and of few words.
//! # use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let server = listener.local_addr()?;
//! # tokio::spawn(async move {
//! #     let mut peer = BufReader::new(listener.accept().await?.0);
//! #     let (mut said, mut line) = ("TOOM 1 example/1 max-line=16384 epoch=0\n", String::new());
//! #     loop {
//! #         peer.get_mut().write_all(said.as_bytes()).await?;
//! #         line.clear();
//! #         if peer.read_line(&mut line).await? == 0 {
//! #             return std::io::Result::Ok(());
//! #         }
//! #         said = match line.split_whitespace().next() {
//! #             Some("HELLO") => "OK HELLO\n",
//! #             Some("LOGIN") => "OK LOGIN 1 2022-08-04T09:02:21.000000Z obiwan 127.0.0.1 0\n",
//! #             Some("BCM") => "OK BCM 3 2022-08-04T09:02:29.000000Z\nMSG b 4 2022-08-04T09:02:31.000000Z yoda hello you\n",
//! #             _ => "OK OUT obiwan\n",
//! #         };
//! #     }
//! # });
//! let (client, mut pushes) = Client::connect(server, Options::default()).await?;
//! let session = client.login(UserName::parse("obiwan")?, Password::new("may the force")).await?;
//! println!("Welcome, {}: you are number {}.", session.user, session.ordinal);
//!
//! let receipt = client.broadcast(Body::parse("hello")?).await?;
//! println!("That was message #{}.", receipt.number);
//!
//! match pushes.next().await {
//!     Some(Pushed::Message(message)) => println!("{} says {}", message.author, message.body.as_str()),
//!     Some(Pushed::Lag { first, last, .. }) => println!("Missed #{first} to #{last}: read_since has them."),
//!     Some(other) => println!("{other:?}"),
//!     None => println!("The connection ended: {:?}", pushes.ended()),
//! }
//! client.logout().await?;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

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
