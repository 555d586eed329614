//! From a server's address to a session.

use core::net::SocketAddr;
use core::num::NonZeroU16;
use std::io;

use tokio::net::{TcpStream, lookup_host};
use toom_core::{Password, UserName};
use toom_net::client::{CallError, Client, ConnectError, Options, Pushes, TlsError, Trust};
use toom_net::protocol::login_text::{BLOCKED, NOW_BLOCKED, WRONG_PASSWORD};
use toom_net::protocol::{ClientWord, Code, Failure, LoggedIn};
use toom_net::tls::Fingerprint;

use crate::said::Refusal;
use crate::security::{self, Reach, Security};
use crate::stop::Stop;

/// Where a server is, and what it is told of this client.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The UDP port on which this client takes files, if it does.
    pub udp: Option<NonZeroU16>,
    /// How it is reached and believed.
    pub security: Security,
}

/// A connection on which nobody may be logged in yet.
#[derive(Debug)]
pub struct Connection {
    /// What makes the requests.
    pub client: Client,
    /// What comes unasked.
    pub pushes: Pushes,
}

/// What becomes of a connection that is lost after the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It is over.
    UntilLost,
    /// Another takes its place, with nothing missed.
    ThroughLosses,
}

/// Why nobody was logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRefusal {
    /// Why, for programs and in the words to print.
    pub why: Refusal,
    /// Whether another password may be tried at once.
    pub retry: Retry,
}

/// Whether to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// For another password.
    AtOnce,
    /// Not now.
    Later,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum NoConnection {
    /// Nothing can be done here.
    Stop(Stop),
    /// The server's certificate is new to the user, and only the user can say whether it is right: its fingerprint, and what to
    /// tell where nobody can be asked.
    New(Fingerprint, Stop),
}

impl From<NoConnection> for Stop {
    /// Where nobody can be asked.
    fn from(why: NoConnection) -> Self {
        match why {
            NoConnection::Stop(stop) | NoConnection::New(_, stop) => stop,
        }
    }
}

impl From<Stop> for NoConnection {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// What connecting came to.
type Connected = Result<(Client, Pushes), ConnectError>;

impl Server {
    /// Connects and greets. Before the server is believed, nothing is sent to it.
    ///
    /// # Errors
    /// [`Stop::Connection`], which names the server and says why; [`Stop::Usage`] where the connection would not be safe.
    pub async fn connect(&self, lasts: Lasts) -> Result<Connection, NoConnection> {
        let mut options = Options { udp: self.udp, ..Options::default() };
        if let Ok(client) = ClientWord::parse(concat!("toom/", env!("CARGO_PKG_VERSION"))) {
            options.client = client;
        }
        let connected = match &self.security {
            Security::Plain(reach) => self.connect_plain(*reach, lasts, options).await?,
            Security::Tls(trust) => self.connect_tls(trust, lasts, options).await,
            Security::Known(known) => {
                let known =
                    known.find(&self.host, self.port).map_err(|error| Stop::Usage(error.to_string()))?;
                let trust = known.map_or_else(Trust::system, Trust::certificate);
                self.connect_tls(&trust, lasts, options).await
            }
        };
        match connected {
            Ok((client, pushes)) => Ok(Connection { client, pushes }),
            Err(error) => Err(self.failure(&error)),
        }
    }

    async fn connect_plain(&self, reach: Reach, lasts: Lasts, options: Options) -> Result<Connected, Stop> {
        let addresses = match self.resolve(reach).await? {
            Ok(addresses) => addresses,
            Err(error) => return Ok(Err(error.into())),
        };
        Ok(match lasts {
            Lasts::UntilLost => Client::connect(&*addresses, options).await,
            Lasts::ThroughLosses => {
                let server = self.clone();
                Client::stay(move || server.clone().reach_plain(reach), options).await
            }
        })
    }

