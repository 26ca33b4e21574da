//! The store as its readers have it: reports, the page, the API. A reader never writes, and never
//! blocks the writer; each call sees one state of the store.

use super::{
    Cursor, Day, ResultStoreError, StoreOptions, Timestamp,
    connection::Connection,
    counts::{self, CountBy, CountedGroup},
    daily_state::{self, ComplianceAtDate, ControlAtDate, TrendDay},
    finding_filter::{FindingFilter, FindingState},
    not_evaluated::{self, ControlNotEvaluated},
    object_history::{self, ObjectHistory},
    options::ClusterIdentity,
    session::{Access, Session},
    sql_text::SqlText,
    stored_finding::{FindingOrder, FindingPage, StoredFinding, read_findings},
};
use kubevet_model::{Kind, Severity, SeverityCounts};

/// The most findings of a page.
pub const MAX_PAGE_FINDINGS: usize = 1000;

/// A connection to the store of one cluster, to read.
pub struct StoreReader {
    session: Session,
}

/// The cluster of a store, and how fresh it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCluster {
    /// The id and the name.
    pub identity: ClusterIdentity,
    /// The end of the last finished sweep; `None` before the first.
    pub last_sweep_at: Option<Timestamp>,
    /// The bytes that the store takes.
    pub bytes: u64,
}

impl StoreReader {
    /// Opens a store to read.
    ///
    /// # Errors
    /// There is no store yet, or it has another version.
    pub fn open(options: StoreOptions) -> Result<Self, ResultStoreError> {
        let session = Session::open(options, Access::Read)?;
        Ok(Self { session })
    }

    /// Returns the cluster, and how fresh its results are.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn cluster(&mut self) -> Result<StoredCluster, ResultStoreError> {
        self.session.read(|connection| {
            let sql = SqlText::new("SELECT id, name, last_sweep_at FROM cluster");
            let row = connection.query_one(&sql)?;
            let mut row =
                row.ok_or_else(|| ResultStoreError::Unreadable("it has no cluster".to_owned()))?;
            let identity = ClusterIdentity {
                id: row.text()?,
                name: row.text()?,
            };
            Ok(StoredCluster {
                identity,
                last_sweep_at: row.optional_int()?.map(Timestamp::from_unix_seconds),
                bytes: connection.size()?,
            })
        })
    }

    /// Returns a page of findings: the worst first, at most `limit` and [`MAX_PAGE_FINDINGS`].
    ///
    /// # Errors
    /// The store cannot be read, or a list of the filter is too long.
    pub fn findings(
        &mut self,
        filter: &FindingFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<FindingPage, ResultStoreError> {
        let limit = limit.clamp(1, MAX_PAGE_FINDINGS);
        self.read(|connection| {
            read_findings(connection, filter, FindingOrder::WorstFirst, after, limit)
        })
    }

    /// Counts findings by severity.
    ///
    /// # Errors
    /// As for [`Self::findings`].
    pub fn count(&mut self, filter: &FindingFilter) -> Result<SeverityCounts, ResultStoreError> {
        self.read(|connection| counts::count(connection, filter))
    }

    /// Counts findings by namespace, kind or control, and by severity: the worst first.
    ///
    /// # Errors
    /// As for [`Self::findings`].
    pub fn count_by(
        &mut self,
        filter: &FindingFilter,
        by: CountBy,
    ) -> Result<Vec<CountedGroup>, ResultStoreError> {
        self.read(|connection| counts::count_groups(connection, filter, by))
    }

    /// Returns the open findings of each day from `from` to `to`, both included; a day without a
    /// sweep has no entry.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn trend(&mut self, from: Day, to: Day) -> Result<Vec<TrendDay>, ResultStoreError> {
        self.read(|connection| daily_state::trend(connection, from, to))
    }

    /// Returns the compliance of a framework at a date: of the last sweep until then; `None` if
    /// there is none, or it did not score the framework.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn compliance(
        &mut self,
        framework: &str,
        date: Day,
    ) -> Result<Option<ComplianceAtDate>, ResultStoreError> {
        self.read(|connection| daily_state::compliance(connection, framework, date))
    }

    /// Returns the outcome of every control at a date, by id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn controls(&mut self, date: Day) -> Result<Vec<ControlAtDate>, ResultStoreError> {
        self.read(|connection| daily_state::controls(connection, date))
    }

    /// Returns the oldest open finding of a severity that no exception accepts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn oldest_open(
        &mut self,
        severity: Severity,
    ) -> Result<Option<StoredFinding>, ResultStoreError> {
        let filter = FindingFilter {
            state: FindingState::Open,
            severities: vec![severity],
            is_accepted: Some(false),
            ..FindingFilter::default()
        };
        let page = self.read(|connection| {
            read_findings(connection, &filter, FindingOrder::OldestFirst, None, 1)
        })?;
        Ok(page.findings.into_iter().next())
    }

    /// Returns the history of the objects that had a name. `namespace` is empty outside namespaces.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn history(
        &mut self,
        kind: &Kind,
        namespace: &str,
        name: &str,
    ) -> Result<ObjectHistory, ResultStoreError> {
        self.read(|connection| object_history::history(connection, kind, namespace, name))
    }

    /// Returns the controls that are not evaluated somewhere in the cluster, each with the reasons
    /// and the number of objects.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn not_evaluated(&mut self) -> Result<Vec<ControlNotEvaluated>, ResultStoreError> {
        self.read(not_evaluated::read)
    }

    fn read<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, ResultStoreError>,
    ) -> Result<T, ResultStoreError> {
        self.session.read(work)
    }
}
