//! TLS, as far as server and client share it: which versions and ciphers there are, and what tells one certificate from another.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

/// The versions that are spoken. Older ones are broken.
pub(crate) const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The ciphers that are spoken: those that rustls holds to be good, all with forward secrecy.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    rustls::crypto::ring::default_provider().into()
}

/// The SHA-256 of a certificate: what people compare, and what a client remembers a server by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// What is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 fingerprint is 64 hexadecimal digits, with or without colons between each two")]
pub struct FingerprintError;

impl Fingerprint {
    /// That of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, digest)| *byte = *digest);
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    /// As `openssl x509 -fingerprint -sha256` writes it: `AB:CD:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if place == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Parses pairs of hexadecimal digits in either case, with a colon between all of them or none.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = if text.contains(':') {
            let pairs: Vec<_> = text.split(':').collect();
            if pairs.iter().any(|pair| pair.len() != 2) {
                return Err(FingerprintError);
            }
            pairs.concat()
        } else {
            text.to_owned()
        };
        let nibbles: Vec<_> =
            digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or(FingerprintError)?;
        let bytes: Vec<u8> = nibbles
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble).try_into())
            .collect::<Result<_, _>>()
            .map_err(|_| FingerprintError)?;
        if nibbles.len() != 64 {
            return Err(FingerprintError);
        }
        bytes.try_into().map(Self).map_err(|_| FingerprintError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        let certificate = CertificateDer::from(&b"abc"[..]);
        let fingerprint = Fingerprint::of(&certificate);
        let text = fingerprint.to_string();
        assert_eq!(
            text,
            "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
        );
        for text in [text.clone(), text.to_lowercase(), text.replace(':', "")] {
            assert_eq!(text.parse(), Ok(fingerprint), "{text}");
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        let right = "ba".repeat(32);
        for wrong in [
            "",
            "ba",
            ":",
            &right[1..],
            &format!("{right}b"),
            &format!("{right}ba"),
            &right.replace('b', "g"),
        ] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(FingerprintError), "{wrong:?}");
        }
        for colons in [format!("b:{}", &right[1..]), "b:a".repeat(32), format!("{right}:"), "ba::".repeat(32)]
        {
            assert_eq!(colons.parse::<Fingerprint>(), Err(FingerprintError), "{colons:?}");
        }
        assert_eq!("é".repeat(32).parse::<Fingerprint>(), Err(FingerprintError));
    }
}
