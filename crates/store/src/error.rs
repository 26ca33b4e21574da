//! The errors of the store, with messages for the operator of the process.

/// The reason why the store could not be opened, written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultStoreError {
    /// The location is neither a path nor a URL of PostgreSQL.
    #[error("--store: {0}")]
    Location(String),
    /// The file, or the schema of the database, was written by a newer version.
    #[error(
        "{store}: it has schema version {found}, and this kubevet knows versions up to {newest}: a \
         newer kubevet has written it. Run that version again, or give --store another place; the \
         next sweep fills it"
    )]
    NewerVersion {
        /// The file or the schema.
        store: String,
        /// The version that it has.
        found: usize,
        /// The newest version that is known here.
        newest: usize,
    },
    /// A reader found a store that its writer has not brought to the present version yet.
    #[error(
        "{store}: it has schema version {found}, and this kubevet reads version {newest}: start the \
         operator of this version once, it brings the store up to date"
    )]
    OlderVersion {
        /// The file or the schema.
        store: String,
        /// The version that it has.
        found: usize,
        /// The version that is read here.
        newest: usize,
    },
    /// There is something else at the location.
    #[error("{store}: {reason}; give --store another place")]
    NotAStore {
        /// The file or the schema.
        store: String,
        /// What is there.
        reason: String,
    },
    /// The store belongs to another cluster.
    #[error(
        "{store}: it has the results of the cluster {found}, not of {expected}: give --store a place \
         of its own for each cluster"
    )]
    OtherCluster {
        /// The file or the schema.
        store: String,
        /// The id of the cluster that it belongs to.
        found: String,
        /// The id of this cluster.
        expected: String,
    },
    /// There is no store to read.
    #[error("{0}: there is no store yet: the operator creates it")]
    Missing(String),
    /// The file is damaged. The next call sets it aside and begins a new one.
    #[error(
        "{store}: the file is damaged ({reason}): it is set aside, and the next sweep fills a new one"
    )]
    Corrupt {
        /// The file.
        store: String,
        /// The message of SQLite.
        reason: String,
    },
    /// The bound on the size is reached, or the disk is full. Nothing of the batch was written.
    #[error("{store}: the store is full ({size}): {remedy}")]
    Full {
        /// The file or the schema.
        store: String,
        /// The size and its bound.
        size: String,
        /// What helps.
        remedy: &'static str,
    },
    /// Another writer held the store for too long.
    #[error("{0}: another writer holds the store; the call can be tried again")]
    Busy(String),
    /// A newer leader writes: this process must not write any more.
    #[error(
        "a newer leader (epoch {current}) writes to the store: this one (epoch {own}) has lost the \
         lease and must stop writing"
    )]
    Fenced {
        /// The epoch of this writer.
        own: u64,
        /// The highest epoch that has claimed the store.
        current: u64,
    },
    /// There was no connection, it broke, or there was no answer in time. Nothing of the batch was
    /// written, or all of it; it can be written again.
    #[error("{store}: {reason}")]
    Unreachable {
        /// The server and the database.
        store: String,
        /// The reason.
        reason: String,
    },
    /// The database lacks a right, or refused a statement.
    #[error("{store}: {reason}")]
    Refused {
        /// The file, or the server and the database.
        store: String,
        /// The message of the database.
        reason: String,
    },
    /// An object without a uid, which only an API server assigns.
    #[error("{0}: it was read from no cluster (no uid): the store holds objects of a cluster only")]
    NoUid(String),
    /// No sweep was begun, or the store was begun anew since.
    #[error("no sweep is under way in this store: begin a new one")]
    NoSweep,
    /// The store holds a value that kubevet never writes.
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
    /// A filter with too many values.
    #[error("a list of the filter has {found} values: at most {max} are possible")]
    Filter {
        /// The number of values.
        found: usize,
        /// The most that are possible.
        max: usize,
    },
    /// A cursor that no page has returned.
    #[error("`{0}` is not a cursor: leave it out to begin with the first page")]
    Cursor(String),
}

impl ResultStoreError {
    /// True if the same call may succeed later without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Busy(_) | Self::Corrupt { .. }
        )
    }

    /// True if the connection cannot be used any more.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Corrupt { .. })
    }
}
