//! What a store is opened with.

use super::StoreLocation;

/// The bound on a SQLite file: about a million findings.
const DEFAULT_FILE_BYTES: u64 = 1 << 30;
/// The bound on a schema of PostgreSQL, which has a disk of its own.
const DEFAULT_POSTGRES_BYTES: u64 = 16 << 30;

/// The cluster whose results a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterIdentity {
    /// The id, which never changes: the uid of the namespace kube-system.
    pub id: String,
    /// The name for people.
    pub name: String,
}

/// What a store is opened with.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The file or the database.
    pub location: StoreLocation,
    /// The cluster. A store that belongs to another one is refused.
    pub cluster: ClusterIdentity,
    /// The most bytes that the store may take. The write-ahead log of SQLite is not counted.
    pub max_bytes: u64,
}

impl StoreOptions {
    /// The options with the default bound on the size.
    #[must_use]
    pub fn new(location: StoreLocation, cluster: ClusterIdentity) -> Self {
        let max_bytes = match location {
            StoreLocation::File(_) => DEFAULT_FILE_BYTES,
            StoreLocation::Postgres(_) => DEFAULT_POSTGRES_BYTES,
        };
        Self {
            location,
            cluster,
            max_bytes,
        }
    }
}