    /// Its name may mean another address every time.
    async fn reach_plain(self, reach: Reach) -> Result<TcpStream, ConnectError> {
        let addresses = self.resolve(reach).await.map_err(|_| io::Error::other(security::NOT_HERE))??;
        let stream = TcpStream::connect(&*addresses).await?;
        // Requests are small and wait for nothing.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect_tls(&self, trust: &Trust, lasts: Lasts, options: Options) -> Connected {
        match lasts {
            Lasts::UntilLost => Client::connect_tls(&self.host, self.port, trust, options).await,
            Lasts::ThroughLosses => {
                let (host, port, trust) = (self.host.clone(), self.port, trust.clone());
                let connect = move || {
                    let (host, trust) = (host.clone(), trust.clone());
                    async move { trust.connect(&host, port).await }
                };
                Client::stay(connect, options).await
            }
        }
    }

    /// The addresses of the server, if it may be reached without TLS.
    async fn resolve(&self, reach: Reach) -> Result<io::Result<Vec<SocketAddr>>, Stop> {
        let addresses: Vec<_> = match lookup_host((self.host.as_str(), self.port)).await {
            Ok(addresses) => addresses.collect(),
            Err(error) => return Ok(Err(error)),
        };
        if reach == Reach::Here && !addresses.iter().all(|address| address.ip().to_canonical().is_loopback())
        {
            return Err(security::refused(&self.host));
        }
        Ok(Ok(addresses))
    }

    fn failure(&self, error: &ConnectError) -> NoConnection {
        let advice = self.security.advice(&self.host, self.port, error);
        let stop = Stop::unreachable(&self.host, self.port, error, advice.as_deref());
        match (error, &self.security) {
            (ConnectError::Tls(TlsError::Unknown { shown, .. }), Security::Known(_)) => {
                NoConnection::New(*shown, stop)
            }
            _ => stop.into(),
        }
    }
}

impl Connection {
    /// Tries a password.
    ///
    /// # Errors
    /// [`Stop`] where the connection ended; a refusal is an answer.
    pub async fn log_in(
        &self,
        user: UserName,
        password: Password,
    ) -> Result<Result<LoggedIn, LoginRefusal>, Stop> {
        match self.client.login(user, password).await {
            Ok(session) => Ok(Ok(session)),
            Err(CallError::Refused(failure)) => Ok(Err(LoginRefusal::from(&failure))),
            Err(CallError::Ended(ended)) => Err(ended.into()),
            Err(error) => Ok(Err(LoginRefusal { why: Refusal::from(&error), retry: Retry::AtOnce })),
        }
    }
}

impl From<&Failure> for LoginRefusal {
    /// A wrong password has one code, whether it blocks the account or not: the text says which.
    fn from(failure: &Failure) -> Self {
        let (told, retry) = match failure.code {
            Code::BadCredentials if &*failure.text == NOW_BLOCKED => (NOW_BLOCKED, Retry::Later),
            Code::BadCredentials => (WRONG_PASSWORD, Retry::AtOnce),
            Code::Blocked => (BLOCKED, Retry::Later),
            _ => {
                let why = Refusal::of_server(failure, crate::render::refusal(failure));
                return Self { why, retry: Retry::Later };
            }
        };
        Self { why: Refusal::of_server(failure, told.to_owned()), retry }
    }
}

#[cfg(test)]
mod tests {
    use toom_net::protocol::Verb;

    use super::*;

    fn refused(code: Code, text: &str) -> (String, Retry) {
        let LoginRefusal { why, retry } = LoginRefusal::from(&Failure::new(Verb::Login, code, text));
        (why.text, retry)
    }

    #[test]
    fn a_wrong_password_may_be_tried_again() {
        for text in [WRONG_PASSWORD, "no", ""] {
            assert_eq!(
                refused(Code::BadCredentials, text),
                (WRONG_PASSWORD.to_owned(), Retry::AtOnce),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_password_that_blocks_says_so_and_is_the_last() {
        assert_eq!(refused(Code::BadCredentials, NOW_BLOCKED), (NOW_BLOCKED.to_owned(), Retry::Later));
    }

    #[test]
    fn a_blocked_account_is_told_so() {
        let text = "Your account is blocked; seconds left: 7";
        assert_eq!(refused(Code::Blocked, text), (BLOCKED.to_owned(), Retry::Later));
    }

    #[test]
    fn other_refusals_are_in_the_words_of_the_server() {
        let told = "too many attempts from your address; seconds left: 30";
        assert_eq!(refused(Code::Throttled, told), (told.to_owned(), Retry::Later));
    }
}
