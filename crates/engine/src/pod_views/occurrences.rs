//! The places of an object to which a path with placeholders leads.

use kubevet_document::Node;
use kubevet_k8s::workload::custom::{PathPattern, PathStep};
use kubevet_model::FieldPath;

/// A map of an object, and its path.
pub(super) struct Place<'d> {
    pub(super) path: FieldPath,
    pub(super) node: Node<'d>,
}

/// The maps at a path, in the order of the object.
pub(super) fn occurrences<'d>(root: Node<'d>, pattern: &PathPattern) -> Vec<Place<'d>> {
    let mut places = vec![Place {
        path: FieldPath::default(),
        node: root,
    }];
    for step in &pattern.0 {
        places = places
            .iter()
            .flat_map(|place| children(place, step))
            .collect();
    }
    places.retain(|place| place.node.is_map());
    places
}

fn children<'d>(place: &Place<'d>, step: &PathStep) -> Vec<Place<'d>> {
    let path = &place.path;
    match step {
        PathStep::Field(name) => place
            .node
            .get(name)
            .map(|node| Place {
                path: path.key(name),
                node,
            })
            .into_iter()
            .collect(),
        PathStep::EachItem => place
            .node
            .elements()
            .enumerate()
            .map(|(index, node)| Place {
                path: path.index(index),
                node,
            })
            .collect(),
        PathStep::EachValue => place
            .node
            .entries()
            .map(|entry| Place {
                path: path.key(entry.key),
                node: entry.value,
            })
            .collect(),
    }
}
