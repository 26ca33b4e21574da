//! The file system while layers are put on top of one another, with the rules of runtimes.
//!
//! A folder that loses its content gets a new number: what was in it is not found any more, and nothing
//! is deleted one by one. So each entry and each removal costs its path and no more.

use super::{
    entry_path::split_path,
    error::ImageError,
    layer_content::{Found, LayerContent, LayerNode},
    limits::ImageLimits,
};
use std::collections::HashMap;

/// Symbolic links that are followed for one path, as runtimes do while they unpack.
const MAX_LINKS: usize = 255;
const NONE: u32 = u32::MAX;
const ROOT: u32 = 0;

/// What is at a place of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TreeNode {
    Absent,
    /// A folder; the layer that has an entry for it, if one has.
    Directory(Option<usize>),
    /// An entry of a layer. A hard link to a file of a lower layer has that file's content.
    Entry {
        layer: usize,
        content_layer: usize,
        number: usize,
    },
    /// A hard link to a file that is not there.
    Dangling {
        layer: usize,
    },
}

struct Slot<'a> {
    parent: u32,
    name: &'a str,
    path_bytes: usize,
    node: TreeNode,
    /// The number under which the content of the folder is found.
    folder: u32,
    first_child: u32,
    next_sibling: u32,
}

/// The tree.
pub(super) struct FileTree<'a, F> {
    layers: &'a [Option<LayerContent<F>>],
    limits: &'a ImageLimits,
    slots: Vec<Slot<'a>>,
    children: HashMap<(u32, &'a str), u32>,
    next_folder: u32,
    steps: u64,
    path_bytes: u64,
    /// Entries without a place: their path, and their layer.
    pub(super) unplaced: Vec<(&'a str, usize)>,
}

impl<'a, F> FileTree<'a, F> {
    /// Puts layers on top of one another. One that was not read changes nothing.
    pub(super) fn build(
        layers: &'a [Option<LayerContent<F>>],
        limits: &'a ImageLimits,
    ) -> Result<Self, ImageError> {
        let mut tree = Self {
            layers,
            limits,
            slots: Vec::new(),
            children: HashMap::new(),
            next_folder: 0,
            steps: 0,
            path_bytes: 0,
            unplaced: Vec::new(),
        };
        tree.add_slot(NONE, "", TreeNode::Directory(None))?;
        for (number, layer) in layers.iter().enumerate() {
            if let Some(layer) = layer {
                tree.remove_from_lower_layers(layer)?;
                tree.add_layer(number, layer)?;
            }
        }
        Ok(tree)
    }

    /// Everything there is, with its path, sorted by path. The root is not among it.
    pub(super) fn entries(&self) -> Vec<(String, TreeNode)> {
        let mut entries = Vec::new();
        let mut pending = vec![(ROOT, String::new())];
        while let Some((folder, path)) = pending.pop() {
            let mut child = self.slot(folder).map_or(NONE, |slot| slot.first_child);
            while let Some(slot) = self.slot(child) {
                let separator = if path.is_empty() { "" } else { "/" };
                let child_path = format!("{path}{separator}{}", slot.name);
                if matches!(slot.node, TreeNode::Directory(_)) {
                    pending.push((child, child_path.clone()));
                }
                if slot.node != TreeNode::Absent {
                    entries.push((child_path, slot.node));
                }
                child = slot.next_sibling;
            }
        }
        entries.sort_unstable_by(|first, second| first.0.cmp(&second.0));
        entries
    }

    /// Removals come first: they do not hide what their own layer has.
    fn remove_from_lower_layers(&mut self, layer: &'a LayerContent<F>) -> Result<(), ImageError> {
        for (path, node) in layer.entries() {
            let removed = match node {
                LayerNode::Whiteout => {
                    let (folder, name) = split_path(path);
                    let folder = self.walk(folder, false)?;
                    folder.and_then(|folder| self.child(folder, name))
                }
                LayerNode::Opaque => self.walk(path, false)?,
                _ => None,
            };
            let Some(slot) = removed else {
                continue;
            };
            let node = if *node == LayerNode::Opaque {
                TreeNode::Directory(None)
            } else {
                TreeNode::Absent
            };
            self.replace(slot, node);
        }
        Ok(())
    }

    fn add_layer(&mut self, layer: usize, content: &'a LayerContent<F>) -> Result<(), ImageError> {
        for (number, (path, node)) in content.entries().enumerate() {
            let tree_node = match node {
                LayerNode::Whiteout | LayerNode::Opaque => continue,
                LayerNode::Directory => TreeNode::Directory(Some(layer)),
                LayerNode::HardLink {
                    target,
                    found: None,
                    ..
                } => self.link_target(target, layer)?,
                _ => TreeNode::Entry {
                    layer,
                    content_layer: layer,
                    number,
                },
            };
            let (folder, name) = split_path(path);
            match self.walk(folder, true)? {
                Some(folder) => self.put(folder, name, tree_node)?,
                None => self.unplaced.push((path, layer)),
            }
        }
        Ok(())
    }

    /// The file that a hard link to a lower layer names.
    fn link_target(&mut self, target: &'a str, layer: usize) -> Result<TreeNode, ImageError> {
        let (folder, name) = split_path(target);
        let folder = self.walk(folder, false)?;
        let slot = folder.and_then(|folder| self.child(folder, name));
        let node = slot.and_then(|slot| self.slot(slot)).map(|slot| slot.node);
        Ok(match node {
            Some(TreeNode::Entry {
                content_layer,
                number,
                ..
            }) if self.is_file(content_layer, number) => TreeNode::Entry {
                layer,
                content_layer,
                number,
            },
            _ => TreeNode::Dangling { layer },
        })
    }

    fn layer_node(&self, layer: usize, number: usize) -> Option<&'a LayerNode> {
        self.layers.get(layer)?.as_ref()?.nodes.get(number)
    }

    fn is_file(&self, layer: usize, number: usize) -> bool {
        matches!(
            self.layer_node(layer, number),
            Some(LayerNode::File { .. } | LayerNode::HardLink { found: Some(_), .. })
        )
    }

    fn slot(&self, slot: u32) -> Option<&Slot<'a>> {
        self.slots.get(slot as usize)
    }

    fn child(&self, folder: u32, name: &'a str) -> Option<u32> {
        let number = self.slot(folder)?.folder;
        self.children.get(&(number, name)).copied()
    }

    /// Puts something into a folder, over what is there. A folder over a folder keeps its content.
    fn put(&mut self, folder: u32, name: &'a str, node: TreeNode) -> Result<(), ImageError> {
        let Some(slot) = self.child(folder, name) else {
            self.add_slot(folder, name, node)?;
            return Ok(());
        };
        let is_folder = |node| matches!(node, TreeNode::Directory(_));
        let old = self.slot(slot).map_or(TreeNode::Absent, |slot| slot.node);
        if is_folder(node) && is_folder(old) {
            if let Some(slot) = self.slots.get_mut(slot as usize) {
                slot.node = node;
            }
        } else {
            self.replace(slot, node);
        }
        Ok(())
    }

    /// Changes what is at a place; what was in it is gone.
    fn replace(&mut self, slot: u32, node: TreeNode) {
        let number = self.new_folder();
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            slot.node = node;
            slot.folder = number;
            slot.first_child = NONE;
        }
    }

    fn new_folder(&mut self) -> u32 {
        let number = self.next_folder;
        self.next_folder += 1;
        number
    }

    fn add_slot(&mut self, parent: u32, name: &'a str, node: TreeNode) -> Result<u32, ImageError> {
        let number = u32::try_from(self.slots.len()).unwrap_or(NONE);
        let folder = self.new_folder();
        let mut slot = Slot {
            parent,
            name,
            path_bytes: 0,
            node,
            folder,
            first_child: NONE,
            next_sibling: NONE,
        };
        if let Some(above) = self.slots.get_mut(parent as usize) {
            slot.path_bytes = above.path_bytes + name.len() + 1;
            slot.next_sibling = above.first_child;
            above.first_child = number;
            self.children.insert((above.folder, name), number);
        }
        self.check_path(slot.path_bytes)?;
        self.slots.push(slot);
        Ok(number)
    }

    /// Links can make paths longer than any that a layer has.
    fn check_path(&mut self, bytes: usize) -> Result<(), ImageError> {
        let limit = self.limits.path_bytes as u64;
        if bytes as u64 > limit + 1 {
            return Err(ImageError::limit(
                "squashed files",
                limit,
                "bytes in a path",
            ));
        }
        self.path_bytes += bytes as u64;
        let limit = self.limits.paths_bytes;
        if self.path_bytes > limit.saturating_mul(2) {
            return Err(ImageError::limit(
                "squashed files",
                limit,
                "bytes of all paths",
            ));
        }
        Ok(())
    }

    /// Follows a path, and symbolic links on it, within the root. Where `create` says so, what is missing
    /// or no folder becomes one. `None` if it leads nowhere.
    fn walk(&mut self, path: &'a str, create: bool) -> Result<Option<u32>, ImageError> {
        let mut current = ROOT;
        let mut links = 0;
        let mut pending = vec![path.split('/')];
        while let Some(names) = pending.last_mut() {
            let Some(name) = names.next() else {
                pending.pop();
                continue;
            };
            self.steps += 1;
            if self.steps > self.limits.path_steps {
                let limit = self.limits.path_steps;
                return Err(ImageError::limit(
                    "squashed files",
                    limit,
                    "names to follow",
                ));
            }
            match name {
                "" | "." => continue,
                ".." => {
                    let parent = self.slot(current).map_or(ROOT, |slot| slot.parent);
                    current = if parent == NONE { ROOT } else { parent };
                    continue;
                }
                _ => {}
            }
            let child = self.child(current, name);
            if let Some(target) = child.and_then(|child| self.symlink_target(child)) {
                links += 1;
                if links > MAX_LINKS {
                    return Ok(None);
                }
                if target.starts_with('/') {
                    current = ROOT;
                }
                pending.push(target.split('/'));
                continue;
            }
            match self.step(current, child, name, create)? {
                Some(next) => current = next,
                None => return Ok(None),
            }
        }
        Ok(Some(current))
    }

    /// Goes to a folder inside of another.
    fn step(
        &mut self,
        current: u32,
        child: Option<u32>,
        name: &'a str,
        create: bool,
    ) -> Result<Option<u32>, ImageError> {
        let folder = TreeNode::Directory(None);
        let Some(child) = child else {
            return match create {
                true => self.add_slot(current, name, folder).map(Some),
                false => Ok(None),
            };
        };
        let node = self.slot(child).map_or(TreeNode::Absent, |slot| slot.node);
        if !matches!(node, TreeNode::Directory(_)) {
            if !create {
                return Ok(None);
            }
            self.replace(child, folder);
        }
        Ok(Some(child))
    }

    fn symlink_target(&self, slot: u32) -> Option<&'a str> {
        let TreeNode::Entry {
            content_layer,
            number,
            ..
        } = self.slot(slot)?.node
        else {
            return None;
        };
        match self.layer_node(content_layer, number)? {
            LayerNode::Symlink { target } => Some(target),
            _ => None,
        }
    }
}

/// What was found in a file of a layer.
pub(super) fn found_in(node: &LayerNode) -> Option<Found> {
    match node {
        LayerNode::File { found, .. } => Some(*found),
        LayerNode::HardLink { found, .. } => *found,
        _ => None,
    }
}
