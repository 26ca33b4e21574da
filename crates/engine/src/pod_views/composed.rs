//! A pod spec composed of an element with containers and of maps further out.
//!
//! For pod fields the nearest map that has a field decides. A container's defaults are merged into
//! it as a strategic merge patch does: maps by key, lists with a merge key one after the other.

use super::{append, below, occurrences::Place, separate};
use kubevet_document::{Document, Node};
use kubevet_k8s::workload::{
    custom::{COMPOSED_POD_FIELDS, ComposedPod, ContainerSource},
    merge_keys,
};
use kubevet_model::{FieldPath, Segment};

const CONTAINER_LISTS: [&str; 2] = ["containers", "initContainers"];

/// Where the fields of a composed pod spec are in the object.
pub(super) struct ComposedPaths {
    /// The maps with pod fields, the nearest first.
    pod: Vec<FieldPath>,
    /// The containers of each of [`CONTAINER_LISTS`]: each with the path of its defaults.
    containers: [Vec<ContainerPlace>; 2],
    volumes: Vec<FieldPath>,
}

struct ContainerPlace {
    path: FieldPath,
    /// The path of the defaults, if there are any.
    defaults: Option<FieldPath>,
    source: &'static ContainerSource,
}

/// Writes the pod spec. Returns where its fields are; `None` if the element has no container.
pub(super) fn write(
    root: Node<'_>,
    pod: &ComposedPod,
    element: Place<'_>,
    out: &mut String,
) -> Option<ComposedPaths> {
    *out += r#"{"restartPolicy":"Never""#;
    let containers = CONTAINER_LISTS.map(|list| write_containers(pod, &element, list, out));
    if containers.iter().all(Vec::is_empty) {
        return None;
    }
    let mut layers = vec![element];
    layers.extend(pod.outer.iter().map(|fields| outer_place(root, fields)));
    for field in COMPOSED_POD_FIELDS {
        let values = layers.iter().filter_map(|layer| present(layer.node, field));
        if let Some(value) = values.into_iter().next() {
            *out += &format!(",\"{field}\":");
            value.write_json(out);
        }
    }
    let volumes = write_volumes(&layers, out);
    out.push('}');
    Some(ComposedPaths {
        pod: layers.into_iter().map(|layer| layer.path).collect(),
        containers,
        volumes,
    })
}

/// The map at a path of fields; an empty place where there is none.
fn outer_place<'d>(root: Node<'d>, fields: &[&str]) -> Place<'d> {
    let mut place = Place {
        path: FieldPath::default(),
        node: root,
    };
    let mut exists = true;
    for field in fields {
        place.path = place.path.key(field);
        match place.node.get(field).filter(|_| exists) {
            Some(node) => place.node = node,
            None => exists = false,
        }
    }
    if !exists && let Some(version) = root.get("apiVersion") {
        // Any value that is not a map has no fields.
        place.node = version;
    }
    place
}

fn write_containers(
    pod: &ComposedPod,
    element: &Place<'_>,
    list: &str,
    out: &mut String,
) -> Vec<ContainerPlace> {
    *out += &format!(",\"{list}\":[");
    let first = out.len();
    let mut places = Vec::new();
    for source in pod.containers.iter().filter(|source| source.list == list) {
        let defaults = present(element.node, source.defaults).filter(|node| node.is_map());
        for place in containers(element, source) {
            separate(first, out);
            write_container(place.node, defaults, source, out);
            places.push(ContainerPlace {
                path: place.path,
                defaults: defaults.map(|_| element.path.key(source.defaults)),
                source,
            });
        }
    }
    out.push(']');
    places
}

