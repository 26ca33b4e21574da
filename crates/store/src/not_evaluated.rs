//! The controls that are not evaluated somewhere in the cluster, with the reasons: what nobody may
//! take for passed.

use super::{ResultStoreError, connection::Connection, sql_text::SqlText};
use kubevet_model::ControlId;
use std::collections::BTreeMap;

/// The most reasons that are read.
const MAX_REASONS: usize = 10_000;

/// A control that is not evaluated for some objects, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ControlNotEvaluated {
    /// The control.
    pub control: ControlId,
    /// What could not be read, such as `Role in n1`; `None` if objects were read and the control
    /// failed on them.
    pub unread: Option<String>,
    /// The reason.
    pub reason: String,
    /// The number of objects; `None` for what could not be read.
    pub objects: Option<usize>,
}

/// Reads them by control.
pub(super) fn read(
    connection: &mut Connection,
) -> Result<Vec<ControlNotEvaluated>, ResultStoreError> {
    let mut sql = SqlText::new(
        "SELECT control, reason, COUNT(*) FROM not_evaluated GROUP BY control, reason LIMIT ",
    );
    sql.bind(MAX_REASONS);
    let mut found = Vec::new();
    for mut row in connection.query(&sql)? {
        found.push(ControlNotEvaluated {
            control: ControlId::from(row.text()?.as_str()),
            unread: None,
            reason: row.text()?,
            objects: Some(row.count()?),
        });
    }
    let mut sql = SqlText::new("SELECT place, reason, controls FROM unread LIMIT ");
    sql.bind(MAX_REASONS);
    let mut unread: BTreeMap<(String, String), String> = BTreeMap::new();
    for mut row in connection.query(&sql)? {
        unread.insert((row.text()?, row.text()?), row.text()?);
    }
    for ((place, reason), controls) in unread {
        found.extend(
            controls
                .split_whitespace()
                .map(|control| ControlNotEvaluated {
                    control: control.into(),
                    unread: Some(place.clone()),
                    reason: reason.clone(),
                    objects: None,
                }),
        );
    }
    found.sort();
    Ok(found)
}
