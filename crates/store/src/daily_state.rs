//! The state of past days: trends, and the compliance at a date.

use super::{
    Day, ResultStoreError, connection::Connection, counts::set_count,
    finding_record::severity_of_rank, sql_text::SqlText,
};
use kubevet_model::{ControlId, ControlStatusCounts, SeverityCounts};
use std::collections::BTreeMap;

/// The most days of one trend.
const MAX_DAYS: usize = 1000;

/// The open findings at the end of a day, without those that an exception accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrendDay {
    /// The day.
    pub day: Day,
    /// The number of open findings of each severity after its last sweep.
    pub open: SeverityCounts,
}

/// The compliance of a framework at a date.
#[derive(Debug, Clone, PartialEq)]
pub struct ComplianceAtDate {
    /// The day of the sweep that it is of: the date, or the last day with a sweep before it.
    pub day: Day,
    /// The version of the framework then.
    pub version: String,
    /// The compliance in percent; `None` if it was not known.
    pub compliance: Option<f64>,
    /// The coverage in percent; `None` if it had no controls.
    pub coverage: Option<f64>,
    /// The number of its controls of each status.
    pub controls: ControlStatusCounts,
}

/// The outcome of a control at a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlAtDate {
    /// The control.
    pub control: ControlId,
    /// The outcome, as reports name it, such as `notEvaluated`.
    pub status: String,
    /// The reason why it is not applicable, not configured or not evaluated; empty otherwise.
    pub reason: String,
    /// The number of objects that fail it.
    pub failed: usize,
    /// The number of objects that pass it.
    pub passed: usize,
}

/// Reads the trend from a day to a day, both included. A day without a sweep has no entry.
pub(super) fn trend(
    connection: &mut Connection,
    from: Day,
    to: Day,
) -> Result<Vec<TrendDay>, ResultStoreError> {
    let mut sql =
        SqlText::new("SELECT day, severity, open_findings FROM severity_day WHERE day >= ");
    sql.bind(from.number())
        .push(" AND day <= ")
        .bind(to.number());
    sql.push(" ORDER BY day DESC, severity LIMIT ")
        .bind(4 * MAX_DAYS);
    let mut days: BTreeMap<i64, SeverityCounts> = BTreeMap::new();
    for mut row in connection.query(&sql)? {
        let counts = days.entry(row.int()?).or_default();
        set_count(counts, severity_of_rank(row.int()?)?, row.count()?);
    }
    let days = days.into_iter().map(|(day, open)| TrendDay {
        day: Day::from_number(day),
        open,
    });
    Ok(days.collect())
}

/// Reads the compliance of a framework at a date; `None` if no sweep until then has scored it.
pub(super) fn compliance(
    connection: &mut Connection,
    framework: &str,
    date: Day,
) -> Result<Option<ComplianceAtDate>, ResultStoreError> {
    let mut sql = SqlText::new(
        "SELECT day, version, compliance, coverage, failed, not_evaluated, passed, not_applicable, \
         not_configured FROM framework_day WHERE framework = ",
    );
    sql.bind(framework.replace('\0', "\u{fffd}"));
    sql.push(" AND day <= ").bind(date.number());
    sql.push(" ORDER BY day DESC LIMIT 1");
    let row = connection.query_one(&sql)?;
    let compliance = row.map(|mut row| {
        Ok(ComplianceAtDate {
            day: Day::from_number(row.int()?),
            version: row.text()?,
            compliance: row.optional_real()?,
            coverage: row.optional_real()?,
            controls: ControlStatusCounts {
                failed: row.count()?,
                not_evaluated: row.count()?,
                passed: row.count()?,
                not_applicable: row.count()?,
                not_configured: row.count()?,
            },
        })
    });
    compliance.transpose()
}

/// Reads the outcome of every control at a date, by id: of the date, or the last day with a sweep
/// before it.
pub(super) fn controls(
    connection: &mut Connection,
    date: Day,
) -> Result<Vec<ControlAtDate>, ResultStoreError> {
    let mut sql = SqlText::new(
        "SELECT control, status, reason, failed, passed FROM control_day \
         WHERE day = (SELECT MAX(day) FROM control_day WHERE day <= ",
    );
    sql.bind(date.number()).push(")");
    let rows = connection.query(&sql)?.into_iter().map(|mut row| {
        Ok(ControlAtDate {
            control: ControlId::from(row.text()?.as_str()),
            status: row.text()?,
            reason: row.text()?,
            failed: row.count()?,
            passed: row.count()?,
        })
    });
    let mut controls: Vec<ControlAtDate> = rows.collect::<Result<_, ResultStoreError>>()?;
    controls.sort_by(|left, right| left.control.cmp(&right.control));
    Ok(controls)
}
