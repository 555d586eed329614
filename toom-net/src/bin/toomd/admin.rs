//! What operators and their programs ask a server that runs, by HTTP on loopback or on a Unix socket: `/metrics`, `/healthz`,
//! `/readyz`, `/sessions`, `/kick`.

mod metrics;
mod requests;
mod socket;

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;

use tiny_http::{Header, Method, Request, Response, Server};
use toom_core::UserName;
use toom_net::server::Handle;

use crate::failure::Failure;
use crate::sessions::Sessions;

pub(crate) use requests::{kick, sessions};
pub(crate) use socket::AdminAddress;

/// The header without which nothing is changed. No page in a browser on the same machine can send it unasked.
const CHANGES: &str = "Toomd-Admin";
/// The longest body that is read: a name.
const BODY_BYTES_MAX: u64 = 1024;

/// Answers on an address until the program ends.
pub(crate) struct Admin {
    state: Arc<State>,
    _socket: socket::Bound,
}

/// What is told of.
#[derive(Debug)]
struct State {
    /// There is none while the store is being read.
    server: OnceLock<Handle>,
    sessions: Sessions,
}

/// A status, what kind of text, and the text.
type Answer = (u16, &'static str, String);

const TEXT: &str = "text/plain; charset=utf-8";

impl Admin {
    /// Begins to answer.
    pub(crate) fn start(address: &AdminAddress, sessions: Sessions) -> Result<Self, Failure> {
        let refused = |error: Box<dyn std::error::Error + Send + Sync>| Failure::Admin {
            address: address.to_string(),
            problem: error.to_string(),
        };
        let (listener, bound) = socket::bind(address).map_err(|error| refused(error.into()))?;
        let server = Server::from_listener(listener, None).map_err(refused)?;
        let state = Arc::new(State { server: OnceLock::new(), sessions });
        let asked = Arc::clone(&state);
        let answer_all = move || {
            for request in server.incoming_requests() {
                asked.serve(request);
            }
        };
        thread::Builder::new().name("toomd-admin".to_owned()).spawn(answer_all).map_err(Failure::Thread)?;
        Ok(Self { state, _socket: bound })
    }

    /// The server has begun: it is ready.
    pub(crate) fn serves(&self, server: Handle) {
        // It begins once.
        let _ = self.state.server.set(server);
    }
}

impl State {
    fn serve(&self, mut request: Request) {
        let (status, kind, text) = self.answer(&mut request);
        let header = Header::from_bytes("Content-Type", kind).expect("the kinds of texts are header values");
        let response = Response::from_string(text).with_status_code(status).with_header(header);
        // Whoever asked has gone.
        let _ = request.respond(response);
    }

    fn answer(&self, request: &mut Request) -> Answer {
        let path = request.url().to_owned();
        match (request.method(), path.as_str()) {
            (Method::Get, "/healthz") => (200, TEXT, "ok\n".to_owned()),
            (Method::Get, "/readyz") => self.ready(),
            (Method::Get, "/metrics") => self.metrics(),
            (Method::Get, "/sessions") => (200, TEXT, self.sessions.lines()),
            (Method::Post, "/kick") if has_header(request, CHANGES) => self.kick(request),
            (Method::Post, "/kick") => (403, TEXT, format!("the header {CHANGES} is missing\n")),
            _ => (
                404,
                TEXT,
                "there are GET /metrics, /healthz, /readyz, /sessions, and POST /kick\n".to_owned(),
            ),
        }
    }

    fn ready(&self) -> Answer {
        match self.server.get() {
            None => (503, TEXT, "the server is starting\n".to_owned()),
            Some(server) if server.is_stopping() => (503, TEXT, "the server shuts down\n".to_owned()),
            Some(server) if server.metrics().engine.refuses_writes => {
                (503, TEXT, "the store refuses messages\n".to_owned())
            }
            Some(_) => (200, TEXT, "ready\n".to_owned()),
        }
    }

    fn metrics(&self) -> Answer {
        let Some(server) = self.server.get() else { return self.ready() };
        (200, metrics::CONTENT_TYPE, metrics::text(&server.metrics()))
    }

    fn kick(&self, request: &mut Request) -> Answer {
        let Some(server) = self.server.get() else { return self.ready() };
        let name = match read_name(request) {
            Ok(name) => name,
            Err(problem) => return (400, TEXT, format!("{problem}\n")),
        };
        let count = self.sessions.of(&name);
        server.kick(name);
        (200, TEXT, format!("{count}\n"))
    }
}

fn has_header(request: &Request, name: &'static str) -> bool {
    request.headers().iter().any(|header| header.field.equiv(name))
}

fn read_name(request: &mut Request) -> Result<UserName, String> {
    let mut name = String::new();
    let body = &mut io::Read::take(request.as_reader(), BODY_BYTES_MAX);
    io::Read::read_to_string(body, &mut name).map_err(|error| error.to_string())?;
    name.trim_end().parse().map_err(|error: toom_core::UserNameError| error.to_string())
}
