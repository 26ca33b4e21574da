//! The key of a finding, by which the findings of the old and the new object are compared.
//!
//! A key covers the control, and for each path of the finding: where it is, the value there, and
//! the values that the control's conditions read at or below the elements on the path. "Where" is
//! the path with each list index replaced by the fields that Kubernetes merges the list by, so that
//! an element inserted before another changes no key. If a value that a condition reads changes,
//! the finding gets another key and counts as new.
//!
//! A custom kind whose controller composes its pods has no paths in common with the rules: there the
//! key covers the whole `spec`, so that any change of it makes the findings new.
//!
//! Keys are hashes with a random seed for each decision, so that no user can construct a collision.

use super::enforcement::Enforcement;
use kubevet_document::{Document, Node, Value};
use kubevet_k8s::workload::{
    self,
    custom::{CustomWorkloads, PodLayout},
};
use kubevet_model::{
    ControlId, ElementField, FieldPath, FieldPattern, Kind, PathReads, PatternRoot, PatternStep,
    Segment, Violation,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher as _, Hash as _, Hasher, RandomState},
};

#[cfg(test)]
mod tests;

/// Strings longer than this are hashed once for each node; shorter ones each time they are reached.
const MIN_MEMOIZED_BYTES: usize = 64;

/// Computes the keys of one object's findings. The hash of each node is memoized, however many
/// findings lead to it.
pub(super) struct FindingKeyHasher<'d> {
    document: &'d Document,
    path_reads: &'d BTreeMap<ControlId, Vec<PathReads>>,
    workloads: &'d CustomWorkloads,
    hash_state: RandomState,
    /// The memoized hashes, by the number of the node.
    node_hashes: RefCell<HashMap<u32, u64>>,
    #[cfg(test)]
    hashed_bytes: std::cell::Cell<usize>,
    pods: PodRoots,
}

/// Where an object keeps its pods.
#[derive(Default)]
struct PodRoots {
    /// The steps from the root of the object to each pod spec, such as `spec`, `template`, `spec`.
    specs: Vec<Vec<PatternStep>>,
    /// The steps from the root of the object to the metadata of each Pod.
    metadata: Vec<Vec<PatternStep>>,
    /// True if a controller composes the pods.
    are_composed: bool,
}

impl PodRoots {
    fn of(document: &Document, workloads: &CustomWorkloads) -> Self {
        let string_field = |key: &str| {
            let field = document.root().get(key);
            field.and_then(Node::as_str).unwrap_or_default()
        };
        let (group, name) = (
            Kind::group_of(string_field("apiVersion")),
            string_field("kind"),
        );
        let field = |name: &&str| PatternStep::Field((*name).to_owned());
        let mut roots = Self::default();
        if let Some(spec) = workload::pod_spec_path_of(group, name) {
            // The metadata of the Pods is beside their spec.
            let template = spec.split_last().map_or(&[][..], |(_, template)| template);
            let metadata = template.iter().chain(&["metadata"]).map(field);
            roots.specs.push(spec.iter().map(field).collect());
            roots.metadata.push(metadata.collect());
            return roots;
        }
        for layout in workloads
            .get(group, name)
            .into_iter()
            .flat_map(|row| &row.pods)
        {
            let steps = |last: &'static str| {
                let steps = layout.path().pattern_steps();
                steps.chain([field(&last)]).collect()
            };
            match layout {
                PodLayout::Template { .. } => {
                    roots.specs.push(steps("spec"));
                    roots.metadata.push(steps("metadata"));
                }
                PodLayout::Spec(path) => {
                    roots.specs.push(path.pattern_steps().collect());
                    roots.metadata.push(vec![field(&"metadata")]);
                }
                PodLayout::Composed(_) => roots.are_composed = true,
            }
        }
        roots
    }
}

/// The keys of all findings of one object.
pub(super) struct FindingKeys(HashSet<u64>);

impl FindingKeys {
    pub(super) fn new<'f>(
        hasher: &FindingKeyHasher<'_>,
        findings: impl IntoIterator<Item = &'f Violation>,
    ) -> Self {
        let findings = findings.into_iter();
        Self(findings.map(|finding| hasher.key(finding)).collect())
    }

    /// Returns true if a finding of another object has one of these keys. `hasher` is that of the
    /// other object.
    pub(super) fn contains(&self, hasher: &FindingKeyHasher<'_>, finding: &Violation) -> bool {
        self.0.contains(&hasher.key(finding))
    }
}

impl<'d> FindingKeyHasher<'d> {
    pub(super) fn new(document: &'d Document, enforcement: &'d Enforcement) -> Self {
        let Enforcement {
            path_reads,
            workloads,
            ..
        } = enforcement;
        Self::with_hash_state(document, path_reads, workloads, RandomState::new())
    }

    /// Returns a hasher for another object, whose keys can be compared with these.
    pub(super) fn for_document(&self, document: &'d Document) -> Self {
        let hash_state = self.hash_state.clone();
        Self::with_hash_state(document, self.path_reads, self.workloads, hash_state)
    }

    fn with_hash_state(
        document: &'d Document,
        path_reads: &'d BTreeMap<ControlId, Vec<PathReads>>,
        workloads: &'d CustomWorkloads,
        hash_state: RandomState,
    ) -> Self {
        Self {
            document,
            path_reads,
            workloads,
            hash_state,
            node_hashes: RefCell::default(),
            #[cfg(test)]
            hashed_bytes: std::cell::Cell::default(),
            pods: PodRoots::of(document, workloads),
        }
    }

