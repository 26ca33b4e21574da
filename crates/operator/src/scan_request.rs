//! What a ScanRequest asks for, and the statuses that answer it (pure).

use super::single_scan::SingleScan;
use jiff::Timestamp;
use kubevet_cluster::StoredScanRequest;
use kubevet_model::{ControlId, ControlResult, ControlStatus, SeverityCounts, one_line};
use serde_json::{Map, Value, json};
use std::{
    cmp::Reverse,
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

/// How long a request stays after its end, if it does not say so.
const DEFAULT_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// The most controls of a report, and the most places of what was not evaluated.
const MAX_CONTROLS: usize = 100;
const MAX_UNREAD: usize = 50;
/// The bounds of the texts, in characters; the definition has the same.
const MAX_NAME_CHARS: usize = 120;
const MAX_PLACE_CHARS: usize = 1000;
const MAX_MESSAGE_CHARS: usize = 4000;

/// The fields of a status that not every phase has.
const RESULT_FIELDS: [&str; 8] = [
    "startTime",
    "completionTime",
    "objects",
    "severities",
    "frameworks",
    "report",
    "notEvaluated",
    "omittedNotEvaluated",
];

/// What a ScanRequest asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRequestSpec {
    /// The frameworks; none for the controls of the operator.
    pub frameworks: Vec<String>,
    /// The namespaces; none for all objects.
    pub namespaces: Vec<String>,
    /// True if images are to be scanned, too.
    pub images: bool,
    /// How long the request stays after its end.
    pub ttl: Duration,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanPhase {
    /// It waits.
    Pending,
    /// Its scan is under way.
    Running,
    /// Its scan has ended.
    Finished,
    /// It cannot be answered.
    Failed,
}

impl ScanPhase {
    const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Finished, Self::Failed];

    /// The name in a status.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Finished => "Finished",
            Self::Failed => "Failed",
        }
    }

    /// Returns the phase of a request; `None` if nobody has answered it.
    #[must_use]
    pub fn of(request: &StoredScanRequest) -> Option<Self> {
        let phase = request.status.get("phase")?.as_str()?;
        Self::ALL.into_iter().find(|known| known.name() == phase)
    }

    /// True if nothing follows.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Failed)
    }
}

