//! What a server proves who it is with, and the rules by which it speaks TLS.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;

use crate::tls::{Fingerprint, VERSIONS, provider};

/// A certificate with those that vouch for it, and its private key.
#[derive(Clone, Debug)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
}

/// What cannot be an [`Identity`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The text of the certificates is damaged.
    #[error("the certificate is no PEM: {0}")]
    CertificatePem(pem::Error),
    /// There is no certificate in it.
    #[error("there is no certificate: a section BEGIN CERTIFICATE is expected")]
    NoCertificate,
    /// There is no key that can be read.
    #[error("there is no private key without a passphrase: {0}")]
    KeyPem(pem::Error),
    /// The key is of no use, or not the certificate's.
    #[error("the key does not fit: {0}")]
    Key(rustls::Error),
}

impl Identity {
    /// Reads a chain of certificates, the server's own first, and the key of that one. Other sections are passed over, so both
    /// may be the same text.
    ///
    /// # Errors
    /// [`IdentityError`] says which of the two is wrong, and how.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(IdentityError::CertificatePem)?;
        let fingerprint = Fingerprint::of(chain.first().ok_or(IdentityError::NoCertificate)?);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(IdentityError::KeyPem)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(IdentityError::Key)?;
        Ok(Self { certified: Arc::new(certified), fingerprint })
    }

    /// That of the server's own certificate.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The identity that handshakes use from now on.
#[derive(Clone, Debug)]
pub(super) struct Served(Arc<RwLock<Identity>>);

impl Served {
    pub(super) fn new(identity: Identity) -> Self {
        Self(Arc::new(RwLock::new(identity)))
    }

    pub(super) fn replace(&self, identity: Identity) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).certified))
    }
}

/// How a server speaks TLS: 1.2 and 1.3, no certificates of clients, nothing compressed, no data before the handshake is done.
///
/// Sessions are not resumed: connections last for hours, so a shorter handshake saves next to nothing, and there are no tickets
/// that outlive a change of the certificate or take memory.
pub(super) fn config(served: Served) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .expect("the provider has ciphers for both versions");
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(served));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}
