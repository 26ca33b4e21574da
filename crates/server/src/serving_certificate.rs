//! A leaf and its key, read and checked before they are served: a pair that does not fit together, cannot be read or
//! has ended never takes the place of one that works.

use std::sync::Arc;

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use time::OffsetDateTime;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

/// Longest PEM text that is read.
const MAX_PEM: usize = 1 << 20;
/// Most certificates of one text.
const MAX_CERTIFICATES: usize = 32;

/// A leaf that can be served.
pub(super) struct Pair {
    /// Chain and key.
    pub(super) certified: Arc<CertifiedKey>,
    /// What the leaf says of itself.
    pub(super) facts: Facts,
}

/// What a certificate says of itself.
pub(super) struct Facts {
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    /// DNS names and IP addresses.
    pub(super) names: Vec<String>,
    /// The distinguished names, as they stand.
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    /// The public key, as it stands (SPKI).
    pub(super) public_key: Vec<u8>,
}

/// Why a certificate and key cannot be served.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PairError {
    /// The certificate cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// The key cannot be read.
    #[error("the private key cannot be read: {0}")]
    Key(String),
    /// The key is another certificate's.
    #[error(
        "the private key does not belong to the certificate: one of the two files is another's, or half written"
    )]
    Mismatch,
    /// The certificate has ended.
    #[error("the certificate expired on {0}: put a new one in its place")]
    Expired(OffsetDateTime),
    /// The client authorities cannot be read.
    #[error("the client CA cannot be read: {0}")]
    ClientCa(String),
}

impl Pair {
    /// # Errors
    /// Whatever keeps the two from being served at `now`.
    pub(super) fn parse(
        certificate: &[u8],
        key: &[u8],
        now: OffsetDateTime,
        provider: &CryptoProvider,
    ) -> Result<Self, PairError> {
        let chain = certificates(certificate).map_err(PairError::Certificate)?;
        let leaf = chain
            .first()
            .ok_or_else(|| PairError::Certificate("no certificate in it".to_owned()))?;
        let facts = Facts::of(leaf).map_err(PairError::Certificate)?;
        if key.len() > MAX_PEM {
            return Err(PairError::Key("it is too long".to_owned()));
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|it| PairError::Key(it.to_string()))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|it| match it {
            rustls::Error::InconsistentKeys(_) => PairError::Mismatch,
            other => PairError::Key(other.to_string()),
        })?;
        if facts.not_after <= now {
            return Err(PairError::Expired(facts.not_after));
        }
        Ok(Self {
            certified: Arc::new(certified),
            facts,
        })
    }
}

impl Facts {
    /// # Errors
    /// In words: it is no X.509 certificate.
    pub(super) fn of(der: &[u8]) -> Result<Self, String> {
        let (_, it) = X509Certificate::from_der(der).map_err(|it| it.to_string())?;
        let names = it.subject_alternative_name().ok().flatten();
        let names = names
            .iter()
            .flat_map(|it| &it.value.general_names)
            .filter_map(name)
            .collect();
        Ok(Self {
            not_before: it.validity().not_before.to_datetime(),
            not_after: it.validity().not_after.to_datetime(),
            names,
            subject: it.subject().as_raw().to_vec(),
            issuer: it.issuer().as_raw().to_vec(),
            public_key: it.public_key().raw.to_vec(),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(it) => Some(it.to_ascii_lowercase()),
        GeneralName::IPAddress(it) => match (<[u8; 4]>::try_from(*it), <[u8; 16]>::try_from(*it)) {
            (Ok(it), _) => Some(std::net::Ipv4Addr::from(it).to_string()),
            (_, Ok(it)) => Some(std::net::Ipv6Addr::from(it).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The certificates of a PEM text; at least one.
///
/// # Errors
/// In words.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if pem.len() > MAX_PEM {
        return Err("it is too long".to_owned());
    }
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem)
        .take(MAX_CERTIFICATES + 1)
        .collect();
    let all = all.map_err(|it| it.to_string())?;
    match all.len() {
        0 => Err("no certificate in it".to_owned()),
        it if it > MAX_CERTIFICATES => {
            Err(format!("more than {MAX_CERTIFICATES} certificates in it"))
        }
        _ => Ok(all),
    }
}
