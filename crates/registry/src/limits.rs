//! The bounds on what a registry may cost: bytes, counts and times.

use std::time::Duration;

/// Bounds on bytes, counts and times. The defaults suit public registries and large images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryLimits {
    /// Bytes of a manifest or index. Registries refuse larger ones (4 MiB).
    pub manifest_bytes: u64,
    /// Bytes of a blob (16 GiB). The size that a manifest gives is exact, and decides before this.
    pub blob_bytes: u64,
    /// Bytes of any other answer: a token, a list of tags, an error (8 MiB).
    pub answer_bytes: u64,
    /// Tags of a repository, or repositories of a registry (200,000).
    pub names: usize,
    /// Pages of a list (2,000).
    pub pages: usize,
    /// Referrers of an image (10,000).
    pub referrers: usize,
    /// Redirects of a request (5).
    pub redirects: usize,
    /// Tries of a request that fails for a reason that may pass (4).
    pub tries: usize,
    /// Times that a blob is resumed (8).
    pub resumes: usize,
    /// The longest time to a connection, with the proxy and TLS (15 s).
    pub connect_time: Duration,
    /// The longest time from a request to the head of its answer (30 s).
    pub answer_time: Duration,
    /// The longest time without a byte of a body (30 s).
    pub idle_time: Duration,
    /// The longest time for a blob, with all resumptions (30 min).
    pub blob_time: Duration,
    /// The longest time for the bodies of other answers (60 s).
    pub body_time: Duration,
    /// The longest wait that a registry may ask for by Retry-After (60 s); beyond it the call fails.
    pub retry_after: Duration,
    /// The longest sum of the waits of one call (3 min).
    pub retry_time: Duration,
    /// The first wait before a new try where the registry names none (250 ms); each one doubles it.
    pub first_backoff: Duration,
    /// The longest time that a credential program may take (30 s).
    pub credential_program_time: Duration,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 << 20,
            blob_bytes: 16 << 30,
            answer_bytes: 8 << 20,
            names: 200_000,
            pages: 2_000,
            referrers: 10_000,
            redirects: 5,
            tries: 4,
            resumes: 8,
            connect_time: Duration::from_secs(15),
            answer_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(30),
            blob_time: Duration::from_secs(30 * 60),
            body_time: Duration::from_secs(60),
            retry_after: Duration::from_secs(60),
            retry_time: Duration::from_secs(180),
            first_backoff: Duration::from_millis(250),
            credential_program_time: Duration::from_secs(30),
        }
    }
}
