//! The servers whose certificates the user has taken for right, kept in a file.
//!
//! A line a server, as `chat.example:2000 AB:CD:…`: where it is, and the SHA-256 fingerprint of its certificate. `#` starts a comment line.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toom_net::tls::Fingerprint;

/// The file.
#[derive(Clone, Debug)]
pub struct KnownServers {
    path: PathBuf,
}

/// Why the file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KnownServersError {
    /// Nobody says where it is.
    #[error("there is no home folder to keep known servers in; say --known-servers FILE")]
    NoHome,
    /// It cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write to {path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A line of it means nothing.
    #[error("{path}, line {line}: `host:port fingerprint` is expected")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
}

impl KnownServers {
    /// Those of a file, which need not be there yet.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Those of the user: `~/.config/toom/known_servers`, or below `XDG_CONFIG_HOME`.
    ///
    /// # Errors
    /// [`KnownServersError::NoHome`].
    pub fn of_the_user() -> Result<Self, KnownServersError> {
        let set = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || std::env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".config"));
        let folder = set.or_else(home).ok_or(KnownServersError::NoHome)?;
        Ok(Self::at(folder.join("toom").join("known_servers")))
    }

    /// Where they are kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The certificate that a server is known by. Where it has several lines, the last counts.
    ///
    /// # Errors
    /// [`KnownServersError`]: a file that cannot be understood in full vouches for nobody.
    pub fn find(&self, host: &str, port: u16) -> Result<Option<Fingerprint>, KnownServersError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KnownServersError::Read { path: self.path.clone(), error }),
        };
        let wanted = place(host, port);
        let mut found = None;
        for (line, text) in text.lines().enumerate() {
            if text.trim().is_empty() || text.trim_start().starts_with('#') {
                continue;
            }
            let (place, fingerprint) = parse(text)
                .ok_or_else(|| KnownServersError::Line { path: self.path.clone(), line: line + 1 })?;
            if place.eq_ignore_ascii_case(&wanted) {
                found = Some(fingerprint);
            }
        }
        Ok(found)
    }

    /// Keeps the certificate of a server.
    ///
    /// # Errors
    /// [`KnownServersError::Write`].
    pub fn add(&self, host: &str, port: u16, fingerprint: Fingerprint) -> Result<(), KnownServersError> {
        self.append(&format!("{} {fingerprint}\n", place(host, port)))
            .map_err(|error| KnownServersError::Write { path: self.path.clone(), error })
    }

    fn append(&self, line: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    }
}

fn parse(line: &str) -> Option<(&str, Fingerprint)> {
    let mut words = line.split_whitespace();
    let (place, fingerprint) = (words.next()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some((place, fingerprint))
}

/// `chat.example:2000`, `[::1]:2000`.
#[must_use]
pub fn place(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(digit: char) -> Fingerprint {
        digit.to_string().repeat(64).parse().unwrap()
    }

    fn holding(text: &str) -> (tempfile::TempDir, KnownServers) {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownServers::at(folder.path().join("a/known_servers"));
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(known.path(), text).unwrap();
        (folder, known)
    }

    #[test]
    fn a_server_that_was_added_is_found_again_by_its_name_in_either_case_and_its_port() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownServers::at(folder.path().join("a/b/known_servers"));
        assert_eq!(known.find("chat.example", 2000).unwrap(), None);
        known.add("chat.example", 2000, fingerprint('1')).unwrap();
        known.add("::1", 2000, fingerprint('2')).unwrap();
        assert_eq!(known.find("Chat.Example", 2000).unwrap(), Some(fingerprint('1')));
        assert_eq!(known.find("::1", 2000).unwrap(), Some(fingerprint('2')));
        assert_eq!(known.find("chat.example", 2001).unwrap(), None);
        assert_eq!(known.find("example", 2000).unwrap(), None);
    }

    #[test]
    fn of_two_lines_the_last_counts_and_comments_count_for_nothing() {
        let (one, two) = (fingerprint('1'), fingerprint('2'));
        let (_folder, known) = holding(&format!("# mine\n\nh:1 {one}\n  # h:1 {one}\n\th:1   {two}  \n"));
        assert_eq!(known.find("h", 1).unwrap(), Some(two));
    }

    #[test]
    fn a_line_that_means_nothing_is_an_error_with_its_number_whoever_is_asked_for() {
        let right = format!("h:1 {}\n", fingerprint('1'));
        for wrong in ["h:1", "h:1 AB:CD", &format!("{} more", right.trim_end())] {
            let (_folder, known) = holding(&format!("{right}{wrong}\n"));
            let told = known.find("other", 1).unwrap_err().to_string();
            assert!(told.contains("known_servers, line 2: "), "{wrong}: {told}");
        }
    }

    #[test]
    fn what_is_no_text_cannot_be_read() {
        let (_folder, known) = holding("");
        fs::write(known.path(), b"\xff").unwrap();
        assert!(matches!(known.find("h", 1), Err(KnownServersError::Read { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_where_the_user_goes() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let known = KnownServers::at(folder.path().join("known_servers"));
        known.add("h", 1, fingerprint('1')).unwrap();
        assert_eq!(fs::metadata(known.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
