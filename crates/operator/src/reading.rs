//! Which resources of a cluster are read for the chosen controls: those that it serves, and that the
//! options leave.

use kubevet_cluster::{
    ApiResources, ClusterError, ListOptions, ReadEvent, ReadRequest, ResourceRequest,
};
use kubevet_engine::{Engine, Explanation};
use kubevet_model::{Control, ControlId, Kind, join_first};
use kubevet_scan::{ObjectFilter, PlannedKind, ReadPlan, UnreadLog};
use std::{collections::BTreeSet, sync::Arc};

/// Why objects are not read whose listing is refused.
const NOT_ALLOWED: &str =
    "listing them is not allowed; `kubevet manifests scan-rbac` prints the rights of a scan";

/// The most namespaces that are named.
const MAX_NAMES: usize = 3;

/// Which objects are read.
#[derive(Debug, Clone, Default)]
pub struct ReadingOptions {
    /// The kinds to read, or not to read.
    pub kinds: ObjectFilter,
    /// The namespaces; empty for all. With some, the resources outside namespaces are left out.
    pub namespaces: Vec<String>,
    /// The namespaces to leave out of all.
    pub excluded_namespaces: Vec<String>,
    /// The namespace that is read if the names of the others are not known.
    pub own_namespace: String,
    /// A label selector as in kubectl; empty for none.
    pub label_selector: String,
    /// True if Secrets are read whole where a control checks what they hold.
    pub read_secrets: bool,
}

impl ReadingOptions {
    /// Returns which objects are left out by choice, but for those of some kinds and those of the
    /// `exempt` namespaces.
    pub(super) fn left_out(&self, exempt: &BTreeSet<String>) -> Vec<String> {
        let mut left_out = Vec::new();
        if !self.namespaces.is_empty() {
            let names = join_first(&self.namespaces, MAX_NAMES);
            left_out.push(format!("other namespaces than {names}: --namespaces"));
        }
        let excluded = self.excluded_namespaces.iter();
        let excluded: Vec<&String> = excluded.filter(|name| !exempt.contains(*name)).collect();
        if !excluded.is_empty() {
            let names = join_first(&excluded, MAX_NAMES);
            left_out.push(format!("the namespaces {names}: --exclude-namespaces"));
        }
        if !self.label_selector.is_empty() {
            left_out.push("objects without some labels: --label-selector".to_owned());
        }
        left_out
    }
}

/// What will be read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The request.
    pub request: ReadRequest,
    /// The planned kinds, in the order of the resources of the request.
    pub kinds: Vec<PlannedKind>,
    /// What cannot be read, or must not be.
    pub unread: UnreadLog,
}

impl Reading {
    /// Decides what is read for the controls. `engine` is compiled from them.
    #[must_use]
    pub fn new(
        options: &ReadingOptions,
        resources: &ApiResources,
        controls: &[Arc<Control>],
        engine: &Engine,
    ) -> Self {
        let mut reading = Self {
            request: ReadRequest {
                resources: Vec::new(),
                own_namespace: options.own_namespace.clone(),
                options: ListOptions {
                    label_selector: options.label_selector.clone(),
                    excluded_namespaces: options.excluded_namespaces.clone(),
                    metadata_only: false,
                },
                namespaces: options.namespaces.clone(),
            },
            kinds: Vec::new(),
            unread: UnreadLog::default(),
        };
        for planned in ReadPlan::new(controls).kinds {
            if options.kinds.allows_kind(&planned.kind) {
                reading.add(options, resources, engine, planned);
            }
        }
        reading
    }

    fn add(
        &mut self,
        options: &ReadingOptions,
        resources: &ApiResources,
        engine: &Engine,
        planned: PlannedKind,
    ) {
        let Some(resource) = resources.find(&planned.kind) else {
            // A kind that is not served has no objects. Whether it is served is not known if its
            // own server does not answer.
            if resources.is_stale(&planned.kind.group) {
                let reason = "the server of its API group does not answer";
                self.unread.everywhere(&planned.kind, reason);
            }
            return;
        };
        if !resource.namespaced && !self.request.namespaces.is_empty() {
            return;
        }
        let is_secret = planned.kind == Kind::new("", "Secret");
        let metadata_only = is_secret && !options.read_secrets;
        if metadata_only && !reads_metadata_alone(engine, &planned.controls) {
            let reason = "a chosen control checks what they hold: --read-secrets reads them";
            self.unread.everywhere(&planned.kind, reason);
            return;
        }
        self.request.resources.push(ResourceRequest {
            resource: resource.clone(),
            metadata_only,
        });
        self.kinds.push(planned);
    }

