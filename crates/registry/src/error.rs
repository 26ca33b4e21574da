//! The errors of a registry, with a stable code for each.
//!
//! A message says what was asked for, where, what went wrong, and what to do. It never has a password,
//! a token or the query of a URL, and nothing that a server wrote but codes and media types of a
//! bounded length: a server may repeat what it was sent.

use super::{digest::ContentDigest, docker_config::DockerConfigError, reference::ReferenceError};
use std::time::Duration;

/// The reason why something could not be read from a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A setting is wrong.
    #[error("{what}: {reason}")]
    Configuration {
        /// The setting or the file.
        what: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A reference breaks the grammar.
    #[error("`{text}`: {reason}")]
    Reference {
        /// The reference, shortened.
        text: String,
        /// The part that is wrong.
        reason: ReferenceError,
    },
    /// Docker's configuration, or a pull secret, cannot be understood.
    #[error("{what}: {reason}")]
    DockerConfig {
        /// The file or the secret.
        what: String,
        /// What is wrong.
        reason: DockerConfigError,
    },
    /// There is no connection.
    #[error("{host}: no connection: {reason}")]
    Connect {
        /// The host and port.
        host: String,
        /// The reason of the system.
        reason: String,
    },
    /// TLS failed, or the certificate is not trusted.
    #[error(
        "{host}: TLS failed: {reason}; a registry with a certificate authority of its own needs its CA \
         file"
    )]
    Tls {
        /// The host and port.
        host: String,
        /// The reason.
        reason: String,
    },
    /// The proxy refused, or gave no HTTP answer.
    #[error("{host}: the proxy {proxy} made no tunnel: {reason}")]
    Proxy {
        /// The host and port behind it.
        host: String,
        /// The proxy, without its password.
        proxy: String,
        /// The reason.
        reason: String,
    },
    /// The connection broke, or the answer is not HTTP.
    #[error("{what}: the connection broke: {reason}")]
    Broken {
        /// What was read, and where.
        what: String,
        /// The reason.
        reason: String,
    },
    /// A time limit was reached.
    #[error("{what}: no {event} within {} s; the registry or the network is too slow", limit.as_secs_f32())]
    TimedOut {
        /// What was read, and where.
        what: String,
        /// What did not happen.
        event: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The registry wants other credentials.
    #[error("{what}: the registry refused access ({tried}): {remedy}")]
    Unauthorized {
        /// What was read, and where.
        what: String,
        /// The credentials that were tried, by the name of their source.
        tried: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The credentials are known, and may not read this.
    #[error("{what}: the registry forbids it ({tried}); the account needs the right to pull")]
    Forbidden {
        /// What was read, and where.
        what: String,
        /// The credentials that were tried, by the name of their source.
        tried: String,
    },
    /// The token server gave no token.
    #[error("{what}: the token server {server} gave no token: {reason}")]
    Token {
        /// What the token was for.
        what: String,
        /// The host of the token server.
        server: String,
        /// The reason.
        reason: String,
    },
    /// A credential program failed.
    #[error("docker-credential-{program}: {reason}")]
    CredentialProgram {
        /// The name of the program, without `docker-credential-`.
        program: String,
        /// What went wrong, and what to do.
        reason: String,
    },
    /// There is no such image, tag, manifest or blob.
    #[error(
        "{what}: there is none in the registry{codes}; check the name, the tag or digest, and the right to pull"
    )]
    NotFound {
        /// What was read, and where.
        what: String,
        /// The error codes of the registry, in brackets.
        codes: String,
    },
    /// The registry limits the rate, for longer than this call may wait.
    #[error(
        "{what}: the registry limits the rate of requests{wait}; try again later, or log in for a higher limit"
    )]
    RateLimited {
        /// What was read, and where.
        what: String,
        /// How long it asks to wait.
        wait: String,
    },
    /// The registry answered with an error.
    #[error("{what}: the registry answered with status {status}{codes}")]
    Status {
        /// What was read, and where.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The error codes of the registry, in brackets.
        codes: String,
    },
    /// A redirect leads nowhere.
    #[error("{what}: redirect to {target}: {reason}")]
    Redirect {
        /// What was read, and where.
        what: String,
        /// The host of the target.
        target: String,
        /// The reason.
        reason: &'static str,
    },
    /// Plain HTTP where only HTTPS is allowed.
    #[error(
        "{host}: plain HTTP is only for loopback addresses: use HTTPS, or name the registry with \
         --insecure-registry if its network is trusted"
    )]
    PlainHttp {
        /// The host and port.
        host: String,
    },
    /// The content is not what its digest says.
    #[error(
        "{what}: the content has the digest {found}, not {expected}: it was changed or damaged, and is not used"
    )]
    Digest {
        /// What was read, and where.
        what: String,
        /// The digest that was asked for or announced.
        expected: ContentDigest,
        /// The digest of the content.
        found: ContentDigest,
    },
    /// The registry announces another digest than the one that was asked for, or none.
    #[error(
        "{what}: the registry announces the digest `{found}`, not {expected}: the answer is not used"
    )]
    AnnouncedDigest {
        /// What was read, and where.
        what: String,
        /// The digest that was asked for, or that of the content.
        expected: ContentDigest,
        /// The header `Docker-Content-Digest`, shortened.
        found: String,
    },
    /// The content has another size than its manifest says.
    #[error(
        "{what}: the content has {found} bytes, not {expected} as its manifest says: it is not used"
    )]
    Size {
        /// What was read, and where.
        what: String,
        /// The size that was announced.
        expected: u64,
        /// The size that was seen, at least.
        found: u64,
    },
    /// The content is larger than the limit.
    #[error("{what}: it has more than {limit} bytes, the limit for it")]
    TooLarge {
        /// What was read, and where.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The content ended early, again and again.
    #[error("{what}: the content ended after {received} bytes, and could not be resumed: {reason}")]
    Truncated {
        /// What was read, and where.
        what: String,
        /// The bytes received.
        received: u64,
        /// The last reason.
        reason: String,
    },
    /// A manifest has a type that no image has, or says two things of itself.
    #[error("{what}: not an image manifest or index: {reason}")]
    MediaType {
        /// What was read, and where.
        what: String,
        /// What it is.
        reason: String,
    },
    /// The answer breaks the protocol.
    #[error("{what}: the answer breaks the protocol: {reason}")]
    Answer {
        /// What was read, and where.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Mirrors failed first, then the registry itself.
    #[error("{last}; before that, mirrors failed: {mirrors}")]
    AfterMirrors {
        /// The errors of the mirrors.
        mirrors: String,
        /// The error of the registry itself.
        last: Box<RegistryError>,
    },
    /// The configuration forbids this registry.
    #[error("{registry}: the configuration of registries blocks it")]
    Blocked {
        /// The registry or the prefix.
        registry: String,
    },
}

impl RegistryError {
    /// A stable code, for statuses and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Configuration { .. } => "configuration",
            Self::Reference { .. } => "invalid-reference",
            Self::DockerConfig { .. } => "invalid-docker-config",
            Self::Connect { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Proxy { .. } => "proxy",
            Self::Broken { .. } => "connection-broken",
            Self::TimedOut { .. } => "timed-out",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::Token { .. } => "token",
            Self::CredentialProgram { .. } => "credential-program",
            Self::NotFound { .. } => "not-found",
            Self::RateLimited { .. } => "rate-limited",
            Self::Status { .. } => "registry-status",
            Self::Redirect { .. } => "redirect",
            Self::PlainHttp { .. } => "plain-http",
            Self::Digest { .. } => "digest-mismatch",
            Self::AnnouncedDigest { .. } => "announced-digest-mismatch",
            Self::Size { .. } => "size-mismatch",
            Self::TooLarge { .. } => "too-large",
            Self::Truncated { .. } => "truncated",
            Self::MediaType { .. } => "media-type",
            Self::Answer { .. } => "invalid-answer",
            Self::AfterMirrors { last, .. } => last.code(),
            Self::Blocked { .. } => "blocked",
        }
    }

    /// True if the same call may succeed later without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::RateLimited { .. }
            | Self::Truncated { .. } => true,
            Self::Status { status, .. } => is_transient_status(*status),
            Self::AfterMirrors { last, .. } => last.is_transient(),
            _ => false,
        }
    }

    /// True if the content was not what it should be. Another source is not tried then: somebody may
    /// be tampering, and it must be seen.
    pub(crate) fn is_integrity(&self) -> bool {
        matches!(
            self,
            Self::Digest { .. } | Self::AnnouncedDigest { .. } | Self::Size { .. }
        )
    }
}

/// True for an answer that the same request may not get again.
pub(crate) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}
