//! Issuing certificates: an authority of our own, and the leaf that it signs for the webhook.
//!
//! Apart from the plan of *when* (`rotation`), which needs no key to be tested. Nothing here reads a clock or a file.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;

/// How long an authority of our own lives.
pub const CA_LIFETIME: Duration = Duration::from_secs(5 * 365 * 24 * 3600);
/// How long a leaf lives.
pub const LEAF_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
/// Certificates begin this long before they are issued, for callers whose clock is behind.
pub const BACKDATE: Duration = Duration::from_secs(5 * 60);

/// A certificate just issued, and its private key; both PEM.
pub(super) struct Issued {
    /// The certificate.
    pub(super) certificate: String,
    /// Its private key (PKCS#8).
    pub(super) key: String,
}

/// Why a certificate could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// A name that no certificate can carry.
    #[error("`{0}` is neither a DNS name nor an IP address: a certificate cannot carry it")]
    Name(String),
    /// The cryptography refused: no randomness, or a key that is none.
    #[error("cannot issue a certificate: {0}")]
    Crypto(#[from] rcgen::Error),
}

/// The names a leaf carries: `localhost`, `127.0.0.1`, `::1` and `extra` (DNS names and IP addresses), each once, in
/// canonical form.
///
/// # Errors
/// A name that is neither a DNS name nor an IP address.
pub fn leaf_names(extra: &[String]) -> Result<Vec<String>, IssueError> {
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let all: Result<BTreeSet<String>, IssueError> =
        own.iter().chain(extra).map(|it| canonical(it)).collect();
    Ok(all?.into_iter().collect())
}

fn canonical(name: &str) -> Result<String, IssueError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let name = name.to_ascii_lowercase();
    let label = |it: &str| {
        !it.is_empty()
            && it.len() <= 63
            && it
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    let bare = name.strip_prefix("*.").unwrap_or(&name);
    if name.len() <= 253 && bare.split('.').all(label) {
        Ok(name)
    } else {
        Err(IssueError::Name(name))
    }
}

/// A new authority. Its subject names its key, so that two of ours never share a name: a verifier that holds both
/// finds the right one at once.
pub(super) fn issue_ca(now: OffsetDateTime) -> Result<Issued, IssueError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    let id: String = params
        .key_identifier(&key)
        .iter()
        .take(8)
        .map(|it| format!("{it:02x}"))
        .collect();
    params.distinguished_name.remove(DnType::CommonName);
    params
        .distinguished_name
        .push(DnType::CommonName, format!("kubevet CA {id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - BACKDATE;
    params.not_after = now + CA_LIFETIME;
    Ok(Issued {
        certificate: params.self_signed(&key)?.pem(),
        key: key.serialize_pem(),
    })
}

/// A leaf for `names`, signed by the authority (both PEM); it never outlives `ca_not_after`.
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
    fn names_are_canonical_and_bad_ones_refused() {
        let check = |extra: &[&str], expected: Result<&[&str], &str>| {
            let extra: Vec<String> = extra.iter().map(|it| (*it).to_owned()).collect();
            let found = leaf_names(&extra).map_err(|it| it.to_string());
            match expected {
                Ok(names) => {
                    assert_eq!(found, Ok(names.iter().map(|it| (*it).to_owned()).collect()))
                }
                Err(words) => assert!(
                    found.clone().is_err_and(|it| it.contains(words)),
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
