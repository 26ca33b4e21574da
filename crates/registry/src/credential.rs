//! What a client proves itself with to a registry.

use super::secret::Secret;
use std::fmt;

/// A credential for one registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A name and a password.
    Basic {
        /// The name of the account.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// A refresh token of OAuth2 (`identitytoken`), which token servers exchange for an access token.
    IdentityToken(Secret),
    /// An access token that is sent as it is (`registrytoken`).
    RegistryToken(Secret),
}

/// A credential, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCredential {
    /// The credential.
    pub credential: Credential,
    /// Its source for messages, such as `pull secret team/registry` or `/root/.docker/config.json`.
    pub source: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Basic { .. } => "Basic [hidden]",
            Self::IdentityToken(_) => "IdentityToken [hidden]",
            Self::RegistryToken(_) => "RegistryToken [hidden]",
        })
    }
}
