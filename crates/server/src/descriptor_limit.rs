//! The limit on open descriptors, and how many connections fit under it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors kept for everything but the callers: health and metrics, files, logs, the API server's client.
const RESERVED: u64 = 256;
/// Connections where descriptors do not limit them.
const CONNECTIONS: u64 = 10_000;
/// Connections at least, however few descriptors there are.
const MIN_CONNECTIONS: u64 = 64;

/// How many descriptors the process may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// Before.
    pub before: u64,
    /// Now.
    pub now: u64,
}

/// Raises the soft limit on open descriptors to the hard one, as far as the system lets it.
pub fn raise_descriptor_limit() -> Descriptors {
    let limit = getrlimit(Resource::Nofile);
    // No limit is said by `None`.
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
    Descriptors {
        before,
        now: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
    }
}

impl Descriptors {
    /// How many connections there may be at once.
    #[must_use]
    pub fn connections(self) -> usize {
        let fit = self
            .now
            .saturating_sub(RESERVED)
            .clamp(MIN_CONNECTIONS, CONNECTIONS);
        usize::try_from(fit).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_from_descriptors() {
        for (now, expected) in [
            (u64::MAX, 10_000),
            (20_000, 10_000),
            (1024, 768),
            (300, 64),
            (10, 64),
        ] {
            assert_eq!(
                Descriptors { before: 0, now }.connections(),
                expected,
                "{now}"
            );
        }
    }
}
