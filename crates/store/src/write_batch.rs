//! Writes the results of a batch of objects: what is equal to what the store has costs one read, and
//! nothing is written for it.
//!
//! A row of `finding` is one period in which the object had the finding. A finding that returns soon
//! after its end goes on with its period: an object that changes to and fro does not fill the store.
//! A finding of a control that could not be evaluated this time stays open.

use super::{
    ResultStoreError, Timestamp,
    connection::Connection,
    finding_record::FindingRecord,
    object_record::ObjectRecord,
    sql_text::SqlText,
    stored_objects::{EndedFinding, KNOWN_OBJECT, KnownObject, end_findings},
    value::Value,
};
use std::collections::{BTreeMap, HashMap};

/// A finding that returns within this time goes on with its period.
const REOPEN_SECONDS: i64 = 3600;

/// What a batch has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteCounts {
    /// The objects whose verdict is new or different.
    pub changed_objects: usize,
    /// The objects whose verdict is the stored one.
    pub unchanged_objects: usize,
    /// The findings that began.
    pub new_findings: usize,
    /// The findings that ended.
    pub fixed_findings: usize,
}

/// The objects of a batch by uid: the last result of an object counts.
pub(super) type Batch = BTreeMap<String, ObjectRecord>;

/// Writes a batch. Returns what has changed, and the keys of all its objects.
pub(super) fn write_batch(
    connection: &mut Connection,
    batch: &Batch,
    at: Timestamp,
    last_sweep_at: Option<i64>,
) -> Result<(WriteCounts, Vec<i64>), ResultStoreError> {
    let mut counts = WriteCounts::default();
    let known = known_objects(connection, batch)?;
    let mut ids = Vec::new();
    let mut written = Vec::new();
    let mut changed = Vec::new();
    for record in batch.values() {
        match known.get(&record.uid) {
            Some(known) if known.digest == record.digest && known.removed_at.is_none() => {
                counts.unchanged_objects += 1;
                ids.push(known.id);
                if known.resource_version != record.resource_version || known.last_seen.is_some() {
                    written.push(record);
                }
            }
            _ => {
                counts.changed_objects += 1;
                written.push(record);
                changed.push(record);
            }
        }
    }
    let keys = write_objects(connection, &written, at)?;
    let mut changes = Vec::new();
    for record in changed {
        let Some(id) = keys.get(&record.uid).copied() else {
            continue;
        };
        ids.push(id);
        changes.push(ChangedObject {
            id,
            record,
            known: known.get(&record.uid),
        });
    }
    write_findings(connection, &changes, at, last_sweep_at, &mut counts)?;
    write_errors(connection, &changes)?;
    Ok((counts, ids))
}

/// An object with another verdict than the stored one.
struct ChangedObject<'a> {
    id: i64,
    record: &'a ObjectRecord,
    known: Option<&'a KnownObject>,
}

fn known_objects(
    connection: &mut Connection,
    batch: &Batch,
) -> Result<HashMap<String, KnownObject>, ResultStoreError> {
    let sql = SqlText::new(&format!("{KNOWN_OBJECT} WHERE uid IN "));
    let rows = connection.for_each_list(&sql, batch.keys().map(String::as_str), "")?;
    let objects = rows.into_iter().map(KnownObject::read);
    let by_uid = objects.map(|object| object.map(|object| (object.uid.clone(), object)));
    by_uid.collect()
}

