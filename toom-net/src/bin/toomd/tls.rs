//! What `toomd` proves who it is with: certificate and key of the operator, or a pair that it makes for itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use toom_net::server::Identity;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// What the pair is called that `toomd` makes for itself.
const OWN_CERTIFICATE: &str = "self-signed-cert.pem";
const OWN_KEY: &str = "self-signed-key.pem";

#[derive(Clone, Debug, Args)]
pub(crate) struct TlsArgs {
    /// Speak TLS, with the certificates of FILE (PEM, the server's own first); read again at SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Speak TLS, with a certificate that is made at the first start and kept in the folder of --data
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) tls_self_signed: bool,
    /// Serve without TLS also where other machines can connect
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// Where a certificate and its key are.
#[derive(Debug)]
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsArgs {
    /// Reads the identity that the arguments ask for, makes it first if need be, and shows it; `None` without TLS.
    ///
    /// TLS is demanded where other machines can connect, unless the arguments say otherwise.
    pub(crate) fn load(&self, listen: IpAddr, data: &Path) -> Result<Option<Identity>, Failure> {
        let pair = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Pair { certificate: certificate.clone(), key: key.clone() },
            _ if self.tls_self_signed => Pair::own(data, listen)?,
            // ::ffff:127.0.0.1 is the same as 127.0.0.1.
            _ if self.insecure || listen.to_canonical().is_loopback() => return Ok(None),
            _ => return Err(Failure::Insecure { listen }),
        };
        let identity = pair.read()?;
        // What users compare.
        tracing::info!("the certificate's SHA-256 fingerprint is {}", identity.fingerprint());
        Ok(Some(identity))
    }
}

impl Pair {
    /// That of the server itself, made if it is not there.
    fn own(folder: &Path, listen: IpAddr) -> Result<Self, Failure> {
        let pair = Self { certificate: folder.join(OWN_CERTIFICATE), key: folder.join(OWN_KEY) };
        // Written last: where it is, the key is as well.
        if !pair.certificate.exists() {
            pair.make(folder, listen)?;
        }
        Ok(pair)
    }

    fn make(&self, folder: &Path, listen: IpAddr) -> Result<(), Failure> {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !listen.is_unspecified() && !listen.to_canonical().is_loopback() {
            names.push(listen.to_string());
        }
        let (certificate, key) = self_signed(names).map_err(Failure::NoCertificate)?;
        create_private_folder(folder).map_err(|error| unkept(folder, error))?;
        keep(&self.key, key.as_bytes()).map_err(|error| unkept(&self.key, error))?;
        keep(&self.certificate, certificate.as_bytes())
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(|error| unkept(&self.certificate, error))
    }

    fn read(&self) -> Result<Identity, Failure> {
        let Self { certificate, key } = self;
        let read = |path: &Path| {
            fs::read(path).map_err(|error| Failure::CertificateFile { path: path.to_owned(), error })
        };
        let (certificates, private) = (read(certificate)?, Zeroizing::new(read(key)?));
        if is_open_to_others(key) {
            let key = key.display();
            tracing::warn!("{key} is open to other users of this machine; `chmod 600 {key}` ends that");
        }
        Identity::from_pem(&certificates, &private).map_err(|error| Failure::Identity {
            certificate: certificate.clone(),
            key: key.clone(),
            error,
        })
    }
}

/// A certificate that never ends, and its key.
fn self_signed(names: Vec<String>) -> Result<(String, Zeroizing<String>), rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "toomd");
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), Zeroizing::new(key.serialize_pem())))
}

fn unkept(path: &Path, error: io::Error) -> Failure {
    Failure::CertificateNotKept { path: path.to_owned(), error }
}

/// Writes a file that only this user may read: all of it, or none that has this name.
fn keep(path: &Path, text: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    // Left by a run that was cut short.
    let _ = fs::remove_file(&unfinished);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_own_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/b");
        let first = Pair::own(&folder, HERE).unwrap().read().unwrap().fingerprint();
        assert_eq!(Pair::own(&folder, HERE).unwrap().read().unwrap().fingerprint(), first);
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, [OWN_CERTIFICATE, OWN_KEY]);
    }

    #[test]
    fn a_key_without_its_certificate_was_never_used_and_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair::own(folder.path(), HERE).unwrap();
        let first = pair.read().unwrap().fingerprint();
        fs::remove_file(&pair.certificate).unwrap();
        assert_ne!(Pair::own(folder.path(), HERE).unwrap().read().unwrap().fingerprint(), first);
    }

    #[test]
    fn a_certificate_without_its_key_is_an_error_that_names_the_key() {
        let folder = tempfile::tempdir().unwrap();
        fs::remove_file(Pair::own(folder.path(), HERE).unwrap().key).unwrap();
        let refused = Pair::own(folder.path(), HERE).unwrap().read().unwrap_err().to_string();
        assert!(refused.contains(OWN_KEY), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_own_key_or_enter_its_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("data");
        let pair = Pair::own(&folder, HERE).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&pair.key), mode(&folder)), (0o600, 0o700));
        assert!(!is_open_to_others(&pair.key));
        fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(is_open_to_others(&pair.key));
    }

    #[test]
    fn without_tls_only_loopback_is_served_unless_told() {
        let mut args = TlsArgs { tls_cert: None, tls_key: None, tls_self_signed: false, insecure: false };
        for address in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(args.load(address.parse().unwrap(), Path::new("d")).unwrap().is_none(), "{address}");
        }
        for address in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            let address = address.parse().unwrap();
            args.insecure = false;
            assert!(matches!(args.load(address, Path::new("d")), Err(Failure::Insecure { .. })), "{address}");
            args.insecure = true;
            assert!(args.load(address, Path::new("d")).unwrap().is_none(), "{address}");
        }
    }
}
