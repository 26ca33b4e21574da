//! The pods of an object of a custom kind, each as an object of a built-in kind.
//!
//! Rules know the built-in kinds only. A pod template becomes a PodTemplate, a pod spec a Pod, and
//! so does a pod that a controller composes of other fields. Each has the metadata of the object.
//! Findings are reported at the paths of the object itself: [`PodView::path_in_object`].

mod composed;
mod occurrences;
#[cfg(test)]
mod tests;

use composed::ComposedPaths;
use kubevet_document::{Document, Limits, Node, read_json};
use kubevet_k8s::workload::custom::{CustomWorkload, PodLayout};
use kubevet_model::{FieldPath, Fix, Segment, Violation};
use occurrences::{Place, occurrences};

/// MiB of all views of one object. Fields outside the pods are copied into each view.
pub(super) const MAX_MIB: u64 = 16;
const MAX_BYTES: usize = 16 << 20;

/// The views of an object would take too much memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// A pod of an object, as an object of a built-in kind.
pub struct PodView {
    /// The Pod or PodTemplate.
    pub document: Document,
    paths: Paths,
}

/// Where the fields of a view are in the object.
enum Paths {
    Template(FieldPath),
    Spec(FieldPath),
    Composed(ComposedPaths),
}

/// Returns the pods of an object. A place without a map has none.
///
/// # Errors
/// The pods would take too much memory.
pub fn pod_views(document: &Document, row: &CustomWorkload) -> Result<Vec<PodView>, TooLarge> {
    let mut views = Vec::new();
    let mut bytes = 0;
    for layout in &row.pods {
        for place in occurrences(document.root(), layout.path()) {
            let Some((text, paths)) = view_of(document.root(), layout, place) else {
                continue;
            };
            bytes += text.len();
            if bytes > MAX_BYTES {
                return Err(TooLarge);
            }
            let read = read_json(document.file(), text.as_bytes(), &Limits::default());
            match read.documents.into_iter().next() {
                Some(document) => views.push(PodView { document, paths }),
                None => return Err(TooLarge),
            }
        }
    }
    Ok(views)
}

fn view_of(root: Node<'_>, layout: &PodLayout, place: Place<'_>) -> Option<(String, Paths)> {
    let mut text = String::from(r#"{"apiVersion":"v1","kind":""#);
    match layout {
        PodLayout::Template {
            runs_to_completion, ..
        } => {
            text += r#"PodTemplate""#;
            write_metadata(root, &mut text);
            text += r#","template":"#;
            if *runs_to_completion {
                write_completing_template(place.node, &mut text);
            } else {
                place.node.write_json(&mut text);
            }
            text.push('}');
            Some((text, Paths::Template(place.path)))
        }
        PodLayout::Spec(_) => {
            text += r#"Pod""#;
            write_metadata(root, &mut text);
            text += r#","spec":"#;
            place.node.write_json(&mut text);
            text.push('}');
            Some((text, Paths::Spec(place.path)))
        }
        PodLayout::Composed(pod) => {
            text += r#"Pod""#;
            write_metadata(root, &mut text);
            text += r#","spec":"#;
            let paths = composed::write(root, pod, place, &mut text)?;
            text.push('}');
            Some((text, Paths::Composed(paths)))
        }
    }
}

/// Writes the metadata of the object, without the history of its fields.
fn write_metadata(root: Node<'_>, out: &mut String) {
    let Some(metadata) = root.get("metadata") else {
        return;
    };
    *out += r#","metadata":"#;
    if metadata.is_map() {
        write_map(metadata, "managedFields", "", out);
    } else {
        metadata.write_json(out);
    }
}

/// Writes a template whose pods end when their work is done.
fn write_completing_template(template: Node<'_>, out: &mut String) {
    let mut spec = String::from(r#""spec":"#);
    match template.get("spec").filter(|spec| spec.is_map()) {
        Some(node) => write_map(
            node,
            "restartPolicy",
            r#""restartPolicy":"Never""#,
            &mut spec,
        ),
        None => spec += "{}",
    }
    write_map(template, "spec", &spec, out);
}

/// Writes a map without one of its keys, and with members that are JSON already.
fn write_map(map: Node<'_>, without: &str, members: &str, out: &mut String) {
    out.push('{');
    let first = out.len();
    for entry in map.entries().filter(|entry| entry.key != without) {
        separate(first, out);
        entry.key_node().write_json(out);
        out.push(':');
        entry.value.write_json(out);
    }
    if !members.is_empty() {
        separate(first, out);
        *out += members;
    }
    out.push('}');
}

/// Writes a comma, except before the first member of what began at `first`.
fn separate(first: usize, out: &mut String) {
    if out.len() > first {
        out.push(',');
    }
}

impl PodView {
    /// A finding of the view as one of the object.
    #[must_use]
    pub fn violation_in_object(&self, object: &Document, violation: Violation) -> Violation {
        let path = |path: &FieldPath| self.path_in_object(object, path);
        Violation {
            paths: violation.paths.iter().map(path).collect(),
            fixes: violation
                .fixes
                .into_iter()
                .map(|fix| Fix {
                    path: path(&fix.path),
                    ..fix
                })
                .collect(),
            ..violation
        }
    }

    /// The path in the object of a field of the view.
    #[must_use]
    pub fn path_in_object(&self, object: &Document, path: &FieldPath) -> FieldPath {
        let mut segments = path.segments();
        let Some(first) = segments.next() else {
            return path.clone();
        };
        match &self.paths {
            Paths::Template(template) if first.is_key("template") => append(template, segments),
            Paths::Spec(spec) if first.is_key("spec") => append(spec, segments),
            Paths::Composed(paths) if first.is_key("spec") => paths.in_object(object, segments),
            _ => path.clone(),
        }
    }
}

/// The path with more segments.
fn append<'s>(path: &FieldPath, segments: impl Iterator<Item = Segment<'s>>) -> FieldPath {
    segments.fold(path.clone(), |path, segment| below(&path, segment))
}

fn below(path: &FieldPath, segment: Segment<'_>) -> FieldPath {
    match segment {
        Segment::Index(index) => path.index(index as usize),
        Segment::Field(key) | Segment::Key(key) => path.key(key),
    }
}
