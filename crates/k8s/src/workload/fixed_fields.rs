//! The fields of a Pod that no update changes: what the API server compares in `ValidatePodUpdate`. It
//! allows other values of `image`, `resources`, `tolerations` and a few more fields, and ephemeral
//! containers can be added.

use kubevet_model::{FieldPattern, PatternRoot, PatternStep};

/// An element of a list.
const EACH: &str = "[]";

/// Fields of the metadata that are fixed.
const METADATA: &[&str] = &["name", "namespace"];

/// Fields of the pod spec that are fixed, with all that is in them.
const SPEC: &[&str] = &[
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "imagePullSecrets",
    "os",
    "priorityClassName",
    "restartPolicy",
    "runtimeClassName",
    "securityContext",
    "serviceAccountName",
    "shareProcessNamespace",
    "volumes",
];

/// The lists of containers to which no update adds one.
const CONTAINERS: &[&str] = &["containers", "initContainers"];

/// Fields of these containers that are fixed, with all that is in them.
const CONTAINER: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "lifecycle",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "securityContext",
    "startupProbe",
    "stdin",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];

/// True if no update of a Pod changes the value of the field.
#[must_use]
pub fn is_fixed_value(field: &FieldPattern) -> bool {
    match *steps(field) {
        ["metadata", field, ..] => METADATA.contains(&field),
        ["spec", list, EACH, field, ..] if CONTAINERS.contains(&list) => CONTAINER.contains(&field),
        ["spec", field, ..] => SPEC.contains(&field),
        _ => false,
    }
}

/// True if no update of a Pod adds or removes the field, or an element of it.
#[must_use]
pub fn is_fixed_collection(field: &FieldPattern) -> bool {
    match *steps(field) {
        [] | ["metadata" | "spec"] => true,
        ["spec", list] | ["spec", list, EACH] if CONTAINERS.contains(&list) => true,
        _ => is_fixed_value(field),
    }
}

/// The steps from the root of a Pod. A number is the index of an element: no fixed map has such keys.
fn steps(field: &FieldPattern) -> Box<[&str]> {
    let root = match field.root {
        PatternRoot::Object => None,
        PatternRoot::PodSpec => Some("spec"),
        PatternRoot::PodMetadata => Some("metadata"),
    };
    let steps = field.steps.iter().map(|step| match step {
        PatternStep::Field(name) if !name.bytes().all(|byte| byte.is_ascii_digit()) => name,
        PatternStep::Field(_) | PatternStep::Each => EACH,
    });
    root.into_iter().chain(steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks whether value and elements of a field are fixed; `[]` is an element.
    #[track_caller]
    fn check(path: &str, value: bool, collection: bool) {
        let step = |step: &str| match step {
            EACH => PatternStep::Each,
            name => PatternStep::Field(name.to_owned()),
        };
        let field = FieldPattern {
            root: PatternRoot::Object,
            steps: path.split('.').map(step).collect(),
        };
        assert_eq!(is_fixed_value(&field), value, "{path}");
        assert_eq!(is_fixed_collection(&field), collection, "{path}");
    }

    #[test]
    fn fields_of_a_pod() {
        check("metadata.namespace", true, true);
        check("metadata.labels.app", false, false);
        check("metadata", false, true);
        check("spec", false, true);
        check("spec.hostNetwork", true, true);
        check("spec.volumes.[].hostPath.path", true, true);
        check("spec.tolerations", false, false);
        check("spec.containers", false, true);
        check("spec.containers.[]", false, true);
        check("spec.containers.0.command.[]", true, true);
        check("spec.initContainers.[].args", true, true);
        check("spec.containers.[].image", false, false);
        check("spec.containers.[].resources.limits", false, false);
        check("spec.ephemeralContainers.[].command", false, false);
        check("spec.ephemeralContainers", false, false);
        check("status.phase", false, false);
    }

    #[test]
    fn root_is_that_of_a_pod() {
        let of =
            |root| FieldPattern::of(root).then(PatternStep::Field("securityContext".to_owned()));
        assert!(is_fixed_value(&of(PatternRoot::PodSpec)));
        assert!(!is_fixed_value(&of(PatternRoot::PodMetadata)));
        assert!(is_fixed_collection(&FieldPattern::of(
            PatternRoot::PodMetadata
        )));
    }
}
