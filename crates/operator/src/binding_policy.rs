//! What the bindings of a cluster would deny is counted by this: the bindings, each as if it denied
//! nothing yet, and the engine of the gate. It is replaced as a whole.
//!
//! The gate decides: an object is checked as the request that creates it, by the same function, so the
//! scope of a binding, its exclusions and its params mean here what they mean there. Labels of
//! namespaces change without their objects, so namespace selectors are left out of the check of an
//! object, and applied when objects are counted.

use super::sink::BoundControls;
use kubevet_admission::{AdmissionRequest, Callbacks, Decision, Enforcement, UserInfo, decide};
use kubevet_cluster::ApiResource;
use kubevet_document::{Document, Node};
use kubevet_engine::Engine;
use kubevet_k8s::{
    matching::{Attributes, Labels, MatchResources, MatchResult, NamespaceLabels},
    workload::{CONTROLLER_ACCOUNTS, CONTROLLERS},
};
use kubevet_model::{
    Action, Control, ControlId, EvalError, EvalRequest, Kind, Operation, Severity,
};
use kubevet_policy::Binding;
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The user of a request whose user is not known.
const UNKNOWN_USER: &str = "kubevet-operator";
/// The message of an evaluation that panicked.
const PANICKED: &str = "a rule broke down while it was asked";

/// Returns the labels of a namespace by its name; `None` if they are unknown.
pub type LabelsOfNamespace = Arc<dyn Fn(&str) -> Option<Arc<Labels>> + Send + Sync>;

/// Which form of a binding is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingVersion {
    /// The name.
    pub name: String,
    /// The uid.
    pub uid: String,
    /// The generation of the `spec`.
    pub generation: i64,
}

/// The bindings of a cluster, and what they are evaluated by.
pub struct BindingPolicy {
    engine: Arc<Engine>,
    /// The bindings without their namespace selectors, in the order of `versions`.
    enforcement: Enforcement,
    /// The namespace selectors, each alone.
    selectors: Vec<MatchResources>,
    versions: Vec<BindingVersion>,
    bound: Vec<Arc<BoundControls>>,
    labels: LabelsOfNamespace,
}

/// What one binding would do to one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct BindingOutcome {
    /// The position of the binding.
    pub(super) binding: u16,
    /// The number of findings for which it would deny the object.
    pub(super) findings: u16,
    /// The worst severity of the controls of these.
    pub(super) severity: Option<Severity>,
    /// False if a control could not be evaluated.
    pub(super) is_evaluated: bool,
}

