//! `toomd` with TLS.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tempfile::TempDir;
use toom_net::tls::Fingerprint;

use super::{Toomd, folder};

const FILES: [&str; 4] = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];

/// Writes a new certificate and its key, and returns the certificate.
fn renew(folder: &TempDir) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// Whether a handshake with who trusts `certificate` alone succeeds.
fn proves(server: &Toomd, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    while connection.is_handshaking() {
        if connection.complete_io(&mut stream).is_err() {
            return false;
        }
    }
    true
}

#[test]
fn a_hangup_reads_the_certificate_again_and_a_bad_one_is_not_taken() {
    let folder = folder("luke pw\n");
    let first = renew(&folder);
    let mut server = Toomd::start_in(folder, &FILES);
    assert!(proves(&server, &first));

    let second = renew(&server.folder);
    server.signal("HUP");
    let shown = server.said("toomd: the certificate's SHA-256 fingerprint is ");
    assert!(shown.ends_with(&Fingerprint::of(&second).to_string()), "{shown}");
    assert!(eventually(|| proves(&server, &second)));
    assert!(!proves(&server, &first));

    let key = server.folder.path().join("key.pem");
    renew(&server.folder);
    fs::write(&key, "no key").unwrap();
    server.signal("HUP");
    let complaint = server.said("toomd: cannot use cert.pem with key.pem: ");
    assert!(complaint.ends_with("; the certificate stays as it was"), "{complaint}");
    assert!(proves(&server, &second));
    fs::remove_file(&key).unwrap();
    server.signal("HUP");
    let complaint = server.said("toomd: cannot read key.pem: ");
    assert!(complaint.ends_with("; the certificate stays as it was"), "{complaint}");
    assert!(proves(&server, &second));
}

/// The new certificate is shown a moment before it is taken.
fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
    (0..1000).any(|_| is_so())
}

#[test]
fn the_certificate_that_toomd_makes_is_the_same_after_a_restart_and_its_key_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut server = Toomd::start("luke pw\n", &["--tls-self-signed"]);
    let data = server.folder.path().join("toom-data");
    let pem = fs::read(data.join("self-signed-cert.pem")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    assert!(proves(&server, &certificate));
    let key = fs::metadata(data.join("self-signed-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);

    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    let again = Toomd::start_in(folder, &["--tls-self-signed"]);
    assert!(proves(&again, &certificate));
}

#[test]
fn the_fingerprint_is_shown_before_anybody_can_connect() {
    let folder = folder("luke pw\n");
    let certificate = renew(&folder);
    let mut child = super::command(&folder, &[&["0"], &FILES[..]].concat()).spawn().unwrap();
    let mut talk = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("listening on ") {
        assert_ne!(std::io::BufRead::read_line(&mut talk, &mut said).unwrap(), 0, "{said}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.contains(&format!("fingerprint is {}\n", Fingerprint::of(&certificate))), "{said}");
    assert!(said.contains("toomd: key.pem is open to other users of this machine"), "{said}");
}