/// The containers that a source names.
fn containers<'d>(element: &Place<'d>, source: &ContainerSource) -> Vec<Place<'d>> {
    let node = source
        .path
        .iter()
        .try_fold(element.node, |node, field| node.get(field));
    let path = source
        .path
        .iter()
        .fold(element.path.clone(), |path, field| path.key(field));
    match node {
        Some(node) if source.is_list => node
            .elements()
            .enumerate()
            .map(|(index, node)| Place {
                path: path.index(index),
                node,
            })
            .collect(),
        Some(node) if node.is_map() => vec![Place { path, node }],
        _ => Vec::new(),
    }
}

fn write_container(
    own: Node<'_>,
    defaults: Option<Node<'_>>,
    source: &ContainerSource,
    out: &mut String,
) {
    if !own.is_map() {
        return own.write_json(out);
    }
    let layers: Vec<Node<'_>> = [Some(own), defaults].into_iter().flatten().collect();
    write_merged(&layers, source.resources, out);
}

/// Writes maps as one, the first of which has the nearest values. `resources` is the key of what
/// is written as `resources`.
fn write_merged(layers: &[Node<'_>], resources: &str, out: &mut String) {
    out.push('{');
    let first = out.len();
    for (depth, layer) in layers.iter().enumerate() {
        for entry in layer.entries().filter(|entry| !entry.value.is_null()) {
            let (nearer, further) = layers.split_at(depth);
            let is_taken = nearer
                .iter()
                .any(|layer| present(*layer, entry.key).is_some());
            let is_hidden = entry.key == "resources"
                && resources != "resources"
                && further
                    .iter()
                    .any(|layer| present(*layer, resources).is_some());
            if is_taken || is_hidden {
                continue;
            }
            separate(first, out);
            if entry.key == resources {
                *out += r#""resources""#;
            } else {
                entry.key_node().write_json(out);
            }
            out.push(':');
            let values: Vec<Node<'_>> = further
                .iter()
                .filter_map(|layer| present(*layer, entry.key))
                .collect();
            write_value(entry.key, &values, out);
        }
    }
    out.push('}');
}

/// Writes the values of a field, the nearest first, as one. They recurse as deep as the document.
fn write_value(field: &str, values: &[Node<'_>], out: &mut String) {
    let Some(nearest) = values.first() else {
        return;
    };
    if nearest.is_map() {
        let maps: Vec<Node<'_>> = values
            .iter()
            .copied()
            .filter(|node| node.is_map())
            .collect();
        write_merged(&maps, "resources", out);
    } else if nearest.is_list() && is_merged(field) {
        out.push('[');
        let first = out.len();
        for item in values.iter().flat_map(|list| list.elements()) {
            separate(first, out);
            item.write_json(out);
        }
        out.push(']');
    } else {
        nearest.write_json(out);
    }
}

fn is_merged(list: &str) -> bool {
    !merge_keys(list).is_empty()
}

fn write_volumes(layers: &[Place<'_>], out: &mut String) -> Vec<FieldPath> {
    *out += r#","volumes":["#;
    let first = out.len();
    let mut paths = Vec::new();
    for layer in layers {
        let list = layer.path.key("volumes");
        let volumes = layer.node.get("volumes").into_iter();
        for (index, volume) in volumes.flat_map(Node::elements).enumerate() {
            separate(first, out);
            volume.write_json(out);
            paths.push(list.index(index));
        }
    }
    out.push(']');
    paths
}

/// The value of a field; `None` for null, which Kubernetes reads as absent.
fn present<'d>(map: Node<'d>, field: &str) -> Option<Node<'d>> {
    map.get(field).filter(|value| !value.is_null())
}

impl ComposedPaths {
    /// The path in the object of a path in the pod spec.
    pub(super) fn in_object<'s>(
        &self,
        object: &Document,
        mut segments: impl Iterator<Item = Segment<'s>>,
    ) -> FieldPath {
        let first = segments.next();
        let field = first.map(Segment::key).unwrap_or_default();
        if let Some(at) = CONTAINER_LISTS.iter().position(|list| *list == field) {
            let places = self.containers.get(at).map_or(&[][..], Vec::as_slice);
            let place = segments.next().and_then(|segment| element(places, segment));
            return place.map_or_else(FieldPath::default, |place| {
                place.in_object(object, segments)
            });
        }
        if field == "volumes"
            && let Some(second) = segments.next()
        {
            let volume = element(&self.volumes, second);
            return volume.map_or_else(FieldPath::default, |volume| append(volume, segments));
        }
        let has_field = |map: &&FieldPath| {
            let node = object.resolve(map).value;
            node.and_then(|node| present(node, &field)).is_some()
        };
        // What no map has is best set furthest in of those outside, or else in the element.
        let absent_in = self.pod.get(1).or(self.pod.first());
        let map = self.pod.iter().find(has_field).or(absent_in);
        map.map_or_else(FieldPath::default, |map| {
            append(map, first.into_iter().chain(segments))
        })
    }
}

