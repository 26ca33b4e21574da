//! The limit on open file descriptors, and the number of connections that fit under it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The descriptors kept for everything but callers: health and metrics, files, logs, the API
/// server's client.
const RESERVED_DESCRIPTORS: u64 = 256;
/// The number of connections where descriptors do not limit it.
const MAX_CONNECTIONS: u64 = 10_000;
/// The least number of connections, however few descriptors there are.
const MIN_CONNECTIONS: u64 = 64;

/// The soft limit on open descriptors of this process; `u64::MAX` means unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorLimit {
    /// The limit before it was raised.
    pub before: u64,
    /// The limit in force.
    pub current: u64,
}

/// Raises the soft limit on open descriptors to the hard limit, as far as the system permits.
pub fn raise_descriptor_limit() -> DescriptorLimit {
    let limit = getrlimit(Resource::Nofile);
    // `None` means no limit.
    let before = limit.current.unwrap_or(u64::MAX);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
    if let Err(error) = raised {
        tracing::warn!("the limit on open descriptors stays at {before}: {error}");
    }
    DescriptorLimit {
        before,
        current: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
    }
}

impl DescriptorLimit {
    /// Returns the number of connections that may be open at once.
    #[must_use]
    pub fn max_connections(self) -> usize {
        let fit = self
            .current
            .saturating_sub(RESERVED_DESCRIPTORS)
            .clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
        usize::try_from(fit).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_bounded_by_descriptors() {
        for (current, expected) in [
            (u64::MAX, 10_000),
            (20_000, 10_000),
            (1024, 768),
            (300, 64),
            (10, 64),
        ] {
            assert_eq!(
                DescriptorLimit { before: 0, current }.max_connections(),
                expected,
                "{current}"
            );
        }
    }
}
