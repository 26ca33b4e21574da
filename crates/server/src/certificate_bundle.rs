//! The certificates of a store, taken apart for the plan, and its steps done to them. No clock, no file.

use rcgen::{KeyPair, PublicKeyData};
use rustls::crypto::CryptoProvider;
use time::OffsetDateTime;

use super::{
    certificate::{IssueError, Issued, issue_ca, issue_leaf},
    rotation::{Authority, Held, Leaf, Signer, Step},
    serving_certificate::{Facts, Pair, certificates},
    store::Stored,
};

/// A store's content, taken apart. What cannot be read in it is as if it were not there.
pub(super) struct Bundle {
    authorities: Vec<Member>,
    leaf: Option<(Issued, Leaf)>,
    version: Option<String>,
}

/// An authority, with its key where that is at hand; PEM.
struct Member {
    certificate: String,
    key: Option<String>,
    facts: Facts,
}

impl Bundle {
    pub(super) fn of(stored: Option<&Stored>, provider: &CryptoProvider) -> Self {
        let Some(stored) = stored else {
            return Self {
                authorities: Vec::new(),
                leaf: None,
                version: None,
            };
        };
        let keys: Vec<KeyPair> =
            blocks(stored.ca_keys.as_deref().unwrap_or_default(), "PRIVATE KEY")
                .filter_map(|it| KeyPair::from_pem(it).ok())
                .collect();
        let authorities: Vec<Member> = blocks(&stored.ca, "CERTIFICATE")
            .filter_map(|it| member(it, &keys))
            .collect();
        // Its end is the plan's matter: read as of the beginning of time.
        let pair = Pair::parse(
            &stored.certificate,
            &stored.key,
            OffsetDateTime::UNIX_EPOCH,
            provider,
        )
        .ok();
        let texts = (text(&stored.certificate), text(&stored.key));
        let leaf = pair.map(|pair| {
            let Facts {
                not_before,
                not_after,
                names,
                issuer,
                ..
            } = pair.facts;
            let issuer = authorities.iter().position(|it| it.facts.subject == issuer);
            let issued = Issued {
                certificate: texts.0.to_owned(),
                key: texts.1.to_owned(),
            };
            (
                issued,
                Leaf {
                    not_before,
                    not_after,
                    names,
                    issuer,
                },
            )
        });
        Self {
            authorities,
            leaf,
            version: stored.version.clone(),
        }
    }

    /// What the plan needs of it.
    pub(super) fn held(&self) -> Held {
        let authority = |it: &Member| Authority {
            not_before: it.facts.not_before,
            not_after: it.facts.not_after,
            signs: it.key.is_some(),
        };
        Held {
            authorities: self.authorities.iter().map(authority).collect(),
            leaf: self.leaf.as_ref().map(|(_, it)| it.clone()),
        }
    }

    /// Whether it can be served and renewed: a leaf, the authority that signed it, and a key that signs.
    pub(super) fn is_whole(&self) -> bool {
        let signed = self
            .leaf
            .as_ref()
            .is_some_and(|(_, it)| it.issuer.is_some());
        signed && self.authorities.iter().any(|it| it.key.is_some())
    }

    /// Does the steps; what comes out is to be written in the place of what was read.
    pub(super) fn apply(
        mut self,
        steps: &[Step],
        names: &[String],
        now: OffsetDateTime,
    ) -> Result<Stored, IssueError> {
        let mut dropped = Vec::new();
        for step in steps {
            match step {
                Step::IssueCa => {
                    let issued = issue_ca(now)?;
                    let keys = KeyPair::from_pem(&issued.key)
                        .into_iter()
                        .collect::<Vec<_>>();
                    self.authorities.extend(member(&issued.certificate, &keys));
                }
                Step::IssueLeaf(signer) => {
                    let ca = match signer {
                        Signer::Held(at) => self.authorities.get(*at),
                        Signer::New => self.authorities.last(),
                    };
                    if let Some(Member {
                        certificate,
                        key: Some(key),
                        facts,
                    }) = ca
                    {
                        let issued = issue_leaf(certificate, key, facts.not_after, names, now)?;
                        let leaf = Leaf {
                            not_before: now,
                            not_after: facts.not_after,
                            names: names.to_vec(),
                            issuer: None,
                        };
                        self.leaf = Some((issued, leaf));
                    }
                }
                Step::DropCa(at) => dropped.push(*at),
            }
        }
        let kept: Vec<&Member> = self
            .authorities
            .iter()
            .enumerate()
            .filter(|(at, _)| !dropped.contains(at))
            .map(|(_, it)| it)
            .collect();
        let (certificate, key) = self
            .leaf
            .map(|(it, _)| (it.certificate, it.key))
            .unwrap_or_default();
        Ok(Stored {
            ca: kept
                .iter()
                .map(|it| it.certificate.as_str())
                .collect::<String>()
                .into_bytes(),
            ca_keys: Some(
                kept.iter()
                    .filter_map(|it| it.key.as_deref())
                    .collect::<String>()
                    .into_bytes(),
            ),
            certificate: certificate.into_bytes(),
            key: key.into_bytes(),
            version: self.version,
        })
    }
}

fn member(certificate: &str, keys: &[KeyPair]) -> Option<Member> {
    let der = certificates(certificate.as_bytes()).ok()?;
    let facts = Facts::of(der.first()?).ok()?;
    let key = keys
        .iter()
        .find(|it| it.subject_public_key_info() == facts.public_key)
        .map(KeyPair::serialize_pem);
    Some(Member {
        certificate: format!("{}\n", certificate.trim()),
        key,
        facts,
    })
}

/// The PEM blocks whose label ends so, each with its frame.
fn blocks<'a>(pem: &'a [u8], label: &str) -> impl Iterator<Item = &'a str> {
    let end = format!("{label}-----");
    let mut rest = text(pem);
    std::iter::from_fn(move || {
        let from = rest.find("-----BEGIN ")?;
        let block = rest.get(from..)?;
        let tail = block.find("-----END ")?;
        let to = tail + block.get(tail..)?.find(&end)? + end.len();
        rest = block.get(to..)?;
        block.get(..to)
    })
}

/// PEM is ASCII; anything else in it is nothing we could keep.
fn text(pem: &[u8]) -> &str {
    std::str::from_utf8(pem).unwrap_or_default()
}