/// Writes the rows of objects, and returns their keys by uid.
fn write_objects(
    connection: &mut Connection,
    records: &[&ObjectRecord],
    at: Timestamp,
) -> Result<HashMap<String, i64>, ResultStoreError> {
    let sets = write_control_sets(connection, records)?;
    let row = |record: &&ObjectRecord| {
        vec![
            Value::from(record.uid.as_str()),
            record.api_version.as_str().into(),
            record.kind.as_str().into(),
            record.namespace.as_str().into(),
            record.name.as_str().into(),
            record.resource_version.as_str().into(),
            record.owner_uid.clone().into(),
            sets.get(&record.controls_digest)
                .copied()
                .unwrap_or(0)
                .into(),
            record.findings_left_out.into(),
            record.digest.as_str().into(),
            at.unix_seconds().into(),
        ]
    };
    let rows = connection.insert(
        "INSERT INTO object (uid, api_version, kind, namespace, name, resource_version, owner_uid, \
         control_set, findings_left_out, digest, evaluated_at)",
        records.iter().map(row).collect(),
        " ON CONFLICT (uid) DO UPDATE SET api_version = excluded.api_version, kind = excluded.kind, \
         namespace = excluded.namespace, name = excluded.name, resource_version = \
         excluded.resource_version, owner_uid = excluded.owner_uid, control_set = \
         excluded.control_set, findings_left_out = excluded.findings_left_out, digest = \
         excluded.digest, evaluated_at = excluded.evaluated_at, last_seen = NULL, removed_at = NULL \
         RETURNING uid, id",
    )?;
    let keys = rows
        .into_iter()
        .map(|mut row| Ok((row.text()?, row.int()?)));
    keys.collect()
}

/// Writes lists of evaluated controls that are new, and returns the keys of all by digest.
fn write_control_sets(
    connection: &mut Connection,
    records: &[&ObjectRecord],
) -> Result<HashMap<String, i64>, ResultStoreError> {
    let wanted = records
        .iter()
        .map(|record| (record.controls_digest.as_str(), &record.controls));
    let wanted: BTreeMap<&str, &String> = wanted.collect();
    let sql = SqlText::new("SELECT digest, id FROM control_set WHERE digest IN ");
    let mut rows = connection.for_each_list(&sql, wanted.keys().copied(), "")?;
    let mut sets: HashMap<String, i64> = HashMap::new();
    for row in &mut rows {
        sets.insert(row.text()?, row.int()?);
    }
    let new = wanted
        .iter()
        .filter(|(digest, _)| !sets.contains_key(**digest));
    let new = new.map(|(digest, controls)| vec![Value::from(*digest), controls.as_str().into()]);
    let rows = connection.insert(
        "INSERT INTO control_set (digest, controls)",
        new.collect(),
        " RETURNING digest, id",
    )?;
    for mut row in rows {
        sets.insert(row.text()?, row.int()?);
    }
    Ok(sets)
}

/// A stored period of a finding: an open one, or one that has ended not long ago.
struct StoredPeriod {
    id: i64,
    digest: String,
    control: String,
    first_seen: i64,
    fixed_at: Option<i64>,
}

/// The periods of one object by fingerprint.
type Periods = BTreeMap<String, StoredPeriod>;