impl ScanRequestSpec {
    /// Reads the `spec` of a request, which the API server has checked.
    #[must_use]
    pub fn of(request: &StoredScanRequest) -> Self {
        let texts = |key: &str| -> Vec<String> {
            let list = request.spec.get(key).and_then(Value::as_array);
            let texts = list.into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        let ttl = request.spec.get("ttlSecondsAfterFinished");
        Self {
            frameworks: texts("frameworks"),
            namespaces: texts("namespaces"),
            images: request
                .spec
                .get("images")
                .is_some_and(|images| images == true),
            ttl: ttl
                .and_then(Value::as_u64)
                .map_or(DEFAULT_TTL, Duration::from_secs),
        }
    }
}

/// True if a request has ended so long ago that it is deleted.
#[must_use]
pub fn is_expired(request: &StoredScanRequest, now: SystemTime) -> bool {
    if !ScanPhase::of(request).is_some_and(ScanPhase::is_end) {
        return false;
    }
    let ended = request.status.get("completionTime").and_then(Value::as_str);
    let ended = ended.and_then(|text| text.parse::<Timestamp>().ok());
    // One without a time was not written by an operator; the time of its creation counts.
    let ended = ended.map_or(request.created_at, Timestamp::as_second);
    let ttl = ScanRequestSpec::of(request).ttl.as_secs();
    seconds(now).saturating_sub(ended) >= i64::try_from(ttl).unwrap_or(i64::MAX)
}

/// The status of a request that waits for others.
#[must_use]
pub fn pending_status(request: &StoredScanRequest, now: SystemTime) -> Value {
    let message = "waits for the requests before it";
    status(request, ScanPhase::Pending, message, now, &[]).into()
}

/// The status of a request whose scan has begun, or is under way with some objects read.
#[must_use]
pub fn running_status(
    request: &StoredScanRequest,
    began: SystemTime,
    objects: usize,
    now: SystemTime,
) -> Value {
    let message = format!("{objects} objects were read so far");
    let status = status(request, ScanPhase::Running, &message, now, &[]);
    let fields = [("startTime", time(began)), ("objects", objects.into())];
    with(status, fields)
}

/// The status of a request that cannot be answered.
#[must_use]
pub fn failed_status(request: &StoredScanRequest, reason: &str, now: SystemTime) -> Value {
    let status = status(request, ScanPhase::Failed, reason, now, &[]);
    with(status, [("completionTime", time(now))])
}

/// The status of a request whose scan has ended. `resource` is where the results of single objects are.
#[must_use]
pub fn finished_status(
    request: &StoredScanRequest,
    began: SystemTime,
    scan: &SingleScan,
    resource: Option<&str>,
    now: SystemTime,
) -> Value {
    let failing = |result: &&ControlResult| result.failed > 0;
    let mut controls: Vec<&ControlResult> = scan.score.controls.iter().filter(failing).collect();
    controls.sort_by_key(|result| (Reverse(result.control.severity), Reverse(result.failed)));
    let mut severities = SeverityCounts::default();
    for result in &controls {
        for _ in 0..result.failed {
            severities.add(result.control.severity);
        }
    }
    let listed = controls.iter().take(MAX_CONTROLS).map(|result| {
        json!({
            "id": result.control.id.as_str(),
            "name": one_line(&result.control.name, MAX_NAME_CHARS),
            "severity": result.control.severity.name(),
            "failedObjects": result.failed,
            "passedObjects": result.passed,
        })
    });
    let listed: Vec<Value> = listed.collect();
    let frameworks = scan.score.frameworks.iter().map(|result| {
        let mut framework = Map::new();
        let name = one_line(&result.framework.name, MAX_NAME_CHARS);
        framework.insert("name".to_owned(), name.into());
        for (key, value) in [
            ("compliance", result.compliance),
            ("coverage", result.coverage),
        ] {
            // One that is not known is absent.
            if let Some(percent) = value {
                framework.insert(key.to_owned(), ((percent * 10.0).round() / 10.0).into());
            }
        }
        Value::from(framework)
    });
    let frameworks: Vec<Value> = frameworks.collect();
    let not_evaluated = not_evaluated(scan);
    let is_all = not_evaluated.is_empty();
    let shown: Vec<&str> = not_evaluated
        .iter()
        .take(MAX_UNREAD)
        .map(|one| &**one)
        .collect();
    let (holds, reason, what) = if is_all {
        (
            "True",
            "Evaluated",
            "every object was read, and every control that checks objects of a cluster was evaluated",
        )
    } else {
        (
            "False",
            "NotEvaluated",
            "what `notEvaluated` names has no result: a framework with such a control has no compliance",
        )
    };
    let message = format!(
        "{} objects were read, {} controls fail somewhere{}",
        scan.objects,
        controls.len(),
        if is_all {
            ""
        } else {
            "; not everything was evaluated"
        }
    );
    let conditions = [("AllEvaluated", holds, reason, what)];
    let status = status(request, ScanPhase::Finished, &message, now, &conditions);
    let severities = json!({
        "critical": severities.critical, "high": severities.high,
        "medium": severities.medium, "low": severities.low,
    });
    let report = json!({
        "omittedControls": controls.len() - listed.len(),
        "controls": listed,
        "resource": resource,
    });
    let omitted = not_evaluated.len() - shown.len();
    let fields = [
        ("startTime", time(began)),
        ("completionTime", time(now)),
        ("objects", scan.objects.into()),
        ("severities", severities),
        ("frameworks", frameworks.into()),
        ("report", report),
        ("omittedNotEvaluated", omitted.into()),
        ("notEvaluated", shown.into()),
    ];
    with(status, fields)
}

/// Sets fields of a status.
fn with(
    mut status: Map<String, Value>,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let fields = fields.into_iter();
    status.extend(fields.map(|(key, value)| (key.to_owned(), value)));
    status.into()
}

/// What could not be read, and the controls that could not be evaluated for another reason.
fn not_evaluated(scan: &SingleScan) -> Vec<String> {
    let of_unread = scan.unread.iter().flat_map(|unread| &unread.controls);
    let of_unread: BTreeSet<&ControlId> = of_unread.collect();
    let places = scan.unread.iter();
    let places = places.map(|unread| format!("{unread}: {}", unread.reason));
    let controls = scan.score.controls.iter().filter(|result| {
        result.status == ControlStatus::NotEvaluated && !of_unread.contains(&result.control.id)
    });
    let controls = controls.map(|result| format!("{}: {}", result.control.id, result.reason));
    let all = places.chain(controls);
    all.map(|text| one_line(&text, MAX_PLACE_CHARS)).collect()
}

/// A status without results: what an earlier one had is removed.
fn status(
    request: &StoredScanRequest,
    phase: ScanPhase,
    message: &str,
    now: SystemTime,
    more: &[(&str, &str, &str, &str)],
) -> Map<String, Value> {
    let message = one_line(message, MAX_MESSAGE_CHARS);
    let is_end = if phase.is_end() { "True" } else { "False" };
    let mut conditions = vec![("Complete", is_end, phase.name(), message.as_str())];
    if ScanRequestSpec::of(request).images {
        let what = "images are not scanned by this version: not available";
        conditions.push(("ImagesScanned", "False", "NotAvailable", what));
    }
    conditions.extend(more);
    let conditions = conditions.iter().map(|(kind, holds, reason, message)| {
        json!({
            "type": kind, "status": holds, "reason": reason, "message": message,
            "observedGeneration": request.generation, "lastTransitionTime": time(now),
        })
    });
    let conditions: Vec<Value> = conditions.collect();
    let mut status = Map::new();
    for key in RESULT_FIELDS {
        status.insert(key.to_owned(), Value::Null);
    }
    let generation = request.generation;
    for (key, value) in [
        ("observedGeneration", generation.into()),
        ("phase", phase.name().into()),
        ("message", message.into()),
        ("conditions", conditions.into()),
    ] {
        status.insert(key.to_owned(), value);
    }
    status
}

/// The seconds since 1970.
fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

fn time(time: SystemTime) -> Value {
    let whole = Timestamp::from_second(seconds(time)).unwrap_or_default();
    whole.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::{Kind, Unread, UnreadPlace};

    fn request(spec: Value, status: Value) -> StoredScanRequest {
        StoredScanRequest {
            name: "a".to_owned(),
            uid: "u".to_owned(),
            generation: 1,
            created_at: 1_000,
            spec,
            status,
        }
    }

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    /// Tells whether a request is deleted some seconds after its end.
    #[track_caller]
    fn check(ttl: Value, phase: &str, seconds: u64, expected: bool) {
        let spec = json!({"ttlSecondsAfterFinished": ttl});
        let status = json!({"phase": phase, "completionTime": time(at(5_000))});
        let found = is_expired(&request(spec, status), at(5_000 + seconds));
        assert_eq!(found, expected, "{phase} {seconds}");
    }

    #[test]
    fn request_is_deleted_some_time_after_its_end() {
        check(json!(60), "Finished", 59, false);
        check(json!(60), "Finished", 60, true);
        check(json!(0), "Failed", 0, true);
        check(Value::Null, "Finished", 86_399, false);
        check(Value::Null, "Finished", 86_400, true);
        check(json!(0), "Running", 100, false);
        check(json!(0), "Pending", 100, false);
        check(json!(0), "", 100, false);
        let without_time = request(json!({}), json!({"phase": "Finished"}));
        assert!(is_expired(&without_time, at(1_000 + 86_400)));
    }

    #[test]
    fn what_could_not_be_read_has_no_compliance_and_a_condition() {
        let unread = |number: usize| Unread {
            kind: Kind::new("", format!("Kind{number}")),
            place: UnreadPlace::Everywhere,
            reason: "not allowed".to_owned(),
            controls: Vec::new(),
        };
        let scan = SingleScan {
            objects: 3,
            unread: (0..60).map(unread).collect(),
            ..SingleScan::default()
        };
        let with_images = request(json!({"images": true}), Value::Null);
        let status = finished_status(&with_images, at(1), &scan, None, at(9));
        assert_eq!(status["phase"], "Finished");
        assert_eq!(status["notEvaluated"].as_array().unwrap().len(), 50);
        assert_eq!(status["notEvaluated"][0], "Kind0: not allowed");
        assert_eq!(status["omittedNotEvaluated"], 10);
        assert_eq!(status["completionTime"], "1970-01-01T00:00:09Z");
        let conditions = status["conditions"].as_array().unwrap().iter();
        let conditions: Vec<(&str, &str)> = conditions
            .map(|one| {
                (
                    one["type"].as_str().unwrap(),
                    one["status"].as_str().unwrap(),
                )
            })
            .collect();
        let expected = [
            ("Complete", "True"),
            ("ImagesScanned", "False"),
            ("AllEvaluated", "False"),
        ];
        assert_eq!(conditions, expected);
    }

    #[test]
    fn status_of_an_earlier_leader_is_replaced() {
        let status = running_status(&request(json!({}), Value::Null), at(1), 7, at(2));
        assert_eq!(
            (&status["phase"], &status["objects"]),
            (&json!("Running"), &json!(7))
        );
        for key in ["completionTime", "report", "frameworks", "notEvaluated"] {
            assert_eq!(status.get(key), Some(&Value::Null), "{key}");
        }
    }
}
