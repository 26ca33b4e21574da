//! What makes a finding of the new object one that the old object had: its control, and for each of its paths the place,
//! the value there, and the values that the control's conditions read at or below the elements on the way.
//!
//! A place is a path with every index of a list replaced by what Kubernetes merges the list by, so that an element put
//! before another takes nothing from it. A value that a condition reads and that is changed makes another finding.
//! Identities are hashes with a key of their own for each decision, so that nobody can aim at one.

use kubevet_document::{Document, Node, Value};
use kubevet_k8s::workload::{self, MERGE_KEYS};
use kubevet_model::{
    ControlId, ElementField, FieldPath, FieldPattern, Finding, Kind, PathReads, PatternRoot,
    PatternStep, Segment,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher as _, Hash as _, Hasher, RandomState},
};

/// Strings over this length are hashed once for each node.
const MEMOIZED_BYTES: usize = 64;

/// Computes identities of findings of one object. The hash of a node is computed once, however many findings lead to it.
pub(super) struct Identifier<'d> {
    document: &'d Document,
    reads: &'d BTreeMap<ControlId, Vec<PathReads>>,
    has_pod_spec: bool,
    hasher: RandomState,
    hashes: RefCell<HashMap<u32, u64>>,
    #[cfg(test)]
    hashed_bytes: std::cell::Cell<usize>,
    pod_spec_steps: Vec<PatternStep>,
    pod_metadata_steps: Vec<PatternStep>,
}

/// Identities of an object's findings.
pub(super) struct Identities(HashSet<u64>);

impl Identities {
    pub(super) fn of<'f>(
        identifier: &Identifier<'_>,
        findings: impl IntoIterator<Item = &'f Finding>,
    ) -> Self {
        Self(
            findings
                .into_iter()
                .map(|it| identifier.identity(it))
                .collect(),
        )
    }

    /// Whether a finding of another object is one of them.
    pub(super) fn has(&self, identifier: &Identifier<'_>, finding: &Finding) -> bool {
        self.0.contains(&identifier.identity(finding))
    }
}

impl<'d> Identifier<'d> {
    pub(super) fn new(
        document: &'d Document,
        reads: &'d BTreeMap<ControlId, Vec<PathReads>>,
    ) -> Self {
        Self::with_key(document, reads, RandomState::new())
    }

    /// One for another object whose identities are compared with these.
    pub(super) fn for_document(&self, document: &'d Document) -> Self {
        Self::with_key(document, self.reads, self.hasher.clone())
    }

    fn with_key(
        document: &'d Document,
        reads: &'d BTreeMap<ControlId, Vec<PathReads>>,
        hasher: RandomState,
    ) -> Self {
        let text = |key: &str| {
            document
                .root()
                .get(key)
                .and_then(Node::as_str)
                .unwrap_or_default()
        };
        let pod_spec = workload::pod_spec_path_of(Kind::group_of(text("apiVersion")), text("kind"));
        let steps = |fields: &[&str]| {
            fields
                .iter()
                .map(|it| PatternStep::Field((*it).to_owned()))
                .collect()
        };
        let template = pod_spec
            .and_then(|it| it.split_last())
            .map(|(_, template)| template)
            .unwrap_or_default();
        Self {
            document,
            reads,
            hasher,
            hashes: RefCell::default(),
            #[cfg(test)]
            hashed_bytes: std::cell::Cell::default(),
            has_pod_spec: pod_spec.is_some(),
            pod_spec_steps: steps(pod_spec.unwrap_or_default()),
            pod_metadata_steps: steps(&[template, &["metadata"]].concat()),
        }
    }

    fn identity(&self, finding: &Finding) -> u64 {
        let mut state = self.hasher.build_hasher();
        finding.control.hash(&mut state);
        // Without a path, only the message tells findings apart.
        if finding.paths.is_empty() {
            finding.message.hash(&mut state);
        }
        let reads = self
            .reads
            .get(&finding.control)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for path in &finding.paths {
            self.hash_path(path, reads, &mut state);
        }
        state.finish()
    }

