//! What the store knows of objects, and how they and their findings end.

use super::{ResultStoreError, Timestamp, connection::Connection, sql_text::SqlText, value::Row};
use std::collections::BTreeMap;

/// What the writer needs to know of a stored object.
#[derive(Debug, Clone)]
pub(super) struct KnownObject {
    pub(super) id: i64,
    pub(super) uid: String,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) digest: String,
    pub(super) resource_version: String,
    evaluated_at: i64,
    /// `None` if the object is as current as the last sweep.
    pub(super) last_seen: Option<i64>,
    pub(super) removed_at: Option<i64>,
}

/// The columns of [`KnownObject`].
pub(super) const KNOWN_OBJECT: &str = "SELECT id, uid, api_version, kind, namespace, digest, \
    resource_version, evaluated_at, last_seen, removed_at FROM object";

impl KnownObject {
    pub(super) fn read(mut row: Row) -> Result<Self, ResultStoreError> {
        Ok(Self {
            id: row.int()?,
            uid: row.text()?,
            api_version: row.text()?,
            kind: row.text()?,
            namespace: row.text()?,
            digest: row.text()?,
            resource_version: row.text()?,
            evaluated_at: row.int()?,
            last_seen: row.optional_int()?,
            removed_at: row.optional_int()?,
        })
    }

    /// The time at which the object was last seen with its present findings.
    pub(super) fn last_seen(&self, last_sweep_at: Option<i64>) -> i64 {
        last_seen(self.last_seen, self.evaluated_at, last_sweep_at)
    }
}

/// The time at which an object was last seen. An object that does not change is not written: then it
/// is the last sweep that counts.
pub(super) fn last_seen(stored: Option<i64>, evaluated_at: i64, last_sweep_at: Option<i64>) -> i64 {
    stored.unwrap_or_else(|| evaluated_at.max(last_sweep_at.unwrap_or(evaluated_at)))
}

/// An open finding that ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndedFinding {
    pub(super) id: i64,
    pub(super) last_seen: i64,
}

/// Ends open findings.
pub(super) fn end_findings(
    connection: &mut Connection,
    ended: &[EndedFinding],
    at: Timestamp,
) -> Result<(), ResultStoreError> {
    // Most have been seen by the same sweep: they are one statement.
    let mut by_time: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for finding in ended {
        by_time
            .entry(finding.last_seen)
            .or_default()
            .push(finding.id);
    }
    for (last_seen, ids) in by_time {
        let mut sql = SqlText::new("UPDATE finding SET fixed_at = ");
        sql.bind(at.unix_seconds().max(last_seen));
        sql.push(", last_seen = ").bind(last_seen);
        sql.push(" WHERE fixed_at IS NULL AND id IN ");
        connection.for_each_list(&sql, ids, "")?;
    }
    Ok(())
}

/// Ends objects and their open findings. Returns the number of these findings.
pub(super) fn remove_objects(
    connection: &mut Connection,
    objects: &[KnownObject],
    at: Timestamp,
    last_sweep_at: Option<i64>,
) -> Result<usize, ResultStoreError> {
    let ids = || objects.iter().map(|object| object.id);
    let seen = objects
        .iter()
        .map(|object| (object.id, object.last_seen(last_sweep_at)));
    let seen: BTreeMap<i64, i64> = seen.collect();
    let open = SqlText::new(
        "SELECT id, object_id, first_seen FROM finding WHERE fixed_at IS NULL AND object_id IN ",
    );
    let mut ended = Vec::new();
    for mut row in connection.for_each_list(&open, ids(), "")? {
        let (id, object, first_seen) = (row.int()?, row.int()?, row.int()?);
        let last_seen = seen.get(&object).copied().unwrap_or(first_seen);
        ended.push(EndedFinding {
            id,
            last_seen: last_seen.max(first_seen),
        });
    }
    end_findings(connection, &ended, at)?;
    let mut by_time: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (id, last_seen) in seen {
        by_time.entry(last_seen).or_default().push(id);
    }
    for (last_seen, ids) in by_time {
        let mut sql = SqlText::new("UPDATE object SET removed_at = ");
        sql.bind(at.unix_seconds().max(last_seen));
        sql.push(", last_seen = ").bind(last_seen);
        sql.push(" WHERE id IN ");
        connection.for_each_list(&sql, ids, "")?;
    }
    let sql = SqlText::new("DELETE FROM not_evaluated WHERE object_id IN ");
    connection.for_each_list(&sql, ids(), "")?;
    // An object that never had a finding has no history.
    let sql = SqlText::new("DELETE FROM object WHERE id IN ");
    let without_findings =
        " AND NOT EXISTS (SELECT 1 FROM finding WHERE finding.object_id = object.id)";
    connection.for_each_list(&sql, ids(), without_findings)?;
    Ok(ended.len())
}
