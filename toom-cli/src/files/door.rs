//! The UDP port through which files come and go.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::num::NonZeroU16;
use std::io;
use std::sync::OnceLock;

use toom_files::{Endpoint, Identity, Inbox, Patience};

use super::{FilesArgs, Taking};
use crate::stop::Stop;

/// The UDP port, and what is let in there.
#[derive(Debug)]
pub struct Door {
    /// Whose files are taken.
    pub taking: Taking,
    inbox: Inbox,
    patience: Patience,
    endpoint: OnceLock<Endpoint>,
}

impl Door {
    /// Opens the port `udp_port`, or any free one where that is left out. Where no files are taken, it stays closed until one is sent. Where the arguments do not
    /// say whose files are taken, `otherwise` does; the port 0 says that none are.
    ///
    /// # Errors
    /// [`Stop::Usage`] where the port is taken, or the folder is none.
    pub fn open(
        args: &FilesArgs,
        udp_port: Option<u16>,
        otherwise: Taking,
        patience: Patience,
    ) -> Result<Self, Stop> {
        let taking =
            if udp_port == Some(0) { Taking::Never } else { args.accept_files.clone().unwrap_or(otherwise) };
        let folder = args.download_dir.clone().unwrap_or_else(|| ".".into());
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let inbox = Inbox::new(&folder, args.max_file_size.as_u64());
        let door = Self { taking, inbox, patience, endpoint: OnceLock::new() };
        if door.taking == Taking::Never {
            return Ok(door);
        }
        if !folder.is_dir() {
            return Err(Stop::Usage(format!("--download-dir: there is no folder {}", folder.display())));
        }
        let port = udp_port.unwrap_or(0);
        let endpoint = bind(port, patience).map_err(|error| {
            let which = if port == 0 { "a UDP port".to_owned() } else { format!("the UDP port {port}") };
            Stop::Usage(format!("cannot have {which} for files: {error}; the port 0 takes no files"))
        })?;
        let _ = door.endpoint.set(endpoint);
        Ok(door)
    }

    /// Takes no files; a port is opened when one is sent.
    #[must_use]
    pub fn closed() -> Self {
        let (inbox, patience) = (Inbox::new(".", 0), Patience::default());
        Self { taking: Taking::Never, inbox, patience, endpoint: OnceLock::new() }
    }

    /// Where files are taken, if they are.
    #[must_use]
    pub fn port(&self) -> Option<NonZeroU16> {
        if self.taking == Taking::Never {
            return None;
        }
        NonZeroU16::new(self.opened()?.local_addr().ok()?.port())
    }

    /// The endpoint, where there was need of one.
    pub(super) fn opened(&self) -> Option<&Endpoint> {
        self.endpoint.get()
    }

    pub(super) fn endpoint(&self) -> io::Result<&Endpoint> {
        if let Some(endpoint) = self.endpoint.get() {
            return Ok(endpoint);
        }
        let endpoint = bind(0, self.patience)?;
        Ok(self.endpoint.get_or_init(|| endpoint))
    }

    pub(super) const fn inbox(&self) -> &Inbox {
        &self.inbox
    }
}

/// Takes a port of both families, or of the older alone where the machine has no other.
fn bind(port: u16, patience: Patience) -> io::Result<Endpoint> {
    let identity = Identity::fresh().map_err(io::Error::other)?;
    let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    Endpoint::bind_with(both, &identity, patience).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
        _ => Endpoint::bind_with((Ipv4Addr::UNSPECIFIED, port).into(), &identity, patience),
    })
}
