//! The end of a sweep: objects that it did not see are gone, but for those that it could not read. The
//! state of the day is kept for trends and for compliance at a date.

use super::{
    ResultStoreError, Timestamp,
    connection::Connection,
    finding_record::severity_rank,
    sql_text::SqlText,
    stored_objects::{KNOWN_OBJECT, KnownObject, remove_objects},
    stored_text::stored_text,
    value::Value,
};
use kubevet_model::{ControlResult, FrameworkResult, Kind, Severity, Unread, UnreadPlace};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The objects that are compared with the sweep at a time, and removed in one transaction.
pub(super) const OBJECTS_PER_STEP: usize = 2000;
/// The most bytes of a reason.
const MAX_REASON_BYTES: usize = 1024;
/// The most bytes of a name.
const MAX_NAME_BYTES: usize = 512;

/// The outcome of a sweep, besides the objects that were written.
#[derive(Debug, Clone, Copy)]
pub struct SweepOutcome<'a> {
    /// The time at which it ended.
    pub at: Timestamp,
    /// The outcome of each chosen control.
    pub controls: &'a [ControlResult],
    /// The frameworks and their compliance.
    pub frameworks: &'a [FrameworkResult],
    /// What could not be read: the stored objects of it stay.
    pub unread: &'a [Unread],
}

/// What the end of a sweep has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepCounts {
    /// The objects that are gone.
    pub removed_objects: usize,
    /// Their findings.
    pub fixed_findings: usize,
    /// The objects that were not seen, since their kind or namespace could not be read.
    pub unread_objects: usize,
}

/// Reads the next objects by key after `after`.
pub(super) fn next_objects(
    connection: &mut Connection,
    after: i64,
) -> Result<Vec<KnownObject>, ResultStoreError> {
    let mut sql = SqlText::new(&format!(
        "{KNOWN_OBJECT} WHERE removed_at IS NULL AND id > "
    ));
    sql.bind(after)
        .push(" ORDER BY id LIMIT ")
        .bind(OBJECTS_PER_STEP);
    let rows = connection.query(&sql)?;
    rows.into_iter().map(KnownObject::read).collect()
}

/// Removes the objects that were not seen, and marks those that could not be read.
pub(super) fn settle_objects(
    connection: &mut Connection,
    objects: &[KnownObject],
    seen: &HashSet<i64>,
    outcome: &SweepOutcome<'_>,
    last_sweep_at: Option<i64>,
) -> Result<SweepCounts, ResultStoreError> {
    let unseen = objects.iter().filter(|object| !seen.contains(&object.id));
    let (unread, gone): (Vec<_>, Vec<_>) = unseen
        .cloned()
        .partition(|object| is_unread(object, outcome.unread));
    let fixed_findings = remove_objects(connection, &gone, outcome.at, last_sweep_at)?;
    let mut by_time: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for object in unread.iter().filter(|object| object.last_seen.is_none()) {
        let time = object.last_seen(last_sweep_at);
        by_time.entry(time).or_default().push(object.id);
    }
    for (time, ids) in by_time {
        let mut sql = SqlText::new("UPDATE object SET last_seen = ");
        sql.bind(time).push(" WHERE id IN ");
        connection.for_each_list(&sql, ids, "")?;
    }
    Ok(SweepCounts {
        removed_objects: gone.len(),
        fixed_findings,
        unread_objects: unread.len(),
    })
}

fn is_unread(object: &KnownObject, unread: &[Unread]) -> bool {
    let kind = Kind::new(Kind::group_of(&object.api_version), object.kind.as_str());
    unread.iter().any(|unread| {
        unread.kind == kind
            && match &unread.place {
                UnreadPlace::Everywhere => true,
                UnreadPlace::Namespaces(names) => names.contains(&object.namespace),
                UnreadPlace::NamespacesBut(names) => !names.contains(&object.namespace),
            }
    })
}

/// Writes the state after the sweep.
pub(super) fn write_state(
    connection: &mut Connection,
    outcome: &SweepOutcome<'_>,
) -> Result<(), ResultStoreError> {
    let mut sql = SqlText::new("UPDATE cluster SET last_sweep_at = ");
    sql.bind(outcome.at.unix_seconds());
    connection.query(&sql)?;
    write_unread(connection, outcome.unread)?;
    write_frameworks(connection, outcome)?;
    write_controls(connection, outcome)?;
    write_severities(connection, outcome.at)
}

