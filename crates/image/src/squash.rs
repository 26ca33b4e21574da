//! Puts layers on top of one another: the last writer of a path wins, and removals hide what is below.

use super::{
    error::ImageError,
    file_tree::{FileTree, TreeNode, found_in},
    layer_content::{Found, LayerContent, LayerNode},
    layers::ReadLayer,
    limits::ImageLimits,
    squashed_files::{SquashedFiles, SquashedKind, SquashedNode},
};

/// Squashes the layers of an image, the lowest first.
pub fn squash<F>(
    layers: Vec<ReadLayer<F>>,
    limits: &ImageLimits,
) -> Result<SquashedFiles<F>, ImageError> {
    let mut not_evaluated = Vec::new();
    let contents = layers.into_iter().enumerate();
    let contents: Vec<Option<LayerContent<F>>> = contents
        .map(|(number, layer)| match layer {
            ReadLayer::Read(content) => Some(content),
            ReadLayer::NotEvaluated { reason } => {
                not_evaluated.push((number, reason));
                None
            }
        })
        .collect();
    let mut files = squash_contents(contents, true, limits)?;
    files.not_evaluated = not_evaluated;
    Ok(files)
}

/// The files of a folder, which has no layers.
pub(super) fn squash_folder<F>(
    content: LayerContent<F>,
    limits: &ImageLimits,
) -> Result<SquashedFiles<F>, ImageError> {
    squash_contents(vec![Some(content)], false, limits)
}

fn squash_contents<F>(
    contents: Vec<Option<LayerContent<F>>>,
    has_layers: bool,
    limits: &ImageLimits,
) -> Result<SquashedFiles<F>, ImageError> {
    let mut files = SquashedFiles::new();
    let offsets = Offsets::of(&contents);
    let tree = FileTree::build(&contents, limits)?;
    let attribution = |layer: usize| has_layers.then_some(layer);
    for (path, node) in tree.entries() {
        let squashed = match node {
            TreeNode::Absent => continue,
            TreeNode::Directory(layer) => SquashedNode {
                layer: layer.and_then(attribution),
                kind: SquashedKind::Directory,
            },
            TreeNode::Dangling { layer } => {
                let reason = "it is a hard link to a file that is not there";
                files.unread.push((path.clone(), reason.to_owned()));
                SquashedNode {
                    layer: attribution(layer),
                    kind: SquashedKind::Other,
                }
            }
            TreeNode::Entry {
                layer,
                content_layer,
                number,
            } => {
                let content = contents.get(content_layer).and_then(Option::as_ref);
                let Some(node) = content.and_then(|content| content.nodes.get(number)) else {
                    continue;
                };
                if layer != content_layer && found_in(node) == Some(Found::Skipped) {
                    let reason =
                        "it is a second name of a file in a lower layer, which was not read";
                    files.unread.push((path.clone(), reason.to_owned()));
                }
                SquashedNode {
                    layer: attribution(layer),
                    kind: kind_of(node, offsets.of_layer(content_layer)),
                }
            }
        };
        files.push(&path, squashed);
    }
    for (path, _) in &tree.unplaced {
        let reason = "its folder is a symbolic link that leads nowhere";
        files.unread.push(((*path).to_owned(), reason.to_owned()));
    }
    for content in contents.into_iter().flatten() {
        files.facts.extend(content.facts);
        files.reasons.extend(content.reasons);
    }
    Ok(files)
}

/// Where the facts and reasons of each layer begin among those of all.
struct Offsets(Vec<(u32, u32)>);

impl Offsets {
    fn of<F>(contents: &[Option<LayerContent<F>>]) -> Self {
        let mut facts = 0;
        let mut reasons = 0;
        let mut offsets = Vec::new();
        for content in contents {
            offsets.push((facts, reasons));
            if let Some(content) = content {
                facts += u32::try_from(content.facts.len()).unwrap_or_default();
                reasons += u32::try_from(content.reasons.len()).unwrap_or_default();
            }
        }
        Self(offsets)
    }

    fn of_layer(&self, layer: usize) -> (u32, u32) {
        self.0.get(layer).copied().unwrap_or_default()
    }
}

fn kind_of(node: &LayerNode, offsets: (u32, u32)) -> SquashedKind {
    let moved = |found: Found| match found {
        Found::Facts(index) => Found::Facts(index.saturating_add(offsets.0)),
        Found::Unread(index) => Found::Unread(index.saturating_add(offsets.1)),
        found => found,
    };
    match node {
        LayerNode::File { size, mode, found } => SquashedKind::File {
            size: *size,
            mode: *mode,
            found: moved(*found),
        },
        LayerNode::HardLink {
            size, mode, found, ..
        } => SquashedKind::File {
            size: *size,
            mode: *mode,
            found: moved(found.unwrap_or(Found::Nothing)),
        },
        LayerNode::Symlink { target } => SquashedKind::Symlink {
            target: target.clone(),
        },
        LayerNode::Directory => SquashedKind::Directory,
        LayerNode::Other | LayerNode::Whiteout | LayerNode::Opaque => SquashedKind::Other,
    }
}
