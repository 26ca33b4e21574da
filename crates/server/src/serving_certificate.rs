//! A serving certificate: a leaf with its chain and private key, parsed and checked before it is
//! served. One that does not match its key, cannot be parsed or has expired never replaces one that
//! works.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use time::OffsetDateTime;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

/// The most bytes of a PEM file.
const MAX_PEM_BYTES: usize = 1 << 20;
/// The most certificates of a PEM file.
const MAX_CERTIFICATES: usize = 32;

/// A leaf that can be served.
pub(super) struct ServingCertificate {
    /// The chain and the key.
    pub(super) certified_key: Arc<CertifiedKey>,
    /// The fields of the leaf.
    pub(super) info: CertificateInfo,
}

/// The fields of an X.509 certificate that rotation and serving need.
pub(super) struct CertificateInfo {
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    /// The DNS names and IP addresses among the subject alternative names, in canonical form.
    pub(super) names: Vec<String>,
    /// The distinguished names, DER.
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    /// The public key, DER (SPKI).
    pub(super) public_key: Vec<u8>,
}

/// The reason why a certificate and its key cannot be served.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ServingCertificateError {
    /// The certificate cannot be parsed.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// The private key cannot be parsed.
    #[error("the private key cannot be read: {0}")]
    Key(String),
    /// The key belongs to another certificate.
    #[error(
        "the private key does not belong to the certificate: one of the two files is another's, or half written"
    )]
    Mismatch,
    /// The certificate has expired.
    #[error("the certificate expired on {0}: put a new one in its place")]
    Expired(OffsetDateTime),
    /// The client authorities cannot be parsed.
    #[error("the client CA cannot be read: {0}")]
    ClientCa(String),
}

impl ServingCertificate {
    /// Parses a certificate chain and a private key, both PEM.
    ///
    /// # Errors
    /// The reason why the two cannot be served at `now`.
    pub(super) fn parse(
        certificate: &[u8],
        key: &[u8],
        now: OffsetDateTime,
        provider: &CryptoProvider,
    ) -> Result<Self, ServingCertificateError> {
        let chain =
            parse_certificates(certificate).map_err(ServingCertificateError::Certificate)?;
        let leaf = chain.first().ok_or_else(|| {
            ServingCertificateError::Certificate("no certificate in it".to_owned())
        })?;
        let info = CertificateInfo::parse(leaf).map_err(ServingCertificateError::Certificate)?;
        if key.len() > MAX_PEM_BYTES {
            return Err(ServingCertificateError::Key("it is too long".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| ServingCertificateError::Key(error.to_string()))?;
        let certified_key =
            CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => ServingCertificateError::Mismatch,
                other => ServingCertificateError::Key(other.to_string()),
            })?;
        if info.not_after <= now {
            return Err(ServingCertificateError::Expired(info.not_after));
        }
        Ok(Self {
            certified_key: Arc::new(certified_key),
            info,
        })
    }
}

impl CertificateInfo {
    /// Parses a certificate (DER).
    ///
    /// # Errors
    /// A message, if it is no X.509 certificate.
    pub(super) fn parse(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let alternative_names = certificate.subject_alternative_name().ok().flatten();
        let names = alternative_names
            .iter()
            .flat_map(|extension| &extension.value.general_names)
            .filter_map(canonical_general_name)
            .collect();
        Ok(Self {
            not_before: certificate.validity().not_before.to_datetime(),
            not_after: certificate.validity().not_after.to_datetime(),
            names,
            subject: certificate.subject().as_raw().to_vec(),
            issuer: certificate.issuer().as_raw().to_vec(),
            public_key: certificate.public_key().raw.to_vec(),
        })
    }
}

fn canonical_general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
                (Ok(octets), _) => Some(Ipv4Addr::from(octets).to_string()),
                (_, Ok(octets)) => Some(Ipv6Addr::from(octets).to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Parses the certificates of a PEM file; returns at least one.
///
/// # Errors
/// A message.
pub(super) fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if pem.len() > MAX_PEM_BYTES {
        return Err("it is too long".to_owned());
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem)
        .take(MAX_CERTIFICATES + 1)
        .collect();
    let certificates = certificates.map_err(|error| error.to_string())?;
    match certificates.len() {
        0 => Err("no certificate in it".to_owned()),
        count if count > MAX_CERTIFICATES => {
            Err(format!("more than {MAX_CERTIFICATES} certificates in it"))
        }
        _ => Ok(certificates),
    }
}
