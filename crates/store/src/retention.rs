//! How long history is kept. Old rows are deleted in bounded steps, each a transaction of its own, so
//! that writes come in between.

use super::{ResultStoreError, Timestamp, connection::Connection, sql_text::SqlText};

/// The rows that one step deletes.
const ROWS_PER_STEP: usize = 5000;
/// The most steps of one call.
const MAX_STEPS: usize = 200;
/// The share of the bound, in percent, from which on history makes room whatever its age.
const CROWDED_PERCENT: u64 = 80;

/// How long history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The days for which a fixed finding is kept.
    pub fixed_days: u32,
    /// The days for which trends and compliance are kept.
    pub trend_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            fixed_days: 90,
            trend_days: 400,
        }
    }
}

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionCounts {
    /// Fixed findings.
    pub findings: usize,
    /// Objects that are gone, and have no findings any more.
    pub objects: usize,
    /// Rows of trends and of compliance.
    pub trend_rows: usize,
    /// True if there is more to delete: the next call goes on.
    pub is_unfinished: bool,
}

/// Deletes what is too old, step by step; `run` runs one step in a transaction.
pub(super) fn apply(
    mut run: impl FnMut(&Step) -> Result<usize, ResultStoreError>,
    retention: Retention,
    at: Timestamp,
    is_crowded: bool,
) -> Result<RetentionCounts, ResultStoreError> {
    let mut counts = RetentionCounts::default();
    if is_crowded {
        // One step a call: room is made little by little, oldest first.
        counts.findings = run(&Step::Findings(at))?;
    }
    let fixed = Step::Findings(at.days_before(retention.fixed_days));
    let oldest_day = at.day().days_before(retention.trend_days).number();
    let mut steps = 0;
    for step in [
        fixed,
        Step::Objects,
        Step::Trends(oldest_day),
        Step::ControlSets,
    ] {
        loop {
            if steps >= MAX_STEPS {
                counts.is_unfinished = true;
                return Ok(counts);
            }
            steps += 1;
            let deleted = run(&step)?;
            match step {
                Step::Findings(_) => counts.findings += deleted,
                Step::Objects => counts.objects += deleted,
                Step::Trends(_) => counts.trend_rows += deleted,
                Step::ControlSets => {}
            }
            if deleted < ROWS_PER_STEP || matches!(step, Step::Trends(_)) {
                break;
            }
        }
    }
    Ok(counts)
}

/// One kind of rows to delete.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Findings that were fixed before this time.
    Findings(Timestamp),
    /// Removed objects without findings.
    Objects,
    /// Rows of the days before this one.
    Trends(i64),
    /// Lists of controls that no object has.
    ControlSets,
}

impl Step {
    /// Deletes the first rows, and returns their number.
    pub(super) fn run(&self, connection: &mut Connection) -> Result<usize, ResultStoreError> {
        match self {
            Self::Findings(before) => {
                let mut sql = SqlText::new(
                    "DELETE FROM finding WHERE id IN (SELECT id FROM finding \
                     WHERE fixed_at IS NOT NULL AND fixed_at < ",
                );
                sql.bind(before.unix_seconds()).push(" ORDER BY fixed_at");
                delete(connection, sql)
            }
            Self::Objects => {
                let sql = SqlText::new(
                    "DELETE FROM object WHERE id IN (SELECT id FROM object WHERE removed_at IS NOT \
                     NULL AND NOT EXISTS (SELECT 1 FROM finding WHERE finding.object_id = object.id)",
                );
                delete(connection, sql)
            }
            Self::ControlSets => {
                let sql = SqlText::new(
                    "DELETE FROM control_set WHERE id IN (SELECT id FROM control_set WHERE NOT EXISTS \
                     (SELECT 1 FROM object WHERE object.control_set = control_set.id)",
                );
                delete(connection, sql)
            }
            Self::Trends(before) => {
                let mut deleted = 0;
                for table in ["severity_day", "control_day", "framework_day"] {
                    // A day has a few hundred rows: they need no steps.
                    let mut sql = SqlText::new(&format!("DELETE FROM {table} WHERE day < "));
                    sql.bind(*before).push(" RETURNING day");
                    deleted += connection.query(&sql)?.len();
                }
                Ok(deleted)
            }
        }
    }
}

/// Ends a statement that deletes what a query in parentheses returns.
fn delete(connection: &mut Connection, mut sql: SqlText) -> Result<usize, ResultStoreError> {
    sql.push(" LIMIT ")
        .bind(ROWS_PER_STEP)
        .push(") RETURNING id");
    Ok(connection.query(&sql)?.len())
}

/// True if the store is so large that history makes room.
pub(super) fn is_crowded(bytes: u64, max_bytes: u64) -> bool {
    bytes > max_bytes / 100 * CROWDED_PERCENT
}
