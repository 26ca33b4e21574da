//! A finding as readers get it, and how it is read.

use super::{
    ResultStoreError, Timestamp,
    connection::Connection,
    cursor::Cursor,
    finding_filter::FindingFilter,
    finding_record::{parse_fixes, parse_paths, severity_of_rank},
    sql_text::SqlText,
    stored_objects::last_seen,
    value::Row,
};
use kubevet_model::{ControlId, FieldPath, Fix, ObjectId, Severity};

/// A period in which an object had a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFinding {
    /// The object.
    pub object: ObjectId,
    /// The uid of the object.
    pub uid: String,
    /// The control.
    pub control: ControlId,
    /// The severity.
    pub severity: Severity,
    /// What is wrong, as one sentence without a full stop; at most 4 KiB.
    pub message: String,
    /// The name of the container that the first path is in.
    pub container: Option<String>,
    /// The fields that decided, the one to show first.
    pub paths: Vec<FieldPath>,
    /// The edits that repair the object.
    pub fixes: Vec<Fix>,
    /// The fingerprint, as reports print it.
    pub fingerprint: String,
    /// The key of the defect, as reports print it.
    pub defect: String,
    /// The name of the exception that accepts it.
    pub exception: Option<String>,
    /// When it began.
    pub first_seen: Timestamp,
    /// When its object was last seen with it: the last sweep, if the object was read in it.
    pub last_seen: Timestamp,
    /// When it was found to have ended; `None` while it lasts.
    pub fixed_at: Option<Timestamp>,
}

/// A page of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingPage {
    /// The findings: worst first, then by key.
    pub findings: Vec<StoredFinding>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// The columns of [`read_finding`], after the key.
const COLUMNS: &str = "o.api_version, o.kind, o.namespace, o.name, o.uid, f.control, f.severity, \
    f.message, f.container, f.paths, f.fixes, f.fingerprint, f.defect, f.exception, f.first_seen, \
    f.last_seen, f.fixed_at, o.last_seen, o.evaluated_at";

/// The order of a list of findings.
#[derive(Debug, Clone, Copy)]
pub(super) enum FindingOrder {
    /// Worst first: the order of pages.
    WorstFirst,
    /// The oldest first.
    OldestFirst,
}

/// Reads findings by a filter, after a cursor.
pub(super) fn read_findings(
    connection: &mut Connection,
    filter: &FindingFilter,
    order: FindingOrder,
    after: Option<Cursor>,
    limit: usize,
) -> Result<FindingPage, ResultStoreError> {
    let last_sweep_at = last_sweep(connection)?;
    let mut sql = SqlText::new("SELECT f.id, f.severity, ");
    sql.push(COLUMNS);
    sql.push(" FROM finding f JOIN object o ON o.id = f.object_id");
    filter.write_where(&mut sql)?;
    if let Some(after) = after {
        sql.push(" AND (f.severity < ").bind(after.severity);
        sql.push(" OR (f.severity = ").bind(after.severity);
        sql.push(" AND f.id > ").bind(after.id).push("))");
    }
    sql.push(match order {
        FindingOrder::WorstFirst => " ORDER BY f.severity DESC, f.id LIMIT ",
        FindingOrder::OldestFirst => " ORDER BY f.first_seen, f.id LIMIT ",
    });
    // One more tells whether there is a next page.
    sql.bind(limit + 1);
    let mut page = FindingPage {
        findings: Vec::new(),
        next: None,
    };
    let mut cursor = None;
    for mut row in connection.query(&sql)? {
        if page.findings.len() == limit {
            page.next = cursor;
            break;
        }
        let (id, severity) = (row.int()?, row.int()?);
        // The keys are in the first two columns of the order.
        cursor = Some(Cursor { severity, id });
        page.findings.push(read_finding(row, last_sweep_at)?);
    }
    Ok(page)
}

/// The time of the last finished sweep.
pub(super) fn last_sweep(connection: &mut Connection) -> Result<Option<i64>, ResultStoreError> {
    let row = connection.query_one(&SqlText::new("SELECT last_sweep_at FROM cluster"))?;
    row.map_or(Ok(None), |mut row| row.optional_int())
}

fn read_finding(
    mut row: Row,
    last_sweep_at: Option<i64>,
) -> Result<StoredFinding, ResultStoreError> {
    let object = ObjectId {
        api_version: row.text()?,
        kind: row.text()?,
        namespace: row.text()?,
        name: row.text()?,
    };
    let uid = row.text()?;
    let control = ControlId::from(row.text()?.as_str());
    let severity = severity_of_rank(row.int()?)?;
    let message = row.text()?;
    let container = row.optional_text()?;
    let paths = parse_paths(&row.text()?)?;
    let fixes = parse_fixes(&row.text()?)?;
    let fingerprint = row.text()?;
    let defect = row.text()?;
    let exception = row.optional_text()?;
    let first_seen = row.int()?;
    let ended_seen = row.optional_int()?;
    let fixed_at = row.optional_int()?;
    let object_seen = row.optional_int()?;
    let evaluated_at = row.int()?;
    let seen = ended_seen
        .unwrap_or_else(|| last_seen(object_seen, evaluated_at, last_sweep_at).max(first_seen));
    Ok(StoredFinding {
        object,
        uid,
        control,
        severity,
        message,
        container,
        paths,
        fixes,
        fingerprint,
        defect,
        exception,
        first_seen: Timestamp::from_unix_seconds(first_seen),
        last_seen: Timestamp::from_unix_seconds(seen),
        fixed_at: fixed_at.map(Timestamp::from_unix_seconds),
    })
}
