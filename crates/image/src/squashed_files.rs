//! The file system that a container of the image begins with: what is at each path, which layer wrote it,
//! and what was found in it.

use super::layer_content::{Found, PathTable};
use kubevet_model::UnreadFile;

/// Symbolic links that are followed for one path, as Linux does.
const MAX_LINKS: usize = 40;

/// All files of an image or a folder, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SquashedFiles<F> {
    paths: PathTable,
    nodes: Vec<SquashedNode>,
    pub(super) facts: Vec<F>,
    pub(super) reasons: Vec<String>,
    /// Paths that could not be read, besides files with a reason of their own.
    pub(super) unread: Vec<(String, String)>,
    /// Layers that were not read, with the reason.
    pub(super) not_evaluated: Vec<(usize, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SquashedNode {
    pub(super) layer: Option<usize>,
    pub(super) kind: SquashedKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SquashedKind {
    Directory,
    File { size: u64, mode: u32, found: Found },
    Symlink { target: Box<str> },
    Other,
}

/// A regular file.
#[derive(Debug, PartialEq, Eq)]
pub struct SquashedFile<'a, F> {
    /// The path without a leading slash.
    pub path: &'a str,
    /// The number of the layer that wrote it, from 0 for the lowest; `None` for a folder.
    pub layer: Option<usize>,
    /// Bytes of the content.
    pub size: u64,
    /// Unix permission bits.
    pub mode: u32,
    /// What was found in it; `None` where there is nothing of interest.
    pub facts: Option<&'a F>,
}

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub enum SquashedEntry<'a, F> {
    /// A folder, and the layer that has an entry for it.
    Directory(Option<usize>),
    /// A file.
    File(SquashedFile<'a, F>),
    /// A symbolic link, with its target as it is stored and its layer.
    Symlink(&'a str, Option<usize>),
    /// A device, a FIFO or something unknown.
    Other(Option<usize>),
}

impl<F> SquashedFiles<F> {
    /// No files.
    pub(super) fn new() -> Self {
        Self {
            paths: PathTable::default(),
            nodes: Vec::new(),
            facts: Vec::new(),
            reasons: Vec::new(),
            unread: Vec::new(),
            not_evaluated: Vec::new(),
        }
    }

    /// Adds what is at a path; paths come in their order.
    pub(super) fn push(&mut self, path: &str, node: SquashedNode) {
        self.paths.push(path);
        self.nodes.push(node);
    }

    /// Everything with its path, sorted by path.
    pub fn entries(&self) -> impl Iterator<Item = (&str, SquashedEntry<'_, F>)> {
        (0..self.nodes.len()).filter_map(|number| Some((self.paths.get(number), self.at(number)?)))
    }

    /// The regular files, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = SquashedFile<'_, F>> {
        (0..self.nodes.len()).filter_map(|number| self.file(number))
    }

    /// The files in which something was found, sorted by path.
    pub fn files_with_facts(&self) -> impl Iterator<Item = (SquashedFile<'_, F>, &F)> {
        self.files().filter_map(|file| {
            let facts = file.facts?;
            Some((file, facts))
        })
    }

    /// What is at a path; the last name may be a symbolic link, the others may not.
    pub fn get(&self, path: &str) -> Option<SquashedEntry<'_, F>> {
        self.at(self.find(path)?)
    }

    /// The file that a path leads to, through symbolic links. The path of the answer is the file's own.
    pub fn resolve(&self, path: &str) -> Option<SquashedFile<'_, F>> {
        let real = self.real_path(path)?;
        self.file(self.find(&real)?)
    }

    /// The path without symbolic links of what is at a path; `None` if there is nothing, or if links
    /// lead in a circle. The root is empty.
    pub fn real_path(&self, path: &str) -> Option<String> {
        let mut real = String::new();
        let mut links = 0;
        let mut pending = vec![path.split('/')];
        while let Some(names) = pending.last_mut() {
            let Some(name) = names.next() else {
                pending.pop();
                continue;
            };
            match name {
                "" | "." => continue,
                ".." => {
                    real.truncate(real.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let folder_end = real.len();
            if folder_end > 0 {
                real.push('/');
            }
            real.push_str(name);
            let SquashedKind::Symlink { target } = &self.nodes.get(self.find(&real)?)?.kind else {
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            let is_absolute = target.starts_with('/');
            real.truncate(if is_absolute { 0 } else { folder_end });
            pending.push(target.split('/'));
        }
        Some(real)
    }

    /// What could not be read and may hide something: the result is not complete where there is any.
    pub fn unread(&self) -> Vec<UnreadFile> {
        let layers = self.not_evaluated.iter().map(|(layer, reason)| UnreadFile {
            path: "/".to_owned(),
            reason: format!("layer {layer} was not read: {reason}"),
        });
        let paths = self.unread.iter().map(|(path, reason)| UnreadFile {
            path: format!("/{path}"),
            reason: reason.clone(),
        });
        let nodes = self.paths.iter().zip(&self.nodes);
        let files = nodes.filter_map(|(path, node)| match node.kind {
            SquashedKind::File {
                found: Found::Unread(index),
                ..
            } => Some(UnreadFile {
                path: format!("/{path}"),
                reason: self.reasons.get(index as usize)?.clone(),
            }),
            _ => None,
        });
        let mut unread: Vec<UnreadFile> = layers.chain(paths).chain(files).collect();
        unread.sort();
        unread
    }

    /// The layers that were not read, with the reason.
    pub fn layers_not_evaluated(&self) -> &[(usize, String)] {
        &self.not_evaluated
    }

    fn find(&self, path: &str) -> Option<usize> {
        let mut low = 0;
        let mut high = self.nodes.len();
        while low < high {
            let middle = low + (high - low) / 2;
            match self.paths.get(middle).cmp(path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn file(&self, number: usize) -> Option<SquashedFile<'_, F>> {
        match self.at(number)? {
            SquashedEntry::File(file) => Some(file),
            _ => None,
        }
    }

    fn at(&self, number: usize) -> Option<SquashedEntry<'_, F>> {
        let node = self.nodes.get(number)?;
        let layer = node.layer;
        Some(match &node.kind {
            SquashedKind::Directory => SquashedEntry::Directory(layer),
            SquashedKind::Symlink { target } => SquashedEntry::Symlink(target, layer),
            SquashedKind::Other => SquashedEntry::Other(layer),
            SquashedKind::File { size, mode, found } => SquashedEntry::File(SquashedFile {
                path: self.paths.get(number),
                layer,
                size: *size,
                mode: *mode,
                facts: match found {
                    Found::Facts(index) => self.facts.get(*index as usize),
                    _ => None,
                },
            }),
        })
    }
}
