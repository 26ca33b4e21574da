//! Results of objects, as a scan of a cluster makes them.

use kubevet_model::{
    ControlId, EvalError, Evidence, FieldPath, Finding, Fingerprint, LocatedFinding, ObjectId,
    ObjectResult, Origin, RuleError, Severity,
};
use kubevet_store::{ObjectWrite, Store, Timestamp, WriteCounts};
use std::sync::Arc;

/// Noon of 30 November 2026.
pub(crate) const NOON: i64 = 1_796_040_000;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

/// A Deployment `shop/NAME` with the uid `NAME`, and one finding a control: `C-1:critical`.
pub(crate) fn deployment(name: &str, findings: &[&str]) -> ObjectResult {
    object("apps/v1", "Deployment", "shop", name, findings)
}

/// An object whose uid is its name.
pub(crate) fn object(
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
    findings: &[&str],
) -> ObjectResult {
    let id = Arc::new(ObjectId {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    });
    let origin = Origin::Cluster {
        uid: name.into(),
        resource_version: "1".into(),
    };
    let mut result = ObjectResult {
        object: Arc::clone(&id),
        origin,
        judged: Vec::new(),
        findings: Vec::new(),
        errors: Vec::new(),
    };
    for finding in findings {
        let (control, severity) = finding.split_once(':').unwrap();
        let message = format!("{control} fails");
        add_finding(
            &mut result,
            control,
            severity.parse().unwrap(),
            &message,
            "spec.replicas",
        );
    }
    result.judged.sort();
    result
}

pub(crate) fn add_finding(
    result: &mut ObjectResult,
    control: &str,
    severity: Severity,
    message: &str,
    path: &str,
) {
    let fingerprint = Fingerprint::of([control, &result.object.name, path]);
    let path: FieldPath = path.parse().unwrap();
    result.findings.push(LocatedFinding {
        finding: Finding {
            subject: Arc::clone(&result.object),
            rule: control.into(),
            severity,
            message: message.to_owned(),
            evidence: Evidence::Paths {
                paths: vec![path],
                fixes: Vec::new(),
            },
            origin: result.origin.clone(),
            fingerprint,
            defect: fingerprint,
        },
        source: None,
        container: None,
        excerpt: Vec::new(),
    });
    let control = ControlId::from(control);
    if !result.judged.contains(&control) {
        result.judged.push(control);
    }
}

pub(crate) fn with_error(mut result: ObjectResult, control: &str) -> ObjectResult {
    result.errors.push(RuleError {
        control: control.into(),
        error: EvalError::TimeLimit { limit_ms: 100 },
    });
    result
}

pub(crate) fn with_version(mut result: ObjectResult, version: &str) -> ObjectResult {
    if let Origin::Cluster {
        resource_version, ..
    } = &mut result.origin
    {
        *resource_version = version.into();
    }
    result
}

/// Writes results at a time.
pub(crate) fn write(store: &mut Store, results: &[ObjectResult], seconds: i64) -> WriteCounts {
    let writes: Vec<ObjectWrite<'_>> = results.iter().map(ObjectWrite::new).collect();
    store.write(&writes, time(seconds)).unwrap()
}
