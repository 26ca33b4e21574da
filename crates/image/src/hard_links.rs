//! The files of a layer that hard links may name, and the contents that are kept for them.

use super::layer_content::{LayerContent, LayerNode};
use std::collections::{HashMap, VecDeque};

/// A content that was read.
pub(super) struct KeptFile {
    pub(super) content: Vec<u8>,
    /// Whether it is all of the file.
    pub(super) is_whole: bool,
}

/// What is known about files for links to them.
pub(super) struct HardLinks {
    /// The number of the file at a path. It is made when the first link is met: most layers have none.
    files: Option<HashMap<String, usize>>,
    kept: HashMap<usize, KeptFile>,
    /// The numbers of the kept files, the oldest first.
    order: VecDeque<usize>,
    kept_bytes: usize,
    limit: usize,
    /// The number of the file, and that of the link, whose content was not kept.
    pub(super) missed: Vec<(usize, usize)>,
}

impl HardLinks {
    /// Keeps at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            files: None,
            kept: HashMap::new(),
            order: VecDeque::new(),
            kept_bytes: 0,
            limit,
            missed: Vec::new(),
        }
    }

    /// Takes note of an entry with its number.
    pub(super) fn add_entry(&mut self, path: &str, node: &LayerNode, number: usize) {
        if let Some(files) = &mut self.files {
            note(files, path, node, number);
        }
    }

    /// The number of the file at a path, through links to it.
    pub(super) fn file<F>(&mut self, path: &str, content: &LayerContent<F>) -> Option<usize> {
        let files = self.files.get_or_insert_with(|| {
            let mut files = HashMap::new();
            for (number, (path, node)) in content.entries().enumerate() {
                note(&mut files, path, node, number);
            }
            files
        });
        files.get(path).copied()
    }

    /// Keeps a content while there is room. Returns a buffer for the next one.
    pub(super) fn keep(&mut self, number: usize, file: KeptFile) -> Vec<u8> {
        let size = file.content.capacity();
        if size > self.limit / 2 {
            // A buffer for a large file is not kept for small ones.
            return Vec::new();
        }
        self.kept_bytes += size;
        self.kept.insert(number, file);
        self.order.push_back(number);
        while self.kept_bytes > self.limit {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(file) = self.kept.remove(&oldest) {
                self.kept_bytes -= file.content.capacity();
            }
        }
        Vec::new()
    }

    /// Takes a kept content out; an empty file has a known one.
    pub(super) fn take(&mut self, number: usize, size: u64) -> Option<KeptFile> {
        let kept = self.kept.remove(&number);
        if let Some(file) = &kept {
            self.kept_bytes -= file.content.capacity();
        }
        kept.or_else(|| {
            (size == 0).then(|| KeptFile {
                content: Vec::new(),
                is_whole: true,
            })
        })
    }
}

fn note(files: &mut HashMap<String, usize>, path: &str, node: &LayerNode, number: usize) {
    match node {
        LayerNode::File { .. } => {
            files.insert(path.to_owned(), number);
        }
        LayerNode::HardLink { target, .. } => match files.get(&**target).copied() {
            Some(file) => {
                files.insert(path.to_owned(), file);
            }
            None => {
                files.remove(path);
            }
        },
        LayerNode::Directory | LayerNode::Symlink { .. } | LayerNode::Other => {
            files.remove(path);
        }
        LayerNode::Whiteout | LayerNode::Opaque => {}
    }
}