fn element<'p, T>(list: &'p [T], segment: Segment<'_>) -> Option<&'p T> {
    list.get(segment.key().parse::<usize>().ok()?)
}

impl ContainerPlace {
    /// The path in the object of a path in the container: that of the value that decides.
    fn in_object<'s>(
        &self,
        object: &Document,
        segments: impl Iterator<Item = Segment<'s>>,
    ) -> FieldPath {
        let paths = [Some(&self.path), self.defaults.as_ref()];
        let mut layers: Vec<Place<'_>> = paths
            .into_iter()
            .flatten()
            .filter_map(|path| {
                Some(Place {
                    path: path.clone(),
                    node: object.resolve(path).value?,
                })
            })
            .collect();
        let mut segments = segments.enumerate();
        let mut list = String::new();
        while let Some((depth, segment)) = segments.next() {
            let segment = match segment {
                Segment::Field("resources") if depth == 0 => {
                    Segment::Field(self.resources_key(&layers))
                }
                other => other,
            };
            let found = values_at(&layers, &list, segment);
            if found.is_empty() {
                let nearest = layers.first().map_or(&self.path, |layer| &layer.path);
                let rest = segments.map(|(_, segment)| segment);
                return append(nearest, [segment].into_iter().chain(rest));
            }
            layers = found;
            list = segment.key().into_owned();
        }
        layers
            .into_iter()
            .next()
            .map_or_else(|| self.path.clone(), |layer| layer.path)
    }

    /// The key under which the container has, or should have, its resources.
    fn resources_key(&self, layers: &[Place<'_>]) -> &'static str {
        let key = self.source.resources;
        let has = |name: &str| {
            layers
                .iter()
                .any(|layer| present(layer.node, name).is_some())
        };
        if !has(key) && has("resources") {
            "resources"
        } else {
            key
        }
    }
}

/// The values of a segment in layers, the nearest first; only the nearest where it hides the
/// others.
fn values_at<'d>(layers: &[Place<'d>], list: &str, segment: Segment<'_>) -> Vec<Place<'d>> {
    if layers.iter().all(|layer| layer.node.is_list()) && is_merged(list) {
        let mut index = segment.key().parse::<usize>().unwrap_or(usize::MAX);
        for layer in layers {
            if let Some(node) = layer.node.at(index) {
                let path = layer.path.index(index);
                return vec![Place { path, node }];
            }
            index = index.saturating_sub(layer.node.elements().count());
        }
        return Vec::new();
    }
    let mut found: Vec<Place<'d>> = layers
        .iter()
        .filter_map(|layer| {
            let node = layer.node.child(segment)?.value;
            (!node.is_null()).then(|| Place {
                path: below(&layer.path, segment),
                node,
            })
        })
        .collect();
    let is_of_one_type = |nearest: Node<'_>, other: Node<'_>| {
        nearest.is_map() && other.is_map() || nearest.is_list() && other.is_list()
    };
    if let Some(nearest) = found.first().map(|place| place.node) {
        found.retain(|place| {
            place.node.number() == nearest.number() || is_of_one_type(nearest, place.node)
        });
    }
    found
}
