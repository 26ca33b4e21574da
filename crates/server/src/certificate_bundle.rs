//! The content of a store, parsed for the rotation plan, and the steps of the plan applied to it.
//! It reads no clock and no file.

use kubevet_model::StoredCertificates;
use rcgen::{KeyPair, PublicKeyData};
use rustls::crypto::CryptoProvider;
use time::OffsetDateTime;

use super::{
    certificate::{IssueError, Issued, issue_ca, issue_leaf},
    rotation::{Authority, Inventory, Leaf, RotationStep, Signer},
    serving_certificate::{CertificateInfo, ServingCertificate, parse_certificates},
};

/// The parsed content of a store. Parts that cannot be parsed count as absent.
pub(super) struct CertificateBundle {
    authorities: Vec<ParsedAuthority>,
    leaf: Option<(Issued, Leaf)>,
    version: Option<String>,
}

/// An authority (PEM), with its private key if that is in the store.
struct ParsedAuthority {
    certificate: String,
    key: Option<String>,
    info: CertificateInfo,
}

impl CertificateBundle {
    pub(super) fn parse(stored: Option<&StoredCertificates>, provider: &CryptoProvider) -> Self {
        let Some(stored) = stored else {
            return Self {
                authorities: Vec::new(),
                leaf: None,
                version: None,
            };
        };
        let keys: Vec<KeyPair> =
            pem_blocks(stored.ca_keys.as_deref().unwrap_or_default(), "PRIVATE KEY")
                .filter_map(|block| KeyPair::from_pem(block).ok())
                .collect();
        let authorities: Vec<ParsedAuthority> = pem_blocks(&stored.ca_bundle, "CERTIFICATE")
            .filter_map(|block| ParsedAuthority::parse(block, &keys))
            .collect();
        let leaf = parse_leaf(stored, &authorities, provider);
        Self {
            authorities,
            leaf,
            version: stored.version.clone(),
        }
    }

    /// Returns the dates and names that the rotation plan needs.
    pub(super) fn inventory(&self) -> Inventory {
        let authorities = self.authorities.iter().map(|authority| Authority {
            not_before: authority.info.not_before,
            not_after: authority.info.not_after,
            can_sign: authority.key.is_some(),
        });
        Inventory {
            authorities: authorities.collect(),
            leaf: self.leaf.as_ref().map(|(_, leaf)| leaf.clone()),
        }
    }

    /// True if it can be served and renewed: it has a leaf, the authority that signed it, and a key
    /// that signs.
    pub(super) fn is_complete(&self) -> bool {
        let is_signed = self
            .leaf
            .as_ref()
            .is_some_and(|(_, leaf)| leaf.issuer.is_some());
        is_signed
            && self
                .authorities
                .iter()
                .any(|authority| authority.key.is_some())
    }

    /// Applies the steps, and returns the content that replaces the one that was read.
    pub(super) fn apply(
        mut self,
        steps: &[RotationStep],
        names: &[String],
        now: OffsetDateTime,
    ) -> Result<StoredCertificates, IssueError> {
        // Indices refer to the bundle before the first step, so authorities leave at the end.
        let mut dropped = Vec::new();
        for step in steps {
            match step {
                RotationStep::IssueCa => self.issue_ca(now)?,
                RotationStep::IssueLeaf(signer) => self.issue_leaf(*signer, names, now)?,
                RotationStep::DropCa(index) => dropped.push(*index),
            }
        }
        Ok(self.into_stored(&dropped))
    }

    fn issue_ca(&mut self, now: OffsetDateTime) -> Result<(), IssueError> {
        let issued = issue_ca(now)?;
        let keys: Vec<KeyPair> = KeyPair::from_pem(&issued.key).into_iter().collect();
        self.authorities
            .extend(ParsedAuthority::parse(&issued.certificate, &keys));
        Ok(())
    }

