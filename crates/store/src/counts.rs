//! Counts of findings by severity, and by namespace, kind or control.

use super::{
    ResultStoreError, connection::Connection, finding_filter::FindingFilter,
    finding_record::severity_of_rank, sql_text::SqlText,
};
use kubevet_model::{Severity, SeverityCounts};
use std::collections::BTreeMap;

/// What findings are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountBy {
    /// The namespace of the object; empty outside namespaces.
    Namespace,
    /// The kind of the object.
    Kind,
    /// The control.
    Control,
}

impl CountBy {
    fn column(self) -> &'static str {
        match self {
            Self::Namespace => "o.namespace",
            Self::Kind => "o.kind",
            Self::Control => "f.control",
        }
    }
}

/// The findings of one namespace, kind or control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedGroup {
    /// The namespace, kind or control.
    pub key: String,
    /// The number of its findings of each severity.
    pub counts: SeverityCounts,
}

/// Counts findings by severity.
pub(super) fn count(
    connection: &mut Connection,
    filter: &FindingFilter,
) -> Result<SeverityCounts, ResultStoreError> {
    let mut sql = SqlText::new(
        "SELECT f.severity, COUNT(*) FROM finding f JOIN object o ON o.id = f.object_id",
    );
    filter.write_where(&mut sql)?;
    sql.push(" GROUP BY f.severity");
    let mut counts = SeverityCounts::default();
    for mut row in connection.query(&sql)? {
        set_count(&mut counts, severity_of_rank(row.int()?)?, row.count()?);
    }
    Ok(counts)
}

/// Counts findings by a column and by severity: the groups with the worst findings first.
pub(super) fn count_groups(
    connection: &mut Connection,
    filter: &FindingFilter,
    by: CountBy,
) -> Result<Vec<CountedGroup>, ResultStoreError> {
    let column = by.column();
    let mut sql = SqlText::new(&format!(
        "SELECT {column}, f.severity, COUNT(*) FROM finding f JOIN object o ON o.id = f.object_id"
    ));
    filter.write_where(&mut sql)?;
    sql.push(&format!(" GROUP BY {column}, f.severity"));
    let mut groups: BTreeMap<String, SeverityCounts> = BTreeMap::new();
    for mut row in connection.query(&sql)? {
        let key = row.text()?;
        let counts = groups.entry(key).or_default();
        set_count(counts, severity_of_rank(row.int()?)?, row.count()?);
    }
    let groups = groups.into_iter();
    let mut groups: Vec<CountedGroup> = groups
        .map(|(key, counts)| CountedGroup { key, counts })
        .collect();
    groups.sort_by_key(|group| {
        let counts = group.counts.worst_first();
        std::cmp::Reverse(counts.map(|(_, number)| number))
    });
    Ok(groups)
}

pub(super) fn set_count(counts: &mut SeverityCounts, severity: Severity, number: usize) {
    match severity {
        Severity::Critical => counts.critical = number,
        Severity::High => counts.high = number,
        Severity::Medium => counts.medium = number,
        Severity::Low => counts.low = number,
    }
}