    /// Returns the key of a finding of this object.
    fn key(&self, finding: &Violation) -> u64 {
        let mut state = self.hash_state.build_hasher();
        finding.control.hash(&mut state);
        // Without a path, only the message distinguishes findings.
        if finding.paths.is_empty() {
            finding.message.hash(&mut state);
        }
        let path_reads = self.path_reads.get(&finding.control);
        let path_reads = path_reads.map(Vec::as_slice).unwrap_or_default();
        for path in &finding.paths {
            self.hash_path(path, path_reads, &mut state);
        }
        if self.pods.are_composed {
            self.hash_value(self.document.root().get("spec"), &mut state);
        }
        state.finish()
    }

    /// Returns the number of segments that lead to the root of `pattern`, if the pattern matches
    /// the path.
    fn root_depth(&self, pattern: &FieldPattern, segments: &[Segment<'_>]) -> Option<usize> {
        let roots = match pattern.root {
            PatternRoot::Object => return match_from(&[], pattern, segments),
            PatternRoot::PodSpec => &self.pods.specs,
            PatternRoot::PodMetadata => &self.pods.metadata,
        };
        roots
            .iter()
            .find_map(|root| match_from(root, pattern, segments))
    }

    fn hash_path(&self, path: &FieldPath, path_reads: &[PathReads], state: &mut impl Hasher) {
        let segments: Vec<Segment<'_>> = path.segments().collect();
        let nodes = self.hash_location(&segments, state);
        self.hash_value(nodes.last().copied().flatten(), state);
        for read in path_reads {
            let Some(root_depth) = self.root_depth(&read.path, &segments) else {
                continue;
            };
            for ElementField { depth, keys } in &read.fields {
                let element = nodes.get(root_depth + depth).copied().flatten();
                let value = element
                    .and_then(|element| keys.iter().try_fold(element, |node, key| node.get(key)));
                self.hash_value(value, state);
            }
        }
    }

    /// Hashes where a path leads to. Returns the nodes on it: the root, then the node after each
    /// segment, `None` from the first on that does not exist.
    fn hash_location(
        &self,
        segments: &[Segment<'_>],
        state: &mut impl Hasher,
    ) -> Vec<Option<Node<'d>>> {
        segments.len().hash(state);
        let mut nodes = Vec::with_capacity(segments.len() + 1);
        let mut node = Some(self.document.root());
        nodes.push(node);
        // The merge keys depend on the name of the list: the last field before the index.
        let mut list_name = "";
        for &segment in segments {
            let child = node.and_then(|node| Some(node.child(segment)?.value));
            match (node.map(Node::value), child) {
                (Some(Value::List), Some(element)) => {
                    self.hash_element(list_name, element, state);
                }
                _ => segment.key().hash(state),
            }
            if let Segment::Field(name) = segment {
                list_name = name;
            }
            node = child;
            nodes.push(node);
        }
        nodes
    }

    /// Hashes a list element by the merge keys of its list; by its whole value if the list has
    /// none, or the element has none of them.
    fn hash_element(&self, list_name: &str, element: Node<'_>, state: &mut impl Hasher) {
        let merge_keys = workload::merge_keys(list_name);
        if merge_keys.iter().all(|key| element.get(key).is_none()) {
            return self.hash_value(Some(element), state);
        }
        for key in merge_keys {
            let value = element.get(key);
            // An absent key equals the default one: the API server adds it.
            match workload::merge_key_default(key) {
                Some(default) if value.is_none_or(|value| value.as_str() == Some(default)) => {
                    default.hash(state);
                }
                _ => self.hash_value(value, state),
            }
        }
    }

    /// Hashes the JSON of a node, or its absence.
    fn hash_value(&self, node: Option<Node<'_>>, state: &mut impl Hasher) {
        let Some(node) = node else {
            return 0_u8.hash(state);
        };
        1_u8.hash(state);
        let is_long_string = node
            .as_str()
            .is_some_and(|string| string.len() > MIN_MEMOIZED_BYTES);
        if !node.is_list() && !node.is_map() && !is_long_string {
            return self.hash_json(node).hash(state);
        }
        let memoized = self.node_hashes.borrow().get(&node.number()).copied();
        let hash = memoized.unwrap_or_else(|| self.hash_json(node));
        if memoized.is_none() {
            self.node_hashes.borrow_mut().insert(node.number(), hash);
        }
        hash.hash(state);
    }

    /// Returns the number of bytes of JSON that were hashed so far.
    #[cfg(test)]
    pub(super) fn hashed_bytes(&self) -> usize {
        self.hashed_bytes.get()
    }

    fn hash_json(&self, node: Node<'_>) -> u64 {
        let mut json = String::new();
        node.write_json(&mut json);
        #[cfg(test)]
        self.hashed_bytes.set(self.hashed_bytes.get() + json.len());
        self.hash_state.hash_one(&json)
    }
}

/// Returns the length of `root` if the path is that of the pattern from there.
fn match_from(
    root: &[PatternStep],
    pattern: &FieldPattern,
    segments: &[Segment<'_>],
) -> Option<usize> {
    let matches = |(step, segment): (&PatternStep, &Segment<'_>)| match step {
        PatternStep::Each => true,
        PatternStep::Field(name) => segment.is_key(name),
    };
    let has_same_length = root.len() + pattern.steps.len() == segments.len();
    let mut pairs = root.iter().chain(&pattern.steps).zip(segments);
    (has_same_length && pairs.all(matches)).then_some(root.len())
}