    fn issue_leaf(
        &mut self,
        signer: Signer,
        names: &[String],
        now: OffsetDateTime,
    ) -> Result<(), IssueError> {
        let authority = match signer {
            Signer::Held(index) => self.authorities.get(index),
            Signer::New => self.authorities.last(),
        };
        let Some(ParsedAuthority {
            certificate,
            key: Some(key),
            info,
        }) = authority
        else {
            return Ok(());
        };
        let issued = issue_leaf(certificate, key, info.not_after, names, now)?;
        let leaf = Leaf {
            not_before: now,
            not_after: info.not_after,
            names: names.to_vec(),
            issuer: None,
        };
        self.leaf = Some((issued, leaf));
        Ok(())
    }

    /// Returns the content of the store without the authorities at these indices.
    fn into_stored(self, dropped: &[usize]) -> StoredCertificates {
        let (mut ca_bundle, mut ca_keys) = (String::new(), String::new());
        for (index, authority) in self.authorities.iter().enumerate() {
            if !dropped.contains(&index) {
                ca_bundle.push_str(&authority.certificate);
                ca_keys.push_str(authority.key.as_deref().unwrap_or_default());
            }
        }
        let (certificate, key) = self
            .leaf
            .map(|(issued, _)| (issued.certificate, issued.key))
            .unwrap_or_default();
        StoredCertificates {
            ca_bundle: ca_bundle.into_bytes(),
            ca_keys: Some(ca_keys.into_bytes()),
            certificate: certificate.into_bytes(),
            key: key.into_bytes(),
            version: self.version,
        }
    }
}

impl ParsedAuthority {
    /// Parses one certificate (PEM), and finds its key among `keys` by the public key.
    fn parse(certificate: &str, keys: &[KeyPair]) -> Option<Self> {
        let der = parse_certificates(certificate.as_bytes()).ok()?;
        let info = CertificateInfo::parse(der.first()?).ok()?;
        let key = keys
            .iter()
            .find(|key| key.subject_public_key_info() == info.public_key)
            .map(KeyPair::serialize_pem);
        Some(Self {
            certificate: format!("{}\n", certificate.trim()),
            key,
            info,
        })
    }
}

/// Parses the leaf of a store; `None` if it cannot be parsed or does not match its key.
fn parse_leaf(
    stored: &StoredCertificates,
    authorities: &[ParsedAuthority],
    provider: &CryptoProvider,
) -> Option<(Issued, Leaf)> {
    // An expired leaf is parsed too, hence the early date: the plan decides about dates.
    let serving = ServingCertificate::parse(
        &stored.certificate,
        &stored.key,
        OffsetDateTime::UNIX_EPOCH,
        provider,
    )
    .ok()?;
    let info = serving.info;
    let issuer = authorities
        .iter()
        .position(|authority| authority.info.subject == info.issuer);
    let issued = Issued {
        certificate: pem_str(&stored.certificate).to_owned(),
        key: pem_str(&stored.key).to_owned(),
    };
    let leaf = Leaf {
        not_before: info.not_before,
        not_after: info.not_after,
        names: info.names,
        issuer,
    };
    Some((issued, leaf))
}

/// Iterates over the PEM blocks whose label ends with `label`, each with its `BEGIN` and `END`
/// lines.
fn pem_blocks<'a>(pem: &'a [u8], label: &str) -> impl Iterator<Item = &'a str> {
    let end_marker = format!("{label}-----");
    let mut rest = pem_str(pem);
    std::iter::from_fn(move || {
        let start = rest.find("-----BEGIN ")?;
        let block = rest.get(start..)?;
        let tail = block.find("-----END ")?;
        let end = tail + block.get(tail..)?.find(&end_marker)? + end_marker.len();
        rest = block.get(end..)?;
        block.get(..end)
    })
}

/// Returns a PEM file as a string. PEM is ASCII; a file with other bytes counts as empty.
fn pem_str(pem: &[u8]) -> &str {
    std::str::from_utf8(pem).unwrap_or_default()
}