    /// The steps from the root of the object to the root of a pattern; `None` where the object has no pod spec.
    fn root_steps(&self, root: PatternRoot) -> Option<&[PatternStep]> {
        match root {
            PatternRoot::Object => Some(&[]),
            PatternRoot::PodSpec => self.has_pod_spec.then_some(&self.pod_spec_steps),
            PatternRoot::PodMetadata => self.has_pod_spec.then_some(&self.pod_metadata_steps),
        }
    }

    /// Whether a pattern is that of a path; then how many segments lead to the pattern's root.
    fn root_depth(&self, pattern: &FieldPattern, segments: &[Segment]) -> Option<usize> {
        let root = self.root_steps(pattern.root)?;
        let agree = |(step, segment): (&PatternStep, &Segment)| match step {
            PatternStep::Each => true,
            PatternStep::Field(name) => name == segment.text(),
        };
        let is_as_long = root.len() + pattern.steps.len() == segments.len();
        (is_as_long && root.iter().chain(&pattern.steps).zip(segments).all(agree))
            .then_some(root.len())
    }

    fn hash_path(&self, path: &FieldPath, reads: &[PathReads], state: &mut impl Hasher) {
        let segments = path.segments();
        segments.len().hash(state);
        // The node before each segment, and after the last.
        let mut nodes = Vec::with_capacity(segments.len() + 1);
        let mut node = Some(self.document.root());
        nodes.push(node);
        let mut list = "";
        for segment in segments {
            let next = node.and_then(|it| step(it, segment));
            match (node.map(Node::value), next) {
                (Some(Value::List(_)), Some(element)) => self.hash_element(list, element, state),
                _ => segment.text().hash(state),
            }
            if let Segment::Field(name) = segment {
                list = name;
            }
            node = next;
            nodes.push(node);
        }
        self.hash_value(node, state);
        for read in reads {
            let Some(root) = self.root_depth(&read.path, segments) else {
                continue;
            };
            for ElementField { depth, keys } in &read.fields {
                let element = nodes.get(root + depth).copied().flatten();
                let value =
                    element.and_then(|it| keys.iter().try_fold(it, |node, key| node.get(key)));
                self.hash_value(value, state);
            }
        }
    }

    fn hash_element(&self, list: &str, element: Node<'_>, state: &mut impl Hasher) {
        let keys = MERGE_KEYS
            .iter()
            .find(|(name, _)| *name == list)
            .map(|(_, keys)| *keys);
        match keys {
            Some(keys) if keys.iter().any(|it| element.get(it).is_some()) => {
                for key in keys {
                    match element.get(key) {
                        None if *key == "protocol" => "TCP".hash(state), // the API server's default for a port
                        Some(value) if *key == "protocol" && value.as_str() == Some("TCP") => {
                            "TCP".hash(state)
                        }
                        value => self.hash_value(value, state),
                    }
                }
            }
            _ => self.hash_value(Some(element), state),
        }
    }

    fn hash_value(&self, node: Option<Node<'_>>, state: &mut impl Hasher) {
        let Some(node) = node else {
            return 0_u8.hash(state);
        };
        1_u8.hash(state);
        let is_long = node.as_str().is_some_and(|it| it.len() > MEMOIZED_BYTES);
        if !node.is_list() && !node.is_map() && !is_long {
            return self.hash_json(node).hash(state);
        }
        let known = self.hashes.borrow().get(&node.number()).copied();
        let hash = known.unwrap_or_else(|| self.hash_json(node));
        if known.is_none() {
            self.hashes.borrow_mut().insert(node.number(), hash);
        }
        hash.hash(state);
    }

    /// How many bytes of JSON were hashed so far.
    #[cfg(test)]
    pub(super) fn hashed_bytes(&self) -> usize {
        self.hashed_bytes.get()
    }

    fn hash_json(&self, node: Node<'_>) -> u64 {
        let mut json = String::new();
        node.write_json(&mut json);
        #[cfg(test)]
        self.hashed_bytes.set(self.hashed_bytes.get() + json.len());
        self.hasher.hash_one(&json)
    }
}

fn step<'a>(node: Node<'a>, segment: &Segment) -> Option<Node<'a>> {
    match (node.value(), segment) {
        (Value::List(_), Segment::Bracket(index)) => index.parse().ok().and_then(|it| node.at(it)),
        (Value::Map(_), _) => node.get(segment.text()),
        _ => None,
    }
}
