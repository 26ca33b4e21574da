//! The store: the results of a cluster and their history, in a SQLite file or in PostgreSQL.
//!
//! The operator writes it, and reports, the page and the API read it. It holds what was found, when it
//! began and when it ended; it never evaluates, and never calls an API server. Messages are masked
//! before they come here. It reads no clock: callers give the time.
//!
//! [`Store`] writes: batches of results, removed objects, the end of a sweep, retention.
//! [`StoreReader`] reads: pages of findings, counts, trends, compliance at a date, the history of an
//! object. [`Fleet`] reads the clusters of one PostgreSQL. Both databases have the same tables and
//! nearly the same SQL.
//!
//! | file | is |
//! |---|---|
//! | `store` | the writer |
//! | `reader` | the readers |
//! | `fleet` | the clusters of one PostgreSQL |
//! | `options` | what a store is opened with |
//! | `location` | a path, or a URL of PostgreSQL |
//! | `session` | a store that is kept open, and opened again where it was lost |
//! | `migrations` | the versions of the tables |
//! | `connection` | one set of calls for both databases |
//! | `dialect` | what differs between their SQL |
//! | `sqlite_connection` | the SQLite file; a damaged one is set aside |
//! | `postgres_connection` | PostgreSQL, with a timeout for each call |
//! | `postgres_tls` | its encryption |
//! | `sql_text` | a statement with its values |
//! | `value` | values and rows |
//! | `write_batch` | writes the results of objects |
//! | `object_record` | an object as it is written |
//! | `finding_record` | a finding as it is written |
//! | `stored_text` | bounded strings without NUL |
//! | `stored_objects` | what is known of objects, and how they end |
//! | `sweep` | the end of a sweep |
//! | `retention` | how long history is kept |
//! | `finding_filter` | which findings are read |
//! | `cursor` | where the next page begins |
//! | `stored_finding` | a finding as it is read |
//! | `counts` | counts of findings |
//! | `oldest_findings` | how long findings have been open |
//! | `daily_state` | trends, and compliance at a date |
//! | `object_history` | the history of an object |
//! | `not_evaluated` | controls that are not evaluated, with the reasons |
//! | `timestamp` | times and days |
//! | `error` | the errors |

#![allow(
    clippy::disallowed_methods,
    reason = "it opens a file, sets a damaged one aside, and reads certificates"
)]

mod connection;
mod counts;
mod cursor;
mod daily_state;
mod dialect;
mod error;
mod finding_filter;
mod finding_record;
mod fleet;
mod location;
mod migrations;
mod not_evaluated;
mod object_history;
mod object_record;
mod oldest_findings;
mod options;
mod postgres_connection;
mod postgres_tls;
mod reader;
mod retention;
mod session;
mod sql_text;
mod sqlite_connection;
mod store;
mod stored_finding;
mod stored_objects;
mod stored_text;
mod sweep;
mod timestamp;
mod value;
mod write_batch;

pub use counts::{CountBy, CountedGroup};
pub use cursor::Cursor;
pub use daily_state::{ComplianceAtDate, ControlAtDate, TrendDay};
pub use error::ResultStoreError;
pub use finding_filter::{FindingFilter, FindingState};
pub use fleet::{Fleet, FleetCluster};
pub use location::{PostgresLocation, StoreLocation};
pub use not_evaluated::ControlNotEvaluated;
pub use object_history::{ObjectHistory, StoredObject};
pub use object_record::ObjectWrite;
pub use options::{ClusterIdentity, StoreOptions};
pub use reader::{MAX_PAGE_FINDINGS, StoreReader, StoredCluster};
pub use retention::{Retention, RetentionCounts};
pub use store::Store;
pub use stored_finding::{FindingPage, StoredFinding};
pub use sweep::{SweepCounts, SweepOutcome};
pub use timestamp::{Day, ParseDayError, Timestamp};
pub use write_batch::WriteCounts;