impl BindingPolicy {
    /// `engine` is compiled from the library that the bindings were read with, and has all its
    /// controls. In `exempt_namespaces`, the gate denies nothing.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        controls: impl IntoIterator<Item = Arc<Control>>,
        bindings: Vec<(BindingVersion, Binding)>,
        exempt_namespaces: BTreeSet<String>,
        labels: LabelsOfNamespace,
    ) -> Self {
        let (versions, mut bindings): (Vec<BindingVersion>, Vec<Binding>) =
            bindings.into_iter().unzip();
        let selectors = bindings.iter_mut().map(|binding| {
            binding.actions = BTreeSet::from([Action::Audit]);
            MatchResources {
                namespace_selector: mem::take(&mut binding.match_resources.namespace_selector),
                ..MatchResources::default()
            }
        });
        let selectors = selectors.collect();
        let bound = bindings.iter().map(|binding| {
            Arc::new(BoundControls {
                name: binding.name.clone(),
                controls: binding.controls.clone(),
            })
        });
        let bound = bound.collect();
        let controls = controls.into_iter();
        let enforcement = Enforcement {
            bindings,
            controls: controls
                .map(|control| (control.id.clone(), control))
                .collect(),
            path_reads: engine.path_reads(),
            workloads: engine.workloads().clone(),
            exempt_namespaces,
        };
        Self {
            engine,
            enforcement,
            selectors,
            versions,
            bound,
            labels,
        }
    }

    /// The bindings.
    #[must_use]
    pub fn versions(&self) -> &[BindingVersion] {
        &self.versions
    }

    /// The namespaces in which the gate denies nothing.
    pub(super) fn exempt_namespaces(&self) -> &BTreeSet<String> {
        &self.enforcement.exempt_namespaces
    }

    /// True if another policy would count the same: only the actions of bindings differ, or which
    /// namespaces are selected.
    pub(super) fn counts_as(&self, other: &Self) -> bool {
        let name = |version: &BindingVersion| (version.name.clone(), version.uid.clone());
        Arc::ptr_eq(&self.engine, &other.engine)
            && self.enforcement.bindings == other.enforcement.bindings
            && self.enforcement.exempt_namespaces == other.enforcement.exempt_namespaces
            && self
                .versions
                .iter()
                .map(name)
                .eq(other.versions.iter().map(name))
    }

    /// A binding with its controls, by name.
    pub(super) fn bound(&self, binding: usize) -> Option<&Arc<BoundControls>> {
        self.bound.get(binding)
    }

    /// The controls of a binding.
    pub(super) fn controls(&self, binding: usize) -> Vec<Arc<Control>> {
        let binding = self.enforcement.bindings.get(binding);
        let ids = binding.into_iter().flat_map(|binding| &binding.controls);
        ids.filter_map(|id| self.enforcement.controls.get(id).cloned())
            .collect()
    }

    /// True if the selector of a binding selects a namespace: `None` if its labels are not known.
    pub(super) fn selects(&self, binding: usize, namespace: &str) -> Option<bool> {
        let labels = (self.labels)(namespace);
        let request = Attributes {
            namespace,
            ..Attributes::default()
        };
        let known = || match &labels {
            Some(labels) => NamespaceLabels::Known(labels),
            None => NamespaceLabels::Unknown,
        };
        match self.selectors.get(binding)?.matches(&request, known) {
            MatchResult::Yes => Some(true),
            MatchResult::No => Some(false),
            MatchResult::Unknown => None,
        }
    }

    /// Returns the outcomes of the bindings in whose scope an object is, and of which a control
    /// checks it; and the namespace that it counts for.
    pub(super) fn check(
        &self,
        object: &Document,
        resource: &ApiResource,
    ) -> (String, Vec<BindingOutcome>) {
        let id = object.id();
        let is_namespace = resource.kind == Kind::new("", "Namespace");
        // A Namespace is in itself.
        let namespace = if is_namespace {
            &id.name
        } else {
            &id.namespace
        };
        if self.enforcement.exempt_namespaces.contains(namespace) {
            return (namespace.clone(), Vec::new());
        }
        let labels = labels(object);
        let user = UserInfo {
            name: creator(object).map_or_else(
                || UNKNOWN_USER.to_owned(),
                |account| format!("{CONTROLLER_ACCOUNTS}{account}"),
            ),
            groups: vec!["system:authenticated".to_owned()],
        };
        let request = AdmissionRequest {
            attributes: Attributes {
                operation: Operation::Create,
                group: &resource.kind.group,
                version: &resource.version,
                resource: &resource.plural,
                subresource: "",
                name: &id.name,
                namespace,
                labels: Some(&labels),
                old_labels: None,
            },
            kind: &resource.kind,
            user: &user,
            dry_run: true,
            object: Some(object),
            old_object: None,
        };
        let creation = EvalRequest {
            operation: Operation::Create,
        };
        let callbacks = Callbacks {
            namespace_labels: &|| None,
            evaluate: &|object, params| {
                let judge = AssertUnwindSafe(|| self.engine.judge(object, &creation, params));
                let verdict = catch_unwind(judge);
                verdict
                    .map(Arc::new)
                    .map_err(|_| EvalError::RuleFailed(PANICKED.to_owned()))
            },
            is_past_deadline: &|| false,
        };
        let decision = decide(&self.enforcement, &request, &callbacks);
        let bindings = self.enforcement.bindings.iter().enumerate();
        let outcomes = bindings.filter_map(|(number, binding)| {
            let number = u16::try_from(number).ok()?;
            self.outcome(number, binding, &decision)
        });
        (namespace.clone(), outcomes.collect())
    }

    fn outcome(
        &self,
        number: u16,
        binding: &Binding,
        decision: &Decision,
    ) -> Option<BindingOutcome> {
        let mut unevaluated = decision.unevaluated.iter();
        let is_evaluated = unevaluated.all(|of| of.binding != binding.name);
        let matches = decision.bindings.contains(&binding.name);
        let mut evaluated = decision.evaluated.iter();
        let is_checked = evaluated.any(|control| binding.controls.contains(control));
        if is_evaluated && !(matches && is_checked) {
            return None;
        }
        let denied = decision.would_deny.iter();
        let denied: BTreeMap<_, usize> = denied
            .filter(|of| of.binding == binding.name)
            .map(|of| (&of.control, of.count))
            .collect();
        let severity = |control: &ControlId| {
            let control = self.enforcement.controls.get(control);
            control.map_or(Severity::Low, |control| control.severity)
        };
        Some(BindingOutcome {
            binding: number,
            findings: u16::try_from(denied.values().sum::<usize>()).unwrap_or(u16::MAX),
            severity: denied.keys().copied().map(severity).max(),
            is_evaluated,
        })
    }
}

/// Returns the service account of the built-in controller that has created an object, by its
/// controller reference: it may deny less to that than to anybody else.
fn creator(object: &Document) -> Option<&'static str> {
    let references = object.root().get("metadata")?.get("ownerReferences")?;
    let owner = references
        .elements()
        .find(|owner| owner.get("controller").and_then(Node::as_bool) == Some(true))?;
    let field = |key: &str| owner.get(key).and_then(Node::as_str).unwrap_or_default();
    let (group, kind) = (Kind::group_of(field("apiVersion")), field("kind"));
    let mut controllers = CONTROLLERS.iter();
    let controller = controllers.find(|known| known.group == group && known.kind == kind)?;
    Some(controller.account)
}

