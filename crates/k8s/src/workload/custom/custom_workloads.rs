//! The table of custom kinds that is in force: the shipped rows and those of the user.

use super::{
    layout::{ComposedPod, PodForm, PodLayout, PodShape},
    path_pattern::PathStep,
    shipped::SHIPPED,
};
use crate::{
    schema::Schema,
    workload::{containers::CONTAINER_LISTS, is_workload},
};
use kubevet_model::{FieldPath, Kind, Segment};
use std::sync::Arc;

/// A kind outside Kubernetes whose objects hold pod specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomWorkload {
    /// The API group and the kind.
    pub kind: Kind,
    /// The plural name.
    pub resource: String,
    /// Where the pods are.
    pub pods: Vec<PodLayout>,
}

/// The kinds outside Kubernetes that hold pod specs. A clone copies a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomWorkloads {
    /// Sorted by kind.
    rows: Arc<Vec<CustomWorkload>>,
}

/// The kind has a row already, or Kubernetes has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is a kind of Kubernetes.
    BuiltIn,
    /// It is in the table.
    Known,
}

impl CustomWorkloads {
    /// The shipped kinds.
    #[must_use]
    pub fn shipped() -> Self {
        let row = |row: &super::ShippedWorkload| CustomWorkload {
            kind: Kind::new(row.group, row.kind),
            resource: row.resource.to_owned(),
            pods: row.pods.layouts(),
        };
        Self {
            rows: Arc::new(SHIPPED.iter().map(row).collect()),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The kind is taken.
    pub fn add(&mut self, row: CustomWorkload) -> Result<(), Taken> {
        if is_workload(&row.kind) || Schema::embedded().kind(&row.kind).is_some() {
            return Err(Taken::BuiltIn);
        }
        match self.position(&row.kind.group, &row.kind.name) {
            Ok(_) => Err(Taken::Known),
            Err(at) => {
                Arc::make_mut(&mut self.rows).insert(at, row);
                Ok(())
            }
        }
    }

    /// The rows, sorted by kind.
    #[must_use]
    pub fn rows(&self) -> &[CustomWorkload] {
        &self.rows
    }

    /// The row of a kind.
    #[must_use]
    pub fn get(&self, group: &str, name: &str) -> Option<&CustomWorkload> {
        let at = self.position(group, name).ok()?;
        self.rows.get(at)
    }

    /// The plural name of a kind: of the table, of Kubernetes, or else the regular one.
    #[must_use]
    pub fn resource(&self, kind: &Kind) -> String {
        match self.get(&kind.group, &kind.name) {
            Some(row) => row.resource.clone(),
            None => Schema::embedded().resource(kind),
        }
    }

    /// The path of the container that `path` is in, for a kind of the table.
    #[must_use]
    pub fn container_of(&self, kind: &Kind, path: &FieldPath) -> Option<FieldPath> {
        let row = self.get(&kind.group, &kind.name)?;
        let segments: Vec<Segment<'_>> = path.segments().collect();
        let depths = row
            .pods
            .iter()
            .filter_map(|pod| container_depth(pod, &segments));
        depths.max().map(|depth| path.prefix(depth))
    }

    fn position(&self, group: &str, name: &str) -> Result<usize, usize> {
        let key = |row: &CustomWorkload| {
            (row.kind.group.as_str(), row.kind.name.as_str()).cmp(&(group, name))
        };
        self.rows.binary_search_by(key)
    }
}

/// The number of segments that lead to the container; `None` if they lead to none of this pod.
fn container_depth(pod: &PodLayout, segments: &[Segment<'_>]) -> Option<usize> {
    let steps = &pod.path().0;
    let (prefix, rest) = segments.split_at_checked(steps.len())?;
    if !steps
        .iter()
        .zip(prefix)
        .all(|(step, segment)| step.matches(*segment))
    {
        return None;
    }
    let inside = match pod {
        PodLayout::Template { .. } => match rest.split_first()? {
            (spec, rest) if spec.is_key("spec") => listed(rest)? + 1,
            _ => return None,
        },
        PodLayout::Spec(_) => listed(rest)?,
        PodLayout::Composed(pod) => composed(pod, rest)?,
    };
    Some(steps.len() + inside)
}

fn listed(rest: &[Segment<'_>]) -> Option<usize> {
    match rest {
        [
            Segment::Field(list),
            Segment::Index(_) | Segment::Key(_),
            ..,
        ] if CONTAINER_LISTS.contains(list) => Some(2),
        _ => None,
    }
}

fn composed(pod: &ComposedPod, rest: &[Segment<'_>]) -> Option<usize> {
    let source = pod.containers.iter().find(|source| {
        let fields = source.path.iter().zip(rest);
        rest.len() >= source.path.len() && fields.into_iter().all(|(name, at)| at.is_key(name))
    })?;
    let depth = source.path.len() + usize::from(source.is_list);
    (rest.len() >= depth).then_some(depth)
}

impl CustomWorkload {
    /// The shape of the pods of one form; `None` if there are none.
    #[must_use]
    pub fn shape(&self, form: PodForm) -> Option<PodShape> {
        let shapes = self.pods.iter().map(PodLayout::shape);
        shapes.filter(|shape| shape.form == form).max()
    }

    /// The kind with its pods of one form alone.
    #[must_use]
    pub fn of_form(&self, form: PodForm) -> Self {
        let mut row = self.clone();
        row.pods.retain(|pod| pod.shape().form == form);
        row
    }

    /// True if no container is merged from several places of the object.
    #[must_use]
    pub fn has_whole_containers(&self) -> bool {
        self.pods.iter().all(PodLayout::has_whole_containers)
    }

    /// True if all pods of the object have the fields of a pod spec under their own names.
    #[must_use]
    pub fn has_pod_specs(&self) -> bool {
        let is_composed = |pod: &PodLayout| matches!(pod, PodLayout::Composed(_));
        !self.pods.iter().any(is_composed)
    }

    /// True if a path of the row has a placeholder.
    #[must_use]
    pub fn has_several_pods(&self) -> bool {
        let is_each = |step: &PathStep| !matches!(step, PathStep::Field(_));
        self.pods.len() > 1 || self.pods.iter().any(|pod| pod.path().0.iter().any(is_each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_rows_are_sorted_and_complete() {
        let table = CustomWorkloads::shipped();
        let key = |row: &super::super::ShippedWorkload| (row.group, row.kind);
        assert!(SHIPPED.is_sorted_by_key(key));
        for row in SHIPPED {
            let found = table.get(row.group, row.kind).unwrap();
            let paths = match row.pods {
                super::super::shipped::Pods::Templates(paths)
                | super::super::shipped::Pods::CompletingTemplates(paths)
                | super::super::shipped::Pods::Specs(paths)
                | super::super::shipped::Pods::Argo(paths, _)
                | super::super::shipped::Pods::Tekton(paths, _) => paths,
            };
            assert_eq!(found.pods.len(), paths.len(), "{}", row.kind);
            assert!(!row.versions.is_empty() && row.module.contains(" v"));
            assert!(Schema::embedded().kind(&found.kind).is_none());
        }
    }

    #[track_caller]
    fn check(kind: Kind, path: &str, container: Option<&str>) {
        let table = CustomWorkloads::shipped();
        let found = table.container_of(&kind, &path.parse().unwrap());
        assert_eq!(
            found.map(|path| path.to_string()).as_deref(),
            container,
            "{path}"
        );
    }

    #[test]
    fn path_is_in_its_container() {
        let argo = |name| Kind::new("argoproj.io", name);
        check(
            argo("Rollout"),
            "spec.template.spec.containers[1].image",
            Some("spec.template.spec.containers[1]"),
        );
        check(argo("Rollout"), "spec.template.spec.hostPID", None);
        check(argo("Rollout"), "spec.strategy", None);
        check(
            argo("Workflow"),
            "spec.templates[2].container.securityContext",
            Some("spec.templates[2].container"),
        );
        check(
            argo("Workflow"),
            "spec.templates[0].containerSet.containers[1].image",
            Some("spec.templates[0].containerSet.containers[1]"),
        );
        check(argo("Workflow"), "spec.hostNetwork", None);
        check(
            Kind::new("kubeflow.org", "PyTorchJob"),
            "spec.pytorchReplicaSpecs.Worker.template.spec.initContainers[0].image",
            Some("spec.pytorchReplicaSpecs.Worker.template.spec.initContainers[0]"),
        );
        check(
            Kind::new("tekton.dev", "Task"),
            "spec.steps[3].computeResources.limits",
            Some("spec.steps[3]"),
        );
        check(
            Kind::new("example.com", "Farm"),
            "spec.template.spec.containers[0]",
            None,
        );
    }

    #[test]
    fn kind_that_is_there_is_not_added() {
        let row = |group: &str, name: &str| CustomWorkload {
            kind: Kind::new(group, name),
            resource: "farms".to_owned(),
            pods: vec![PodLayout::Spec("spec.pod".parse().unwrap())],
        };
        let mut table = CustomWorkloads::shipped();
        assert_eq!(table.add(row("example.com", "Farm")), Ok(()));
        assert_eq!(table.add(row("example.com", "Farm")), Err(Taken::Known));
        assert_eq!(table.add(row("argoproj.io", "Rollout")), Err(Taken::Known));
        assert_eq!(table.add(row("apps", "Deployment")), Err(Taken::BuiltIn));
        assert_eq!(table.add(row("", "Service")), Err(Taken::BuiltIn));
        assert_eq!(table.resource(&Kind::new("example.com", "Farm")), "farms");
    }
}
