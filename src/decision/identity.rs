//! What makes a finding of the new object one that the old object had: its control, and for each of its paths the place
//! and what stands there.
//!
//! A place is a path with every index of a list replaced by what Kubernetes merges the list by, so that an element put
//! before another takes nothing from it, and a value swapped for another in the same place is another finding.

use crate::{
    document::{Document, Node, Value},
    model::{FieldPath, Finding, Segment},
    workload::MERGE_KEYS,
};
use std::{
    collections::BTreeSet,
    hash::{BuildHasher as _, RandomState},
};

/// Values up to this length stand in an identity as they are; a longer one by a hash that nobody can aim at.
const PLAIN_BYTES: usize = 256;

/// Identities of findings within one decision.
pub(super) struct Identities {
    hasher: RandomState,
    known: BTreeSet<String>,
}

impl Identities {
    /// Those of an object's findings.
    pub(super) fn of<'f>(object: &Document, findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let mut identities = Self { hasher: RandomState::new(), known: BTreeSet::new() };
        for finding in findings {
            let identity = identities.identity(object, finding);
            identities.known.insert(identity);
        }
        identities
    }

    /// Whether a finding of another object is one of them.
    pub(super) fn has(&self, object: &Document, finding: &Finding) -> bool {
        self.known.contains(&self.identity(object, finding))
    }

    fn identity(&self, object: &Document, finding: &Finding) -> String {
        let mut text = finding.control.to_string();
        // Without a path there is nothing but the words to tell findings apart.
        if finding.paths.is_empty() {
            text.push_str(&finding.message);
        }
        for path in &finding.paths {
            text.push('\n');
            self.place(object.root(), path, &mut text);
        }
        text
    }

    fn place(&self, root: Node<'_>, path: &FieldPath, text: &mut String) {
        let mut node = Some(root);
        let mut list = "";
        for segment in path.segments() {
            text.push('\t');
            let next = node.and_then(|it| step(it, segment));
            match (node.map(Node::value), next) {
                (Some(Value::List(_)), Some(element)) => self.element(list, element, text),
                _ => text.push_str(segment.text()),
            }
            if let Segment::Field(name) = segment {
                list = name;
            }
            node = next;
        }
        text.push('=');
        match node {
            Some(node) => self.value(node, text),
            None => text.push('-'),
        }
    }

    fn element(&self, list: &str, element: Node<'_>, text: &mut String) {
        let keys = MERGE_KEYS.iter().find(|(name, _)| *name == list).map(|(_, keys)| *keys);
        match keys {
            Some(keys) if keys.iter().any(|it| element.get(it).is_some()) => {
                for key in keys {
                    match element.get(key) {
                        Some(value) => self.value(value, text),
                        // What the API server fills in for a port.
                        None if *key == "protocol" => text.push_str("\"TCP\""),
                        None => {}
                    }
                    text.push('|');
                }
            }
            _ => self.value(element, text),
        }
    }

    fn value(&self, node: Node<'_>, text: &mut String) {
        let mut json = String::new();
        node.write_json(&mut json);
        if json.len() <= PLAIN_BYTES {
            text.push_str(&json);
        } else {
            text.push_str(&format!("#{:x}/{}", self.hasher.hash_one(&json), json.len()));
        }
    }
}

fn step<'a>(node: Node<'a>, segment: &Segment) -> Option<Node<'a>> {
    match (node.value(), segment) {
        (Value::List(_), Segment::Bracket(index)) => index.parse().ok().and_then(|it| node.at(it)),
        (Value::Map(_), _) => node.get(segment.text()),
        _ => None,
    }
}