    /// The kinds whose objects will be read.
    #[must_use]
    pub fn kind_set(&self) -> BTreeSet<Kind> {
        let kinds = self.kinds.iter().map(|planned| planned.kind.clone());
        kinds.collect()
    }

    /// The kind at a position of the request.
    #[must_use]
    pub fn kind(&self, resource: usize) -> Option<&Kind> {
        self.kinds.get(resource).map(|planned| &planned.kind)
    }

    /// How a kind is read.
    pub(super) fn resource_of(&self, kind: &Kind) -> Option<&ResourceRequest> {
        let position = self
            .kinds
            .iter()
            .position(|planned| planned.kind == *kind)?;
        self.request.resources.get(position)
    }

    /// Returns the reading of some of the kinds.
    pub(super) fn of_kinds(&self, kinds: &BTreeSet<Kind>) -> Self {
        let pairs = self.kinds.iter().zip(&self.request.resources);
        let (planned, resources) = pairs
            .filter(|(planned, _)| kinds.contains(&planned.kind))
            .map(|(planned, resource)| (planned.clone(), resource.clone()))
            .unzip();
        Self {
            request: ReadRequest {
                resources,
                ..self.request.clone()
            },
            kinds: planned,
            unread: UnreadLog::default(),
        }
    }

    /// Keeps reading what `old` has and this one does not know: the kinds of an API group whose own
    /// server does not answer at present.
    pub(super) fn keep_unknown(&mut self, old: &Self) {
        let unknown = self.unread.kinds();
        for (planned, resource) in old.kinds.iter().zip(&old.request.resources) {
            if unknown.contains(&planned.kind) && self.resource_of(&planned.kind).is_none() {
                self.kinds.push(planned.clone());
                self.request.resources.push(resource.clone());
            }
        }
    }

    /// Records what could not be read.
    pub fn record_failure(&self, event: &ReadEvent, unread: &mut UnreadLog) {
        match event {
            ReadEvent::Page { .. } | ReadEvent::Listed(_) => {}
            ReadEvent::Failed {
                resource,
                namespace,
                error,
                ..
            } => {
                let Some(kind) = self.kind(*resource) else {
                    return;
                };
                match namespace {
                    Some(namespace) => unread.in_namespace(kind, namespace, reason(error)),
                    None => unread.everywhere(kind, reason(error)),
                }
            }
            ReadEvent::OnlyIn {
                resource,
                namespaces,
                error,
            } => {
                let Some(kind) = self.kind(*resource) else {
                    return;
                };
                let cause = if error.is_forbidden() {
                    "listing namespaces is not allowed".to_owned()
                } else {
                    error.cause()
                };
                let reason =
                    format!("no other namespace is known ({cause}); --namespaces names some");
                unread.in_others(kind, namespaces, reason);
            }
        }
    }
}

/// Returns why objects are not read, as half a sentence.
pub(super) fn reason(error: &ClusterError) -> String {
    if error.is_forbidden() {
        NOT_ALLOWED.to_owned()
    } else {
        error.cause()
    }
}

/// True if the rules of the controls are known to read nothing of an object but its identity, labels
/// and annotations.
fn reads_metadata_alone(engine: &Engine, controls: &[ControlId]) -> bool {
    let is_metadata = |path: &String| {
        let first = path.split(['.', '[']).next().unwrap_or_default();
        ["metadata", "kind", "apiVersion", "params"].contains(&first)
    };
    controls.iter().all(|id| {
        matches!(engine.explain(id), Some(Explanation::Compiled { reads, .. })
            if !reads.is_empty() && reads.iter().all(is_metadata))
    })
}
