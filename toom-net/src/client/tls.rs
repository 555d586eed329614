//! TLS of a client: whom it believes to be the server.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ConnectError;
use crate::tls::{Fingerprint, VERSIONS, provider};

/// What a server's certificate is held against.
#[derive(Clone, Debug)]
pub struct Trust(Basis);

#[derive(Clone, Debug)]
enum Basis {
    /// Those who vouch for servers. There may be none.
    Authorities(Option<Arc<WebPkiServerVerifier>>),
    Certificate(Fingerprint),
}

/// What nothing can be held against.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The text is damaged.
    #[error("it is no PEM: {0}")]
    Pem(pem::Error),
    /// There is no certificate that can vouch for others.
    #[error("there is no certificate in it: a section BEGIN CERTIFICATE is expected")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("a certificate in it cannot be read: {0}")]
    Certificate(rustls::Error),
}

/// Why a server is not believed, or why TLS with it came to nothing. Nothing was sent to it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Nobody who is trusted vouches for the server.
    #[error(
        "nobody who is trusted vouches for its certificate, whose SHA-256 fingerprint is {shown} ({why})"
    )]
    Unknown {
        /// That of its certificate.
        shown: Fingerprint,
        /// What the check says.
        why: CertificateError,
    },
    /// The certificate is not the one that was demanded.
    #[error("its certificate has the SHA-256 fingerprint {shown}, and not {known}, which is the one known")]
    Changed {
        /// What was demanded.
        known: Fingerprint,
        /// What the server has.
        shown: Fingerprint,
    },
    /// The certificate is for other names.
    #[error("its certificate, whose SHA-256 fingerprint is {shown}, is for another name ({why})")]
    WrongName {
        /// That of its certificate.
        shown: Fingerprint,
        /// What the check says.
        why: CertificateError,
    },
    /// The certificate is too old, or too new, by the clock of this machine.
    #[error("its certificate, whose SHA-256 fingerprint is {shown}, is out of date ({why})")]
    OutOfDate {
        /// That of its certificate.
        shown: Fingerprint,
        /// What the check says.
        why: CertificateError,
    },
    /// What was given as the server's name can be none.
    #[error("no server can be called that")]
    NoName,
    /// Something else answers there.
    #[error("it does not speak TLS")]
    NotTls,
    /// Something else went wrong.
    #[error("TLS failed: {0}")]
    Failed(rustls::Error),
}

impl Trust {
    /// Those whom this machine trusts to vouch for servers. Where it names none, every server is [`TlsError::Unknown`].
    #[must_use]
    pub fn system() -> Self {
        // What cannot be read vouches for nobody.
        let found = rustls_native_certs::load_native_certs().certs;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found);
        Self(Basis::Authorities(authorities(roots)))
    }

    /// Those whose certificates `pem` holds, and nobody else. A server's own certificate may be among them.
    ///
    /// # Errors
    /// [`TrustError`]: there is none, or one that cannot be read.
    pub fn authorities(pem: &[u8]) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(TrustError::Pem)?).map_err(TrustError::Certificate)?;
        }
        let known = authorities(roots).ok_or(TrustError::NoCertificate)?;
        Ok(Self(Basis::Authorities(Some(known))))
    }

    /// The server that has the certificate with this fingerprint, whatever name and dates are in it.
    #[must_use]
    pub const fn certificate(fingerprint: Fingerprint) -> Self {
        Self(Basis::Certificate(fingerprint))
    }

    /// Connects to `host`, and has it prove that it is the one that is meant, by its name too where others vouch for it. Only then is
    /// there a stream.
    ///
    /// # Errors
    /// [`ConnectError::Tls`] where it does not, [`ConnectError::Io`] where it cannot be reached.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, ConnectError> {
        connect(host, port, &self.0).await
    }
}

fn authorities(roots: RootCertStore) -> Option<Arc<WebPkiServerVerifier>> {
    // It fails where there are no roots, and for lists of revoked certificates, of which there are none.
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok()
}

async fn connect(host: &str, port: u16, basis: &Basis) -> Result<TlsStream<TcpStream>, ConnectError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::NoName)?;
    let stream = TcpStream::connect((host, port)).await?;
    // Requests are small and wait for nothing.
    stream.set_nodelay(true)?;
    let check = Arc::new(Check { basis: basis.clone(), shown: OnceLock::new() });
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .expect("the provider has ciphers for both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&check) as _)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    connecting.await.map_err(|error| check.failure(error))
}

/// Holds one server's certificate against what is trusted.
#[derive(Debug)]
struct Check {
    basis: Basis,
    shown: OnceLock<Fingerprint>,
}

impl Check {
    fn failure(&self, error: io::Error) -> ConnectError {
        let Some(failed) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return error.into();
        };
        let failure = match (failed, &self.basis, self.shown.get().copied()) {
            (rustls::Error::InvalidMessage(_), _, None) => TlsError::NotTls,
            (rustls::Error::InvalidCertificate(_), Basis::Certificate(known), Some(shown)) => {
                TlsError::Changed { known: *known, shown }
            }
            (rustls::Error::InvalidCertificate(why), _, Some(shown)) => distrust(why.clone(), shown),
            (other, ..) => TlsError::Failed(other.clone()),
        };
        failure.into()
    }
}

fn distrust(why: CertificateError, shown: Fingerprint) -> TlsError {
    match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsError::WrongName { shown, why }
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsError::OutOfDate { shown, why },
        // The last: a certificate that signed itself and says that it may sign others.
        CertificateError::UnknownIssuer | CertificateError::Other(_) => TlsError::Unknown { shown, why },
        other => TlsError::Failed(other.into()),
    }
}

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(own);
        let shown = self.shown.get_or_init(|| shown);
        match &self.basis {
            Basis::Authorities(Some(known)) => known.verify_server_cert(own, others, name, ocsp, now),
            Basis::Authorities(None) => Err(CertificateError::UnknownIssuer.into()),
            Basis::Certificate(known) if known == shown => Ok(ServerCertVerified::assertion()),
            Basis::Certificate(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, own, signed, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, own, signed, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
