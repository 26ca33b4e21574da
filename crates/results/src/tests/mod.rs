//! Results with known content; in the files below, what is made of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod result_goldens;
mod result_properties;

use super::ResultBuilder;
use kubevet_model::{
    Control, ControlId, EvalError, Evidence, Finding, Fingerprint, Fix, FixAction, LocatedFinding,
    ObjectId, ObjectResult, Origin, RuleError, Severity,
};
use std::sync::Arc;

/// A control with a score.
fn control(id: &str, name: &str, score: f64) -> Control {
    Control {
        id: id.into(),
        name: name.to_owned(),
        kubescape_name: None,
        risk: String::new(),
        check: String::new(),
        remediation: String::new(),
        example: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
        severity: Severity::of_score(score),
        score,
        kubescape_score: None,
        category: "Workload / Node escape".to_owned(),
        sensitive: false,
        cause: None,
        kinds: Vec::new(),
        scope: Vec::new(),
        params: Vec::new(),
        requires_any_param: Vec::new(),
        public_rules: Vec::new(),
    }
}

/// The controls of the tests: one of each severity, one that reads credentials.
fn controls() -> Vec<Arc<Control>> {
    let privileged = Control {
        kubescape_name: Some("Privileged container".to_owned()),
        public_rules: vec!["rule-privilege-escalation".to_owned()],
        ..control("C-0057", "Privileged containers", 8.0)
    };
    let credentials = Control {
        sensitive: true,
        ..control("C-0012", "Credentials in configuration", 8.0)
    };
    let critical = control("C-0262", "Role for everybody", 9.5);
    let medium = control("C-0041", "Host network", 5.5);
    let low = control("C-0056", "No liveness probe", 3.0);
    let all = [privileged, credentials, critical, medium, low];
    all.into_iter().map(Arc::new).collect()
}

fn builder() -> ResultBuilder {
    ResultBuilder::new(controls(), "demo", "kubevet")
}

fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn origin() -> Origin {
    Origin::Cluster {
        uid: "0b6f1c1e-3d1f-4a7b-9a53-3a2f6f0d9a11".into(),
        resource_version: "4711".into(),
    }
}

/// A result that has passed some controls.
fn result(object: ObjectId, passed: &[&str]) -> ObjectResult {
    ObjectResult {
        object: Arc::new(object),
        origin: origin(),
        judged: passed.iter().map(|id| ControlId::from(*id)).collect(),
        findings: Vec::new(),
        errors: Vec::new(),
    }
}

/// Adds a finding with these paths, and fixes that set a field.
fn add_finding(
    result: &mut ObjectResult,
    control: &str,
    message: &str,
    paths: &[&str],
    fixes: &[(&str, &str)],
) {
    let severities = controls();
    let known = severities.iter().find(|known| known.id.as_str() == control);
    let fixes = fixes.iter().map(|(path, value)| Fix {
        path: path.parse().unwrap(),
        action: FixAction::Set((*value).to_owned()),
    });
    let fingerprint = Fingerprint::of([control, message]);
    let id = ControlId::from(control);
    if !result.judged.contains(&id) {
        result.judged.push(id.clone());
        result.judged.sort();
    }
    result.findings.push(LocatedFinding {
        finding: Finding {
            subject: Arc::clone(&result.object),
            rule: id,
            severity: known.map_or(Severity::Medium, |known| known.severity),
            message: message.to_owned(),
            evidence: Evidence::Paths {
                paths: paths.iter().map(|path| path.parse().unwrap()).collect(),
                fixes: fixes.collect(),
            },
            origin: result.origin.clone(),
            fingerprint,
            defect: fingerprint,
        },
        source: None,
        container: None,
        excerpt: Vec::new(),
    });
}

fn add_error(result: &mut ObjectResult, control: &str, error: EvalError) {
    result.errors.push(RuleError {
        control: control.into(),
        error,
    });
}

/// A Deployment with findings of several severities, a credential, and a control that failed.
fn deployment() -> ObjectResult {
    let mut result = result(object("apps/v1", "Deployment", "shop", "web"), &["C-0262"]);
    let container = "spec.template.spec.containers[0]";
    let privileged = format!("{container}.securityContext.privileged");
    add_finding(
        &mut result,
        "C-0057",
        "container web is privileged",
        &[&privileged],
        &[(&privileged, "false")],
    );
    result.findings[0].container = Some("web".to_owned());
    let value = format!("{container}.env[0].value");
    add_finding(
        &mut result,
        "C-0012",
        "the variable DB_PASSWORD of container web may be a credential",
        &[&value, &format!("{container}.env[0].name")],
        &[(&value, "\"correct-horse-battery\"")],
    );
    let probe = format!("{container}.livenessProbe");
    add_finding(
        &mut result,
        "C-0056",
        "container web has no liveness probe",
        &[container],
        &[(&probe, "\"YOUR_VALUE\"")],
    );
    add_error(&mut result, "C-0041", EvalError::NotLoaded);
    result
}

/// An object with many findings of one control, and one of others.
fn many_findings(number: usize) -> ObjectResult {
    let mut result = result(object("v1", "ConfigMap", "shop", "big"), &["C-0262"]);
    for index in 0..number {
        let path = format!("data[key-{index:05}]");
        let message = format!("the value of key-{index:05} may be a credential");
        add_finding(&mut result, "C-0012", &message, &[&path], &[]);
    }
    add_finding(&mut result, "C-0056", "no probe", &["metadata"], &[]);
    result
}
