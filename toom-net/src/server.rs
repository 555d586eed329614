//! The server, as a library: TOOM/1 over TCP, or over TLS, on an engine of `toom-core`.
//!
//! ```no_run
//! use toom_core::{Epoch, MemoryStorage, Secret};
//! use toom_net::server::Server;
//!
//! let server = Server::builder(MemoryStorage::new(Epoch::new(1)))
//!     .accounts([("obiwan".parse()?, Secret::plain("help me")?)])
//!     .listen("127.0.0.1:0".parse()?)
//!     .start()?;
//! println!("listening on {}", server.local_addr());
//! server.shut_down()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admission;
mod builder;
#[cfg(feature = "tls")]
mod channel;
mod clock;
mod connection;
mod engine_loop;
mod event;
mod exchange;
mod front;
#[cfg(feature = "tls")]
mod handshakes;
mod hub;
mod introductions;
mod io;
mod limits;
mod metrics;
mod outbox;
mod rate;
mod reading;
mod recording;
mod replay;
mod running;
mod sink;
#[cfg(feature = "simulation")]
pub(crate) mod stepped;
#[cfg(feature = "tls")]
mod tls;
mod workers;

pub use builder::{Server, ServerBuilder, ServerError};
pub use clock::{Clock, SystemClock};
pub use event::{Event, EventFormat, EventLine, OpenSession, RoomTexts};
pub use limits::{Loopback, RelayFiles, ServerLimits};
pub use metrics::{ConnectionMetrics, EngineMetrics, Histogram, Metrics, ReadMetrics, TransferMetrics};
pub use rate::Rate;
pub use recording::RecordingError;
pub use replay::{Counts, Ending, Parted, Replayed, replay};
pub use running::{Handle, RunningServer};
#[cfg(feature = "tls")]
pub use tls::{Identity, IdentityError};
