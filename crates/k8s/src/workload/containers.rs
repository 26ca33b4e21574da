//! The container that a field path is in.

use super::pod_spec_path;
use kubevet_model::{FieldPath, Kind, Segment};

pub(super) const CONTAINER_LISTS: [&str; 3] =
    ["containers", "initContainers", "ephemeralContainers"];

/// Returns the path of the container that `path` is in, such as `spec.initContainers[0]`.
#[must_use]
pub fn container_of(kind: &Kind, path: &FieldPath) -> Option<FieldPath> {
    let spec = pod_spec_path(kind)?;
    let mut segments = path.segments();
    for field in spec {
        segments.next().filter(|segment| segment.is_key(field))?;
    }
    match (segments.next()?, segments.next()?) {
        (Segment::Field(list), Segment::Index(_) | Segment::Key(_))
            if CONTAINER_LISTS.contains(&list) =>
        {
            Some(path.prefix(spec.len() + 2))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, path: &str, container: Option<&str>) {
        let found = container_of(&kind, &path.parse().unwrap()).map(|path| path.to_string());
        assert_eq!(found.as_deref(), container, "{path}");
    }

    #[test]
    fn path_is_in_its_container() {
        let pod = || Kind::new("", "Pod");
        check(
            pod(),
            "spec.initContainers[0].securityContext.privileged",
            Some("spec.initContainers[0]"),
        );
        check(pod(), "spec.containers[2]", Some("spec.containers[2]"));
        check(pod(), "spec.containers", None);
        check(pod(), "spec.volumes[0].hostPath", None);
        check(pod(), "spec.template.spec.containers[0]", None);
        check(
            Kind::new("batch", "CronJob"),
            "spec.jobTemplate.spec.template.spec.containers[1].image",
            Some("spec.jobTemplate.spec.template.spec.containers[1]"),
        );
        check(Kind::new("", "ConfigMap"), "data[pwd]", None);
    }
}
