//! How long findings have been open.

use super::{
    ResultStoreError, Timestamp,
    connection::Connection,
    finding_record::{severity_of_rank, severity_rank},
    sql_text::SqlText,
};
use kubevet_model::Severity;

/// Returns when the oldest finding of each severity began that is open and has no exception; a severity
/// without one is absent. Rows are in the order in which findings began, so each severity costs the
/// first entry of an index, and the exceptions before it.
pub(super) fn oldest_open(
    connection: &mut Connection,
) -> Result<Vec<(Severity, Timestamp)>, ResultStoreError> {
    let mut sql = SqlText::new("");
    for (index, severity) in Severity::ALL.iter().enumerate() {
        if index > 0 {
            sql.push(" UNION ALL ");
        }
        sql.push("SELECT severity, first_seen FROM (SELECT severity, first_seen FROM finding WHERE severity = ");
        sql.bind(severity_rank(*severity));
        sql.push(&format!(
            " AND fixed_at IS NULL AND exception IS NULL ORDER BY id LIMIT 1) AS oldest_{index}"
        ));
    }
    let rows = connection.query(&sql)?.into_iter();
    rows.map(|mut row| {
        let severity = severity_of_rank(row.int()?)?;
        Ok((severity, Timestamp::from_unix_seconds(row.int()?)))
    })
    .collect()
}
