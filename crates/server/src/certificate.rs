//! Issuing of certificates: an own authority, and the leaf that it signs for the webhook.
//!
//! It is separate from the plan of when to issue (`rotation`), which needs no key in its tests. It
//! reads no clock and no file.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;

/// The validity of an authority.
pub const CA_LIFETIME: Duration = Duration::from_secs(5 * 365 * 24 * 3600);
/// The validity of a leaf.
pub const LEAF_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
/// The time by which a validity begins before the certificate is issued, for callers whose clock
/// is behind.
pub const BACKDATE: Duration = Duration::from_secs(5 * 60);

/// The names that every leaf carries.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// The most characters of a DNS name and of one label of it (RFC 1035).
const MAX_DNS_NAME_CHARS: usize = 253;
const MAX_DNS_LABEL_CHARS: usize = 63;
/// The number of bytes of the key identifier that an authority's subject contains.
const SUBJECT_KEY_ID_BYTES: usize = 8;

/// A newly issued certificate and its private key, both PEM.
pub(super) struct Issued {
    pub(super) certificate: String,
    /// The private key (PKCS#8).
    pub(super) key: String,
}

/// An error while issuing a certificate.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No certificate can carry this name.
    #[error("`{0}` is neither a DNS name nor an IP address: a certificate cannot carry it")]
    Name(String),
    /// Cryptography failed: no randomness, or an invalid key.
    #[error("cannot issue a certificate: {0}")]
    Crypto(#[from] rcgen::Error),
}

/// Returns the names that a leaf carries: `localhost`, `127.0.0.1`, `::1` and `extra` (DNS names
/// and IP addresses), each once, in canonical form and sorted.
///
/// # Errors
/// [`IssueError::Name`] for a name that is neither a DNS name nor an IP address.
pub fn leaf_names(extra: &[String]) -> Result<Vec<String>, IssueError> {
    let local = LOCAL_NAMES.map(str::to_owned);
    let names: Result<BTreeSet<String>, IssueError> = local
        .iter()
        .chain(extra)
        .map(|name| canonical_name(name))
        .collect();
    Ok(names?.into_iter().collect())
}

fn canonical_name(name: &str) -> Result<String, IssueError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let name = name.to_ascii_lowercase();
    // Underscores are no host names, but certificates carry them.
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= MAX_DNS_LABEL_CHARS
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let without_wildcard = name.strip_prefix("*.").unwrap_or(&name);
    if name.len() <= MAX_DNS_NAME_CHARS && without_wildcard.split('.').all(is_label) {
        Ok(name)
    } else {
        Err(IssueError::Name(name))
    }
}

/// Issues a self-signed authority. Its subject contains an id of its key, so two authorities never
/// share a subject, and a verifier that holds both finds the right one at once.
pub(super) fn issue_ca(now: OffsetDateTime) -> Result<Issued, IssueError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    let key_id: String = params
        .key_identifier(&key)
        .iter()
        .take(SUBJECT_KEY_ID_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    params.distinguished_name.remove(DnType::CommonName);
    params
        .distinguished_name
        .push(DnType::CommonName, format!("kubevet CA {key_id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - BACKDATE;
    params.not_after = now + CA_LIFETIME;
    Ok(Issued {
        certificate: params.self_signed(&key)?.pem(),
        key: key.serialize_pem(),
    })
}

/// Issues a leaf for `names`, signed by the authority (both PEM). It expires no later than the
/// authority, at `ca_not_after`.
pub(super) fn issue_leaf(
    ca: &str,
    ca_key: &str,
    ca_not_after: OffsetDateTime,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Issued, IssueError> {
    let issuer = Issuer::from_ca_cert_pem(ca, KeyPair::from_pem(ca_key)?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.remove(DnType::CommonName);
    params
        .distinguished_name
        .push(DnType::CommonName, "kubevet");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - BACKDATE;
    params.not_after = (now + LEAF_LIFETIME).min(ca_not_after);
    Ok(Issued {
        certificate: params.signed_by(&key, &issuer)?.pem(),
        key: key.serialize_pem(),
    })
}

#[cfg(test)]
mod tests {
    use super::leaf_names;

    #[test]
    fn leaf_names_are_canonical_and_invalid_ones_rejected() {
        let check = |extra: &[&str], expected: Result<&[&str], &str>| {
            let extra: Vec<String> = extra.iter().map(|name| (*name).to_owned()).collect();
            let found = leaf_names(&extra).map_err(|error| error.to_string());
            match expected {
                Ok(names) => {
                    let names = names.iter().map(|name| (*name).to_owned()).collect();
                    assert_eq!(found, Ok(names));
                }
                Err(message) => assert!(
                    found.clone().is_err_and(|error| error.contains(message)),
                    "{found:?}"
                ),
            }
        };
        check(&[], Ok(&["127.0.0.1", "::1", "localhost"]));
        check(
            &["Kubevet.kubevet.svc", "0:0::1"],
            Ok(&["127.0.0.1", "::1", "kubevet.kubevet.svc", "localhost"]),
        );
        check(
            &["*.example.org"],
            Ok(&["*.example.org", "127.0.0.1", "::1", "localhost"]),
        );
        check(&["a b"], Err("`a b` is neither"));
        check(&[""], Err("`` is neither"));
        check(&["a..b"], Err("neither"));
        check(&["é.org"], Err("neither"));
    }
}