fn write_findings(
    connection: &mut Connection,
    changes: &[ChangedObject<'_>],
    at: Timestamp,
    last_sweep_at: Option<i64>,
    counts: &mut WriteCounts,
) -> Result<(), ResultStoreError> {
    let mut periods = periods_of(connection, changes, at)?;
    let mut new = Vec::new();
    let mut continued = Vec::new();
    let mut ended = Vec::new();
    for change in changes {
        let mut periods = periods.remove(&change.id).unwrap_or_default();
        for (fingerprint, finding) in &change.record.findings {
            match periods.remove(fingerprint) {
                None => new.push(finding_row(None, change.id, finding, at.unix_seconds())),
                Some(period) => {
                    if period.fixed_at.is_some() {
                        counts.new_findings += 1;
                    } else if period.digest == finding.digest {
                        continue;
                    }
                    let first_seen = period.first_seen;
                    continued.push(finding_row(Some(period.id), change.id, finding, first_seen));
                }
            }
        }
        let seen = change.known.map(|known| known.last_seen(last_sweep_at));
        for period in periods.into_values() {
            let is_unknown = change.record.errors.contains_key(&period.control);
            if period.fixed_at.is_none() && !is_unknown {
                ended.push(EndedFinding {
                    id: period.id,
                    last_seen: seen.unwrap_or(period.first_seen).max(period.first_seen),
                });
            }
        }
    }
    counts.new_findings += new.len();
    counts.fixed_findings += ended.len();
    end_findings(connection, &ended, at)?;
    connection.insert(&format!("INSERT INTO finding ({FINDING_COLUMNS})"), new, "")?;
    connection.insert(
        &format!("INSERT INTO finding (id, {FINDING_COLUMNS})"),
        continued,
        " ON CONFLICT (id) DO UPDATE SET defect = excluded.defect, control = excluded.control, \
         severity = excluded.severity, container = excluded.container, message = excluded.message, \
         paths = excluded.paths, fixes = excluded.fixes, exception = excluded.exception, digest = \
         excluded.digest, last_seen = NULL, fixed_at = NULL",
    )?;
    Ok(())
}

/// The columns that [`finding_row`] has, after the key.
const FINDING_COLUMNS: &str = "object_id, fingerprint, defect, control, severity, container, message, \
    paths, fixes, exception, digest, first_seen";

fn finding_row(
    id: Option<i64>,
    object: i64,
    finding: &FindingRecord,
    first_seen: i64,
) -> Vec<Value> {
    let columns = [
        Value::from(object),
        finding.fingerprint.as_str().into(),
        finding.defect.as_str().into(),
        finding.control.as_str().into(),
        finding.severity.into(),
        finding.container.clone().into(),
        finding.message.as_str().into(),
        finding.paths.as_str().into(),
        finding.fixes.as_str().into(),
        finding.exception.clone().into(),
        finding.digest.as_str().into(),
        first_seen.into(),
    ];
    id.map(Value::from).into_iter().chain(columns).collect()
}

/// Reads the periods that a new result may continue or end, by object.
fn periods_of(
    connection: &mut Connection,
    changes: &[ChangedObject<'_>],
    at: Timestamp,
) -> Result<BTreeMap<i64, Periods>, ResultStoreError> {
    let mut sql = SqlText::new(
        "SELECT object_id, fingerprint, id, digest, control, first_seen, fixed_at FROM finding \
         WHERE (fixed_at IS NULL OR fixed_at >= ",
    );
    sql.bind(at.unix_seconds() - REOPEN_SECONDS)
        .push(") AND object_id IN ");
    let known = changes.iter().filter(|change| change.known.is_some());
    let rows = connection.for_each_list(&sql, known.map(|change| change.id), "")?;
    let mut by_object: BTreeMap<i64, Periods> = BTreeMap::new();
    for mut row in rows {
        let (object, fingerprint) = (row.int()?, row.text()?);
        let period = StoredPeriod {
            id: row.int()?,
            digest: row.text()?,
            control: row.text()?,
            first_seen: row.int()?,
            fixed_at: row.optional_int()?,
        };
        let periods = by_object.entry(object).or_default();
        // Of several, the open one or else the latest counts.
        let time_of = |period: &StoredPeriod| period.fixed_at.unwrap_or(i64::MAX);
        let is_later = |other: &StoredPeriod| time_of(&period) > time_of(other);
        if periods.get(&fingerprint).is_none_or(is_later) {
            periods.insert(fingerprint, period);
        }
    }
    Ok(by_object)
}

/// Replaces the controls that could not be evaluated.
fn write_errors(
    connection: &mut Connection,
    changes: &[ChangedObject<'_>],
) -> Result<(), ResultStoreError> {
    let sql = SqlText::new("DELETE FROM not_evaluated WHERE object_id IN ");
    let known = changes.iter().filter(|change| change.known.is_some());
    connection.for_each_list(&sql, known.map(|change| change.id), "")?;
    let rows = changes.iter().flat_map(|change| {
        let errors = change.record.errors.iter();
        errors.map(|(control, reason)| {
            vec![
                change.id.into(),
                control.as_str().into(),
                reason.as_str().into(),
            ]
        })
    });
    connection.insert(
        "INSERT INTO not_evaluated (object_id, control, reason)",
        rows.collect(),
        "",
    )?;
    Ok(())
}
