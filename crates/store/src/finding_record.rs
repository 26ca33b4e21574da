//! A finding as it is written: bounded strings, paths and fixes as JSON, and a digest of what a reader
//! sees, so that an equal finding is not written again.

use super::{ResultStoreError, stored_text::stored_text};
use kubevet_model::{FieldPath, Fingerprint, Fix, FixAction, LocatedFinding, Severity};
use serde_json::{Map, Value as Json};

const MAX_MESSAGE_BYTES: usize = 4096;
/// The most bytes of an id, a container or the name of an exception.
const MAX_NAME_BYTES: usize = 512;
/// The most bytes of all paths of a finding, and of all its fixes. What does not fit is left out as a
/// whole: half a path or half a fix would be wrong.
const MAX_LIST_BYTES: usize = 16 << 10;

/// The columns of a finding that depend on the verdict alone.
#[derive(Debug, Clone)]
pub(super) struct FindingRecord {
    pub(super) fingerprint: String,
    pub(super) defect: String,
    pub(super) control: String,
    pub(super) severity: i64,
    pub(super) container: Option<String>,
    pub(super) message: String,
    pub(super) paths: String,
    pub(super) fixes: String,
    pub(super) exception: Option<String>,
    pub(super) digest: String,
}

impl FindingRecord {
    pub(super) fn new(located: &LocatedFinding, exception: Option<&str>) -> Self {
        let finding = &located.finding;
        let name = |text: &str| stored_text(text, MAX_NAME_BYTES).into_owned();
        let paths = finding
            .paths()
            .iter()
            .map(|path| Json::String(path.as_str().replace('\0', "\u{fffd}")));
        let mut record = Self {
            fingerprint: finding.fingerprint.to_string(),
            defect: finding.defect.to_string(),
            control: name(finding.rule.as_str()),
            severity: severity_rank(finding.severity),
            container: located.container.as_deref().map(name),
            message: stored_text(&finding.message, MAX_MESSAGE_BYTES).into_owned(),
            paths: bounded_list(paths),
            fixes: bounded_list(finding.fixes().iter().map(fix_json)),
            exception: exception.map(name),
            digest: String::new(),
        };
        let severity = record.severity.to_string();
        let optional =
            |text: &Option<String>| text.clone().map_or(String::new(), |text| text + ".");
        record.digest = Fingerprint::of([
            record.control.as_str(),
            &record.defect,
            &severity,
            &optional(&record.container),
            &record.message,
            &record.paths,
            &record.fixes,
            &optional(&record.exception),
        ])
        .to_string();
        record
    }
}

fn fix_json(fix: &Fix) -> Json {
    let mut object = Map::new();
    let path = fix.path.as_str().replace('\0', "\u{fffd}");
    object.insert("path".to_owned(), Json::String(path));
    if let FixAction::Set(value) = &fix.action {
        let value = value.replace('\0', "\u{fffd}");
        object.insert("set".to_owned(), Json::String(value));
    }
    Json::Object(object)
}

/// Returns a JSON list of the first elements that fit.
fn bounded_list(elements: impl Iterator<Item = Json>) -> String {
    let mut list = String::from("[");
    for element in elements {
        let text = element.to_string();
        if list.len() + text.len() + 2 > MAX_LIST_BYTES {
            break;
        }
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&text);
    }
    list.push(']');
    list
}

/// Reads stored paths. What is no path any more (it had a NUL) is left out.
pub(super) fn parse_paths(text: &str) -> Result<Vec<FieldPath>, ResultStoreError> {
    let paths = parse_list(text)?;
    let paths = paths.iter().filter_map(Json::as_str);
    Ok(paths.filter_map(|path| path.parse().ok()).collect())
}

/// Reads stored fixes.
pub(super) fn parse_fixes(text: &str) -> Result<Vec<Fix>, ResultStoreError> {
    let fixes = parse_list(text)?;
    let fixes = fixes.iter().filter_map(|fix| {
        let path = fix.get("path")?.as_str()?.parse().ok()?;
        let action = match fix.get("set").and_then(Json::as_str) {
            Some(value) => FixAction::Set(value.to_owned()),
            None => FixAction::Remove,
        };
        Some(Fix { path, action })
    });
    Ok(fixes.collect())
}

fn parse_list(text: &str) -> Result<Vec<Json>, ResultStoreError> {
    serde_json::from_str(text).map_err(|error| {
        ResultStoreError::Unreadable(format!("paths or fixes of a finding: {error}"))
    })
}

/// The number that stands for a severity: a higher one is worse.
pub(super) fn severity_rank(severity: Severity) -> i64 {
    let position = Severity::ALL.iter().position(|other| *other == severity);
    position
        .and_then(|rank| i64::try_from(rank).ok())
        .unwrap_or(0)
}

/// The severity that a number stands for.
pub(super) fn severity_of_rank(rank: i64) -> Result<Severity, ResultStoreError> {
    let severity = usize::try_from(rank)
        .ok()
        .and_then(|rank| Severity::ALL.get(rank));
    severity
        .copied()
        .ok_or_else(|| ResultStoreError::Unreadable(format!("{rank} is no severity")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(action: FixAction) -> Fix {
        Fix {
            path: "spec.containers[0].image".parse().unwrap(),
            action,
        }
    }

    #[test]
    fn fixes_are_read_as_they_were_written() {
        let fixes = [
            fix(FixAction::Set("{\"a\": \"b\"}".to_owned())),
            fix(FixAction::Set(String::new())),
            fix(FixAction::Remove),
        ];
        let text = bounded_list(fixes.iter().map(fix_json));
        assert_eq!(parse_fixes(&text).unwrap(), fixes);
        assert_eq!(parse_paths("[\"a.b\",\"..\"]").unwrap().len(), 1);
        assert!(parse_paths("[").is_err());
    }

    #[test]
    fn list_keeps_the_elements_that_fit() {
        let long = Json::String("a".repeat(MAX_LIST_BYTES / 3));
        let text = bounded_list([long.clone(), long.clone(), long].into_iter());
        assert!(text.len() <= MAX_LIST_BYTES);
        assert_eq!(parse_list(&text).unwrap().len(), 2);
        assert_eq!(bounded_list(std::iter::empty()), "[]");
    }

    #[test]
    fn worse_severity_has_a_higher_rank() {
        for severity in Severity::ALL {
            assert_eq!(severity_of_rank(severity_rank(*severity)), Ok(*severity));
        }
        assert!(severity_rank(Severity::Critical) > severity_rank(Severity::High));
        assert!(severity_of_rank(4).is_err());
    }
}
