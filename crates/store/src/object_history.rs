//! The history of one object: its present state, and every period of its findings.

use super::{
    ResultStoreError, Timestamp,
    connection::Connection,
    finding_filter::{FindingFilter, FindingState},
    sql_text::SqlText,
    stored_finding::{FindingOrder, StoredFinding, last_sweep, read_findings},
    stored_objects::last_seen,
};
use kubevet_model::{ControlId, Kind, ObjectId};

/// The most objects of one name: an object that is deleted and made again has another uid.
const MAX_OBJECTS: usize = 100;
/// The most findings of a history.
const MAX_FINDINGS: usize = 10_000;

/// An object as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The identity.
    pub object: ObjectId,
    /// The uid.
    pub uid: String,
    /// The resource version that was evaluated last.
    pub resource_version: String,
    /// The uid of its controller.
    pub owner_uid: Option<String>,
    /// The controls that were evaluated.
    pub evaluated: Vec<ControlId>,
    /// The controls that could not be evaluated, each with the reason.
    pub errors: Vec<(ControlId, String)>,
    /// The number of findings that were too many to be stored.
    pub findings_left_out: usize,
    /// When it was evaluated with a new result, or a new resource version.
    pub evaluated_at: Timestamp,
    /// When it was last seen: the last sweep, if it was read in it.
    pub last_seen: Timestamp,
    /// When it was found to be gone; `None` while it exists.
    pub removed_at: Option<Timestamp>,
}

/// The history of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHistory {
    /// The objects that had the name, the present one last.
    pub objects: Vec<StoredObject>,
    /// The periods of their findings, the oldest first.
    pub findings: Vec<StoredFinding>,
    /// True if there are more findings than a history shows.
    pub is_cut: bool,
}

/// Reads the history of the objects that had a name.
pub(super) fn history(
    connection: &mut Connection,
    kind: &Kind,
    namespace: &str,
    name: &str,
) -> Result<ObjectHistory, ResultStoreError> {
    let objects = objects_of(connection, kind, namespace, name)?;
    let mut history = ObjectHistory {
        objects,
        findings: Vec::new(),
        is_cut: false,
    };
    for object in &history.objects {
        let filter = FindingFilter {
            state: FindingState::Any,
            uid: Some(object.uid.clone()),
            ..FindingFilter::default()
        };
        let room = MAX_FINDINGS.saturating_sub(history.findings.len());
        let page = read_findings(connection, &filter, FindingOrder::OldestFirst, None, room)?;
        history.is_cut |= page.next.is_some();
        history.findings.extend(page.findings);
    }
    history.findings.sort_by_key(|finding| finding.first_seen);
    Ok(history)
}

fn objects_of(
    connection: &mut Connection,
    kind: &Kind,
    namespace: &str,
    name: &str,
) -> Result<Vec<StoredObject>, ResultStoreError> {
    let last_sweep_at = last_sweep(connection)?;
    let stored = |text: &str| text.replace('\0', "\u{fffd}");
    let kind = Kind::new(stored(&kind.group), stored(&kind.name));
    let mut sql = SqlText::new(
        "SELECT o.id, o.api_version, o.kind, o.namespace, o.name, o.uid, o.resource_version, \
         o.owner_uid, s.controls, o.findings_left_out, o.evaluated_at, o.last_seen, o.removed_at \
         FROM object o JOIN control_set s ON s.id = o.control_set WHERE o.namespace = ",
    );
    sql.bind(stored(namespace));
    sql.push(" AND o.kind = ").bind(kind.name.as_str());
    sql.push(" AND o.name = ").bind(stored(name));
    sql.push(" ORDER BY o.id DESC LIMIT ").bind(MAX_OBJECTS);
    let mut objects = Vec::new();
    for mut row in connection.query(&sql)? {
        let id = row.int()?;
        let object = ObjectId {
            api_version: row.text()?,
            kind: row.text()?,
            namespace: row.text()?,
            name: row.text()?,
        };
        if object.group_kind() != kind {
            continue;
        }
        let uid = row.text()?;
        let resource_version = row.text()?;
        let owner_uid = row.optional_text()?;
        let controls = row.text()?;
        let findings_left_out = row.count()?;
        let evaluated_at = row.int()?;
        let seen = last_seen(row.optional_int()?, evaluated_at, last_sweep_at);
        objects.push(StoredObject {
            object,
            uid,
            resource_version,
            owner_uid,
            evaluated: controls.split_whitespace().map(ControlId::from).collect(),
            errors: errors_of(connection, id)?,
            findings_left_out,
            evaluated_at: Timestamp::from_unix_seconds(evaluated_at),
            last_seen: Timestamp::from_unix_seconds(seen),
            removed_at: row.optional_int()?.map(Timestamp::from_unix_seconds),
        });
    }
    objects.reverse();
    Ok(objects)
}

fn errors_of(
    connection: &mut Connection,
    object: i64,
) -> Result<Vec<(ControlId, String)>, ResultStoreError> {
    let mut sql = SqlText::new("SELECT control, reason FROM not_evaluated WHERE object_id = ");
    sql.bind(object);
    let rows = connection.query(&sql)?.into_iter();
    let errors = rows.map(|mut row| Ok((ControlId::from(row.text()?.as_str()), row.text()?)));
    let mut errors: Vec<(ControlId, String)> = errors.collect::<Result<_, ResultStoreError>>()?;
    errors.sort();
    Ok(errors)
}
