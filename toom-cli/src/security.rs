//! Whether a connection is safe, and what is told where it is not.

use std::path::PathBuf;

use clap::Args;
use toom_net::client::{ConnectError, TlsError, Trust};
use toom_net::tls::Fingerprint;

use crate::known_servers::{KnownServers, place};
use crate::stop::Stop;

/// The arguments that say how a server is reached and believed.
#[derive(Clone, Debug, Default, Args)]
pub struct SecurityArgs {
    /// Speak TLS: the server has to be one that this machine trusts, or one that you have taken for right before
    #[arg(long)]
    pub tls: bool,
    /// Take a server whose certificate is vouched for by one in FILE (PEM), and no other
    #[arg(long, value_name = "FILE", requires = "tls", conflicts_with = "tls_fingerprint")]
    pub ca: Option<PathBuf>,
    /// Take the server whose certificate has this fingerprint, and no other
    #[arg(long, value_name = "SHA256", requires = "tls")]
    pub tls_fingerprint: Option<Fingerprint>,
    /// Where the servers are kept that you took for right, in place of your own configuration
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub known_servers: Option<PathBuf>,
    /// Do without TLS also where the server is on another machine, though others could read your password
    #[arg(long, conflicts_with = "tls")]
    pub insecure: bool,
}

/// How a server is reached and believed.
#[derive(Clone, Debug)]
pub enum Security {
    /// Without TLS.
    Plain(Reach),
    /// With TLS, where the server is what the arguments say.
    Tls(Trust),
    /// With TLS, where the server is one that the user has taken for right, or one that the system trusts.
    Known(KnownServers),
}

/// Where a server may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On this machine.
    Here,
    /// Anywhere: the user knows what that means.
    Anywhere,
}

impl Security {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// [`Stop::Usage`]: a file is not what it should be.
    pub fn of(args: &SecurityArgs) -> Result<Self, Stop> {
        if !args.tls {
            return Ok(Self::Plain(if args.insecure { Reach::Anywhere } else { Reach::Here }));
        }
        if let Some(fingerprint) = args.tls_fingerprint {
            return Ok(Self::Tls(Trust::certificate(fingerprint)));
        }
        if let Some(path) = &args.ca {
            let wrong = |why: &dyn core::fmt::Display| {
                Stop::Usage(format!("cannot take {} for --ca: {why}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
            return Ok(Self::Tls(Trust::authorities(&pem).map_err(|error| wrong(&error))?));
        }
        let known = match &args.known_servers {
            Some(path) => KnownServers::at(path.clone()),
            None => KnownServers::of_the_user().map_err(|error| Stop::Usage(error.to_string()))?,
        };
        Ok(Self::Known(known))
    }

    /// What the user can do about an error, if there is something.
    #[must_use]
    pub fn advice(&self, host: &str, port: u16, error: &ConnectError) -> Option<String> {
        let known = match self {
            Self::Plain(_) => {
                let may_be_tls = matches!(error, ConnectError::TimedOut);
                return may_be_tls.then(|| "if the server speaks TLS, say --tls".to_owned());
            }
            Self::Tls(_) => None,
            Self::Known(known) => Some(known),
        };
        let ConnectError::Tls(error) = error else { return None };
        Some(match (error, known) {
            (TlsError::Changed { .. }, Some(known)) => format!(
                "somebody else may answer in its place. If its operator has renewed the certificate, remove the line {} from {}",
                place(host, port),
                known.path().display()
            ),
            (TlsError::Unknown { shown, .. }, Some(_)) => {
                format!("if that is what its operator says, say --tls-fingerprint {shown}; or say --ca FILE")
            }
            (TlsError::WrongName { .. }, _) => {
                "use the name that the certificate has, or say --tls-fingerprint, with what its operator says"
                    .to_owned()
            }
            (TlsError::OutOfDate { .. }, _) => {
                "its operator has to renew it, if the clock of this machine is right".to_owned()
            }
            (TlsError::NotTls, _) => "without --tls it may answer".to_owned(),
            _ => return None,
        })
    }
}

/// Why a server is not reached again whose name means another machine now.
pub(crate) const NOT_HERE: &str =
    "its name means another machine now, and without TLS others could read your password";

/// What is told instead of connecting to another machine without TLS.
pub(crate) fn refused(host: &str) -> Stop {
    Stop::Usage(format!(
        "{host} is another machine, and without TLS others could read your password on the way; \
         say --tls, or --insecure if that does not matter"
    ))
}

/// What a user is asked who comes to a server for the first time, line by line.
#[must_use]
pub fn first_time(host: &str, port: u16, shown: Fingerprint) -> [String; 4] {
    [
        format!(
            "You have not been at {host} port {port} before, and nobody whom this machine trusts vouches for it."
        ),
        "Its certificate has the SHA-256 fingerprint".to_owned(),
        format!("  {shown}"),
        "Take it for right, now and from now on, if that is what the server's operator says.".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        security: SecurityArgs,
    }

    fn parse(args: &[&str]) -> Result<SecurityArgs, clap::Error> {
        Cli::try_parse_from([&["toom"], args].concat()).map(|cli| cli.security)
    }

    fn security(args: &[&str]) -> Result<Security, Stop> {
        Security::of(&parse(args).unwrap())
    }

    #[test]
    fn without_arguments_only_this_machine_is_reached() {
        assert!(matches!(security(&[]), Ok(Security::Plain(Reach::Here))));
        assert!(matches!(security(&["--insecure"]), Ok(Security::Plain(Reach::Anywhere))));
    }

    #[test]
    fn what_belongs_to_tls_is_refused_without_it_and_what_contradicts_itself_is_refused() {
        let fingerprint = "ab".repeat(32);
        for args in [
            &["--ca", "f"][..],
            &["--tls-fingerprint", &fingerprint],
            &["--known-servers", "f"],
            &["--tls", "--insecure"],
            &["--tls", "--ca", "f", "--tls-fingerprint", &fingerprint],
            &["--tls", "--tls-fingerprint", "ab"],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
        assert!(matches!(security(&["--tls", "--tls-fingerprint", &fingerprint]), Ok(Security::Tls(_))));
    }

    #[test]
    fn a_file_that_vouches_for_nobody_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let args = ["--tls", "--ca", path.to_str().unwrap()];
        for text in [None, Some("no certificate")] {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let Err(Stop::Usage(told)) = security(&args) else { panic!("{text:?}") };
            assert!(told.starts_with("cannot take ") && told.contains("ca.pem for --ca: "), "{told}");
        }
    }
}
