//! A server that says what it is told to say.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::PATIENCE;

const GREETING: &str = "TOOM 1 fake/1 max-line=16384 epoch=1\n";
const LOGGED_IN: &str = "OK LOGIN 1 2022-08-04T09:02:21.000000Z obiwan 127.0.0.1 0\n";

/// A server for one connection, with an answer to each request in turn. After the last one it closes.
pub(crate) struct Fake {
    pub(crate) port: String,
    /// What it was asked.
    serving: JoinHandle<Vec<String>>,
}

impl Fake {
    /// Says `first` instead of a greeting, and closes.
    pub(crate) fn that_greets(first: &str) -> Self {
        Self::start(first.to_owned(), Vec::new())
    }

    /// Greets, and answers `LOGIN` so.
    pub(crate) fn that_answers_login(answer: &str) -> Self {
        Self::start(GREETING.to_owned(), vec!["OK HELLO\n".to_owned(), answer.to_owned()])
    }

    /// Greets, logs in, and answers what comes next so.
    pub(crate) fn that_answers(answers: &[&str]) -> Self {
        let first = ["OK HELLO\n", LOGGED_IN].into_iter();
        Self::start(GREETING.to_owned(), first.chain(answers.iter().copied()).map(str::to_owned).collect())
    }

    fn start(first: String, answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut requests = BufReader::new(stream.try_clone().unwrap());
            stream.write_all(first.as_bytes()).unwrap();
            let mut asked = Vec::new();
            for answer in answers {
                let mut request = String::new();
                requests.read_line(&mut request).unwrap();
                asked.push(request.trim_end().to_owned());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        Self { port, serving }
    }

    /// Waits for the end, and tells what was asked after `HELLO` and `LOGIN`.
    pub(crate) fn asked(self) -> Vec<String> {
        self.serving.join().unwrap().split_off(2)
    }
}
