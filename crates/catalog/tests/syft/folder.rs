//! A folder as a source: every regular file of it is inspected.

use kubevet_catalog::{Catalog, CatalogedFile, FileFacts, FileTree, Subject, inventory};
use kubevet_image::{FileEntry, Inspection, Inspector as _, Interest};
use kubevet_model::{PackageInventory, UnreadFile};
use std::{fs, path::Path};

struct Tree<'a>(&'a Path);

impl FileTree for Tree<'_> {
    fn real_path(&self, path: &str) -> Option<String> {
        let real = fs::canonicalize(self.0.join(path)).ok()?;
        let root = fs::canonicalize(self.0).ok()?;
        let real = real.strip_prefix(root).ok()?;
        Some(real.to_str()?.to_owned())
    }
}

/// What is in a folder.
pub fn inventory_of(root: &Path, subject: Subject) -> PackageInventory {
    let catalog = Catalog::new(subject);
    let mut found = Vec::new();
    let mut unread = Vec::new();
    add(&catalog, root, root, &mut found, &mut unread);
    let files: Vec<CatalogedFile<'_>> = found
        .iter()
        .map(|(path, facts)| CatalogedFile { path, layer: None, facts })
        .collect();
    let tree = Tree(root);
    let mut inventory = inventory(files, &tree, subject);
    inventory.unread.extend(unread);
    inventory
}

fn add(
    catalog: &Catalog,
    root: &Path,
    folder: &Path,
    found: &mut Vec<(String, FileFacts)>,
    unread: &mut Vec<UnreadFile>,
) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            add(catalog, root, &path, found, unread);
        } else if metadata.is_file() {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let entry = FileEntry { path: &name, size: metadata.len(), mode: 0o644 };
            match inspect(catalog, &entry, &path) {
                Inspection::Facts(facts) => found.push((name, facts)),
                Inspection::Unreadable(reason) => unread.push(UnreadFile { path: name, reason }),
                Inspection::Nothing | Inspection::NeedsWhole => {}
            }
        }
    }
}

fn inspect(catalog: &Catalog, entry: &FileEntry<'_>, path: &Path) -> Inspection<FileFacts> {
    let bytes = match catalog.interest(entry) {
        Interest::Skip => return Inspection::Nothing,
        Interest::Head(bytes) => bytes,
        Interest::Whole => usize::MAX,
    };
    let content = fs::read(path).unwrap();
    let is_whole = bytes >= content.len();
    let head = content.get(..bytes).unwrap_or(&content);
    match catalog.inspect(entry, head, is_whole) {
        Inspection::NeedsWhole => catalog.inspect(entry, &content, true),
        inspection => inspection,
    }
}