fn name(text: &str) -> Value {
    stored_text(text, MAX_NAME_BYTES).as_ref().into()
}

fn reason(text: &str) -> Value {
    stored_text(text, MAX_REASON_BYTES).as_ref().into()
}

fn write_unread(connection: &mut Connection, unread: &[Unread]) -> Result<(), ResultStoreError> {
    connection.query(&SqlText::new("DELETE FROM unread"))?;
    let rows = unread.iter().map(|unread| {
        let controls: Vec<&str> = unread.controls.iter().map(|id| id.as_str()).collect();
        vec![
            name(&unread.kind.group),
            name(&unread.kind.name),
            reason(&unread.to_string()),
            reason(&unread.reason),
            controls.join(" ").replace('\0', "\u{fffd}").into(),
        ]
    });
    let into = "INSERT INTO unread (kind_group, kind, place, reason, controls)";
    connection.insert(into, rows.collect(), "")?;
    Ok(())
}

fn write_frameworks(
    connection: &mut Connection,
    outcome: &SweepOutcome<'_>,
) -> Result<(), ResultStoreError> {
    let day = outcome.at.day().number();
    forget_day(connection, "framework_day", day)?;
    connection.query(&SqlText::new("DELETE FROM framework_control"))?;
    let mut members = BTreeSet::new();
    let mut rows: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for result in outcome.frameworks {
        let framework = &result.framework;
        for control in framework.controls() {
            members.insert((framework.name.as_str(), control.as_str()));
        }
        let counts = result.controls;
        rows.insert(
            &framework.name,
            vec![
                day.into(),
                name(&framework.name),
                name(&framework.version),
                result.compliance.into(),
                result.coverage.into(),
                counts.failed.into(),
                counts.not_evaluated.into(),
                counts.passed.into(),
                counts.not_applicable.into(),
                counts.not_configured.into(),
            ],
        );
    }
    connection.insert(
        "INSERT INTO framework_day (day, framework, version, compliance, coverage, failed, \
         not_evaluated, passed, not_applicable, not_configured)",
        rows.into_values().collect(),
        "",
    )?;
    let members = members.into_iter();
    let members = members.map(|(framework, control)| vec![name(framework), name(control)]);
    let into = "INSERT INTO framework_control (framework, control)";
    connection.insert(into, members.collect(), "")?;
    Ok(())
}

fn write_controls(
    connection: &mut Connection,
    outcome: &SweepOutcome<'_>,
) -> Result<(), ResultStoreError> {
    let day = outcome.at.day().number();
    forget_day(connection, "control_day", day)?;
    let mut rows: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for result in outcome.controls {
        let id = result.control.id.as_str();
        rows.insert(
            id,
            vec![
                day.into(),
                name(id),
                result.status.name().into(),
                reason(&result.reason),
                result.failed.into(),
                result.passed.into(),
            ],
        );
    }
    let into = "INSERT INTO control_day (day, control, status, reason, failed, passed)";
    connection.insert(into, rows.into_values().collect(), "")?;
    Ok(())
}

fn write_severities(connection: &mut Connection, at: Timestamp) -> Result<(), ResultStoreError> {
    let day = at.day().number();
    forget_day(connection, "severity_day", day)?;
    // A severity without a finding has a row as well: the day was observed.
    let ranks = Severity::ALL
        .iter()
        .map(|severity| (severity_rank(*severity), 0));
    let mut counts: BTreeMap<i64, i64> = ranks.collect();
    let open = "SELECT severity, COUNT(*) FROM finding WHERE fixed_at IS NULL AND exception IS NULL \
         GROUP BY severity";
    for mut row in connection.query(&SqlText::new(open))? {
        counts.insert(row.int()?, row.int()?);
    }
    let rows = counts.into_iter();
    let rows = rows.map(|(rank, count)| vec![day.into(), rank.into(), count.into()]);
    let into = "INSERT INTO severity_day (day, severity, open_findings)";
    connection.insert(into, rows.collect(), "")?;
    Ok(())
}

/// Deletes what an earlier sweep of the day has written.
fn forget_day(connection: &mut Connection, table: &str, day: i64) -> Result<(), ResultStoreError> {
    let mut sql = SqlText::new(&format!("DELETE FROM {table} WHERE day = "));
    sql.bind(day);
    connection.query(&sql)?;
    Ok(())
}
