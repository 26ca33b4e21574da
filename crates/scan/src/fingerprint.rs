//! Violations become findings: each gets its origin, and two keys that stay the same from run to
//! run.
//!
//! A path is normalized before it goes into a key: a list index becomes what Kubernetes merges the
//! list by (`containers[0]` → `containers[name="app"]`), so that an element put before another
//! changes no key. The decision about an UPDATE compares findings by the same rule, see
//! `finding_key` in the crate `admission`; its keys are secret and live as long as a request.

use kubevet_document::{Document, Node};
use kubevet_k8s::workload;
use kubevet_model::{
    Control, Evidence, FieldPath, Finding, Fingerprint, ObjectId, Origin, Segment, Severity,
    Violation,
};
use kubevet_policy::shared_cause;
use std::{fmt::Write as _, sync::Arc};

/// The finding of a violation. `control` is the control that reported it.
pub(super) fn finding(
    document: &Document,
    object: &Arc<ObjectId>,
    origin: &Origin,
    control: Option<&Control>,
    violation: Violation,
) -> Finding {
    // A key is public, and a short secret could be guessed from it: what is inside a list element
    // stays out of the keys of sensitive controls.
    let hides_values = control.is_some_and(|control| control.sensitive);
    let normalize = |path: &FieldPath| normalize(document, path, hides_values);
    let cause = shared_cause(document, control, &violation, normalize);
    let Violation {
        control: rule,
        paths,
        message,
        fixes,
    } = violation;
    let kind = object.group_kind();
    let subject = [&kind.group, &kind.name, &object.namespace, &object.name];
    let subject = subject.map(String::as_str);

    let mut locations: Vec<String> = paths.iter().map(normalize).collect();
    if locations.is_empty() {
        locations.push(message.clone());
    }
    let parts = ["finding", rule.as_str()].into_iter().chain(subject);
    let fingerprint = Fingerprint::of(parts.chain(locations.iter().map(String::as_str)));

    let defect = match &cause {
        Some(cause) => {
            let parts = ["defect"].into_iter().chain(subject);
            Fingerprint::of(parts.chain(cause.iter().map(String::as_str)))
        }
        None => fingerprint,
    };
    Finding {
        subject: Arc::clone(object),
        rule,
        // A control that the scan does not list counts as critical, so that its findings are not
        // understated.
        severity: control.map_or(Severity::Critical, |control| control.severity),
        message,
        evidence: Evidence::Paths { paths, fixes },
        origin: origin.clone(),
        fingerprint,
        defect,
    }
}

/// A path with merge keys in place of list indices. What does not exist keeps its index.
fn normalize(document: &Document, path: &FieldPath, hides_values: bool) -> String {
    let mut out = String::new();
    let mut node = Some(document.root());
    let mut list = "";
    for segment in path.segments() {
        let child = node.and_then(|node| Some(node.child(segment)?.value));
        match (segment, child) {
            (Segment::Field(name), _) => {
                list = name;
                let _ = write!(out, ".{name}");
            }
            (segment, Some(element)) if node.is_some_and(Node::is_list) => {
                out.push('[');
                if !write_merge_key(list, element, hides_values, &mut out) {
                    out.push_str(&segment.key());
                }
                out.push(']');
            }
            (segment, _) => {
                let _ = write!(out, "[{}]", segment.key());
            }
        }
        node = child;
    }
    out
}

/// Writes what tells an element of a list from its neighbours: the merge key of a known list, the
/// element itself of any other. False if nothing may be written.
fn write_merge_key(list: &str, element: Node<'_>, hides_values: bool, out: &mut String) -> bool {
    let keys = workload::merge_keys(list);
    if keys.iter().any(|key| element.get(key).is_some()) {
        for (index, key) in keys.iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            let _ = write!(out, "{separator}{key}=");
            match (element.get(key), workload::merge_key_default(key)) {
                (Some(value), _) => value.write_canonical_json(out),
                (None, Some(default)) => {
                    let _ = write!(out, "{default:?}");
                }
                (None, None) => {}
            }
        }
        return true;
    }
    if !hides_values {
        element.write_canonical_json(out);
    }
    !hides_values
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Limits};
    use kubevet_model::{Fix, FixAction};

    const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: first
  - name: app
    ports:
    - {containerPort: 80}
    securityContext: {capabilities: {add: [CHOWN, NET_ADMIN]}}
    args: [--password=hunter2]
    probes: [{b: 1, a: [2]}]