fn labels(object: &Document) -> Labels {
    let metadata = object.root().get("metadata");
    let labels = metadata.and_then(|metadata| metadata.get("labels"));
    let entries = labels.into_iter().flat_map(Node::entries);
    entries
        .filter_map(|entry| Some((entry.key.to_owned(), entry.value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Limits};
    use kubevet_policy as policy;
    use kubevet_prebuilt as prebuilt;

    const BINDINGS: &str = "
apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: all}
spec: {controls: [C-0057], validationActions: [Deny]}
---
apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: shop}
spec: {controls: [C-0057], matchResources: {namespaces: [shop], excludeResourceRules: [{resources: [pods], resourceNames: [known]}]}}
---
apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: labelled}
spec: {controls: [C-0057], matchResources: {objectSelector: {matchLabels: {tier: web}}, namespaceSelector: {matchLabels: {team: a}}}}
---
apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: pods}
spec: {controls: [C-0057], matchResources: {resourceRules: [{resources: [pods]}]}}
";

    fn policy_of_bindings() -> BindingPolicy {
        let (library, _) = prebuilt::library();
        let (engine, problems) = Engine::compile_with(&library, prebuilt::precompiled());
        assert_eq!(problems, []);
        let file = Arc::from("bindings.yaml");
        let loaded = policy::read_bindings(&file, BINDINGS.as_bytes(), &library);
        assert_eq!(loaded.problems, []);
        let bindings = loaded.bindings.into_iter().map(|binding| {
            let version = BindingVersion {
                name: binding.name.clone(),
                ..BindingVersion::default()
            };
            (version, binding)
        });
        let controls = library.controls.iter();
        let labels: LabelsOfNamespace = Arc::new(|namespace| match namespace {
            "shop" => Some(Arc::new(Labels::from([("team".into(), "a".into())]))),
            "web" => Some(Arc::default()),
            _ => None,
        });
        BindingPolicy::new(
            Arc::new(engine),
            controls.map(|source| Arc::clone(&source.control)),
            bindings.collect(),
            BTreeSet::from(["kube-system".to_owned()]),
            labels,
        )
    }

    /// Describes the outcomes for an object: `binding findings`.
    #[track_caller]
    fn check(policy: &BindingPolicy, yaml: &str, expected: &[&str]) {
        let parsed = document::read(&Arc::from("-"), yaml.as_bytes(), &Limits::default());
        let object = parsed.documents.first().unwrap();
        let kind = object.id().group_kind();
        let resource = ApiResource {
            version: "v1".to_owned(),
            plural: format!("{}s", kind.name.to_ascii_lowercase()),
            singular: kind.name.to_ascii_lowercase(),
            short_names: Vec::new(),
            namespaced: true,
            kind,
        };
        let (_, outcomes) = policy.check(object, &resource);
        let described = outcomes.iter().map(|outcome| {
            let binding = policy.bound(outcome.binding.into()).unwrap();
            assert!(outcome.is_evaluated, "{outcome:?}");
            assert_eq!(outcome.severity.is_some(), outcome.findings > 0);
            format!("{} {}", binding.name, outcome.findings)
        });
        assert_eq!(described.collect::<Vec<_>>(), expected, "{yaml}");
    }

    fn pod(metadata: &str, is_privileged: bool) -> String {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{{metadata}}}, spec: {{containers: \
             [{{name: c, image: x, securityContext: {{privileged: {is_privileged}}}}}]}}}}"
        )
    }

    #[test]
    fn object_is_checked_as_the_request_that_creates_it() {
        let policy = policy_of_bindings();
        let check = |yaml: &str, expected: &[&str]| check(&policy, yaml, expected);
        check(&pod("name: a, namespace: web", true), &["all 1", "pods 1"]);
        check(&pod("name: a, namespace: web", false), &["all 0", "pods 0"]);
        check(
            &pod("name: a, namespace: shop", true),
            &["all 1", "shop 1", "pods 1"],
        );
        check(
            &pod("name: known, namespace: shop", true),
            &["all 1", "pods 1"],
        );
        check(
            &pod("name: a, namespace: web, labels: {tier: web}", true),
            &["all 1", "labelled 1", "pods 1"],
        );
        check(&pod("name: a, namespace: kube-system", true), &[]);
        // No control of a binding checks it.
        let service = "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: web}}";
        check(service, &[]);
        // The owner of a Pod is denied, unless the binding does not cover it.
        let owned = "name: a-x, namespace: web, ownerReferences: \
             [{apiVersion: apps/v1, kind: ReplicaSet, name: a, uid: u, controller: true}]";
        check(&pod(owned, true), &["all 0", "pods 1"]);
        let foreign = owned.replace("apps/v1", "example.com/v1");
        check(&pod(&foreign, true), &["all 1", "pods 1"]);
    }

    #[test]
    fn namespaces_are_selected_by_their_present_labels() {
        let policy = policy_of_bindings();
        for (binding, namespace, expected) in [
            (0, "unknown", Some(true)),
            (2, "shop", Some(true)),
            (2, "web", Some(false)),
            (2, "unknown", None),
            (2, "", Some(true)),
        ] {
            assert_eq!(policy.selects(binding, namespace), expected, "{namespace}");
        }
        let other = policy_of_bindings();
        assert!(policy.counts_as(&policy));
        // Another engine is another library.
        assert!(!policy.counts_as(&other));
    }
}
