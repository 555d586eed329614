//! Whom the client library believes, against the library's server and against what is none.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use toom_core::{Body, Epoch, MemoryStorage, Password, Secret};
use toom_net::client::{Client, ConnectError, Ended, Pushes, TlsError, Trust, TrustError};
use toom_net::server::{Identity, RunningServer, Server};

use super::whole::user;
use super::{GREETING, listen, options};

/// An authority of the tests' own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        Self::named("an authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn trust(&self) -> Trust {
        Trust::authorities(self.0.pem().as_bytes()).unwrap()
    }

    /// A server with a certificate for 127.0.0.1 that is changed by `change`.
    fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> (RunningServer, Identity) {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        serve(Identity::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap())
    }
}

fn serve(identity: Identity) -> (RunningServer, Identity) {
    let server = Server::builder(MemoryStorage::new(Epoch::new(1)))
        .accounts([(user("obiwan"), Secret::plain("help me").unwrap())])
        .tls(identity.clone());
    (server.start().unwrap(), identity)
}

async fn connect(server: &RunningServer, trust: &Trust) -> Result<(Client, Pushes), ConnectError> {
    Client::connect_tls("127.0.0.1", server.local_addr().port(), trust, options()).await
}

async fn refusal(server: &RunningServer, trust: &Trust) -> TlsError {
    match connect(server, trust).await.unwrap_err() {
        ConnectError::Tls(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_server_that_an_authority_vouches_for_is_believed_and_served_by() {
    let authority = Authority::new();
    let (server, _) = authority.server(|_| ());
    let (client, _pushes) = connect(&server, &authority.trust()).await.unwrap();
    client.login(user("obiwan"), Password::new("help me")).await.unwrap();
    let receipt = client.broadcast(Body::parse("hello").unwrap()).await.unwrap();
    assert_eq!(receipt.number.get(), 1);
    client.logout().await.unwrap();
}

#[tokio::test]
async fn a_server_that_nobody_trusted_vouches_for_is_told_with_its_fingerprint() {
    let (server, identity) = Authority::new().server(|_| ());
    for trust in [Authority::named("another").trust(), Trust::system()] {
        let error = refusal(&server, &trust).await;
        let TlsError::Unknown { shown, .. } = &error else { panic!("{error}") };
        assert_eq!(*shown, identity.fingerprint());
        assert!(error.to_string().contains(&shown.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let (server, identity) = authority.server(|params| {
        *params = CertificateParams::new(["chat.example".to_owned(), "127.0.0.2".to_owned()]).unwrap();
    });
    let error = refusal(&server, &authority.trust()).await;
    assert!(matches!(error, TlsError::WrongName { shown, .. } if shown == identity.fingerprint()), "{error}");
    assert!(error.to_string().contains("chat.example"), "{error}");
}

#[tokio::test]
async fn certificates_that_are_too_old_or_too_new_are_refused() {
    let authority = Authority::new();
    let (expired, _) = authority.server(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let (early, _) = authority.server(|params| params.not_before = date_time_ymd(3000, 1, 1));
    for server in [expired, early] {
        let error = refusal(&server, &authority.trust()).await;
        assert!(matches!(error, TlsError::OutOfDate { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_known_certificate_is_believed_whatever_is_in_it_and_another_is_refused_with_both_fingerprints() {
    let authority = Authority::new();
    let (server, identity) = authority.server(|params| {
        *params = CertificateParams::new(["chat.example".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let trust = Trust::certificate(identity.fingerprint());
    connect(&server, &trust).await.unwrap();

    let (other, impostor) = authority.server(|_| ());
    server.handle().set_identity(impostor.clone());
    for server in [server, other] {
        let error = refusal(&server, &trust).await;
        let TlsError::Changed { known, shown } = error else { panic!("{error}") };
        assert_eq!((known, shown), (identity.fingerprint(), impostor.fingerprint()));
    }
}

/// Comes and stays, over TLS.
async fn stay(server: &RunningServer, trust: &Trust) -> Result<(Client, Pushes), ConnectError> {
    let (port, trust) = (server.local_addr().port(), trust.clone());
    let connect = move || {
        let trust = trust.clone();
        async move { trust.connect("127.0.0.1", port).await }
    };
    Client::stay(connect, options()).await
}

#[tokio::test]
async fn who_comes_to_stay_at_a_server_that_is_not_believed_learns_why() {
    let (server, identity) = Authority::new().server(|_| ());
    let refused = stay(&server, &Authority::named("another").trust()).await.unwrap_err();
    assert!(
        matches!(&refused, ConnectError::Tls(TlsError::Unknown { shown, .. }) if *shown == identity.fingerprint())
    );
    let other = Authority::new().server(|_| ()).1.fingerprint();
    let refused = stay(&server, &Trust::certificate(other)).await.unwrap_err();
    let told = refused.to_string();
    assert!(
        told.contains(&identity.fingerprint().to_string()) && told.contains(&other.to_string()),
        "{told}"
    );
}

#[tokio::test]
async fn a_stay_ends_with_both_fingerprints_when_the_certificate_has_changed() {
    let authority = Authority::new();
    let (server, identity) = authority.server(|_| ());
    let (client, mut pushes) = stay(&server, &Trust::certificate(identity.fingerprint())).await.unwrap();
    client.login(user("obiwan"), Password::new("help me")).await.unwrap();
    let (_other, impostor) = authority.server(|_| ());
    server.handle().set_identity(impostor.clone());
    server.handle().kick(user("obiwan"));
    while pushes.next().await.is_some() {}
    let ended = client.ended().unwrap();
    assert!(matches!(ended, Ended::Distrusted(TlsError::Changed { .. })), "{ended}");
    let told = ended.to_string();
    for fingerprint in [identity.fingerprint(), impostor.fingerprint()] {
        assert!(told.contains(&fingerprint.to_string()), "{told}");
    }
}

#[tokio::test]
async fn a_known_certificate_without_its_key_is_of_no_use() {
    // The impostor shows the certificate, which everybody can have, and signs with a key of its own.
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = own.signing_key.serialize_der();
    let key = provider.key_provider.load_private_key(key.try_into().unwrap()).unwrap();
    let certified = rustls::sign::CertifiedKey::new(vec![made.cert.der().clone()], key);
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    let (listener, at) = listen().await;
    let impostor = tokio::spawn(async move {
        let stream = listener.accept().await.unwrap().0;
        tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.is_ok()
    });
    let identity =
        Identity::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes()).unwrap();
    let trust = Trust::certificate(identity.fingerprint());
    let refused = Client::connect_tls("127.0.0.1", at.port(), &trust, options()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tls(_)), "{refused}");
    assert!(!impostor.await.unwrap());
}

#[tokio::test]
async fn what_does_not_speak_tls_is_told_as_such_and_hears_no_more_than_a_greeting() {
    let (listener, at) = listen().await;
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(GREETING.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        heard
    });
    let refused = Client::connect_tls("127.0.0.1", at.port(), &Trust::system(), options()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tls(TlsError::NotTls)), "{refused}");
    assert_eq!(peer.await.unwrap()[..2], [0x16, 3], "a ClientHello");
}

#[tokio::test]
async fn a_client_without_tls_is_not_answered_by_a_server_with_it() {
    let (server, _) = Authority::new().server(|_| ());
    let options = toom_net::client::Options { connect_timeout: Duration::from_millis(200), ..options() };
    let refused = Client::connect(server.local_addr(), options).await.unwrap_err();
    assert!(matches!(refused, ConnectError::TimedOut), "{refused}");
}

#[tokio::test]
async fn a_name_that_no_server_can_have_is_refused() {
    let refused = Client::connect_tls("no name", 2000, &Trust::system(), options()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tls(TlsError::NoName)), "{refused}");
}

#[test]
fn what_holds_no_certificate_cannot_be_trusted() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    for text in ["", "no PEM", &key] {
        let refused = Trust::authorities(text.as_bytes()).unwrap_err();
        assert!(matches!(refused, TrustError::NoCertificate), "{text}: {refused}");
    }
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert!(matches!(Trust::authorities(cut.as_bytes()), Err(TrustError::Pem(_))));
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(Trust::authorities(rubbish.as_bytes()), Err(TrustError::Certificate(_))));
}