";

    fn read(text: &str) -> Document {
        let mut parsed = document::read(&"x.yaml".into(), text.as_bytes(), &Limits::default());
        parsed.documents.remove(0)
    }

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(normalize(&read(POD), &path(text), false), expected);
    }

    #[test]
    fn index_becomes_the_merge_key() {
        check(
            "spec.containers[1].image",
            ".spec.containers[name=\"app\"].image",
        );
        check(
            "spec.containers[1].ports[0].hostPort",
            ".spec.containers[name=\"app\"].ports[containerPort=80,port=,protocol=\"TCP\"].hostPort",
        );
        check(
            "spec.containers[1].securityContext.capabilities.add[1]",
            ".spec.containers[name=\"app\"].securityContext.capabilities.add[\"NET_ADMIN\"]",
        );
        check(
            "spec.containers[1].probes[0].x",
            ".spec.containers[name=\"app\"].probes[{\"a\":[2],\"b\":1}].x",
        );
    }

    #[test]
    fn missing_element_keeps_its_index() {
        check("spec.containers[7].image", ".spec.containers[7].image");
        check("spec.volumes[0]", ".spec.volumes[0]");
        check("metadata.labels[8080]", ".metadata.labels[8080]");
    }

    #[test]
    fn value_of_a_secret_is_left_out() {
        assert_eq!(
            normalize(&read(POD), &path("spec.containers[1].args[0]"), true),
            ".spec.containers[name=\"app\"].args[0]"
        );
    }

    fn violation(control: &str, paths: &[&str], fixes: &[(&str, &str)]) -> Violation {
        Violation {
            control: control.into(),
            paths: paths.iter().map(|text| path(text)).collect(),
            message: format!("message of {control}"),
            fixes: fixes
                .iter()
                .map(|(text, json)| Fix {
                    path: path(text),
                    action: FixAction::Set((*json).to_owned()),
                })
                .collect(),
        }
    }

    fn found(text: &str, violation: Violation) -> Finding {
        let document = read(text);
        let origin = document.origin();
        finding(
            &document,
            &Arc::new(document.id()),
            &origin,
            None,
            violation,
        )
    }

    #[test]
    fn fingerprint_survives_a_moved_element_and_a_new_message() {
        let moved = POD.replace("  - name: first\n", "");
        let before = violation("C-1", &["spec.containers[1].image"], &[]);
        let after = Violation {
            message: "other words".to_owned(),
            ..violation("C-1", &["spec.containers[0].image"], &[])
        };
        assert_eq!(
            found(POD, before.clone()).fingerprint,
            found(&moved, after).fingerprint
        );
        assert_ne!(
            found(POD, before.clone()).fingerprint,
            found(&moved, before).fingerprint
        );
    }

    #[test]
    fn finding_that_shares_its_cause_with_none_is_a_defect_of_its_own() {
        let own = found(POD, violation("C-1", &["spec.containers[1].name"], &[]));
        assert_eq!(own.defect, own.fingerprint);
    }

    #[test]
    fn findings_that_one_edit_repairs_are_one_defect() {
        let fix: &[_] = &[("spec.hostNetwork", "false")];
        let one = found(POD, violation("C-1", &["spec.hostNetwork"], fix));
        let two = found(POD, violation("C-2", &["spec"], fix));
        assert_eq!(one.defect, two.defect);
        assert_ne!(one.fingerprint, two.fingerprint);
        let without_fix = found(POD, violation("C-1", &["spec.hostNetwork"], &[]));
        assert_eq!(without_fix.defect, one.defect);
        assert_eq!(without_fix.fingerprint, one.fingerprint);
    }
}
