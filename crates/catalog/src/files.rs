//! The facts of a squashed file system, found by path.

use crate::facts::{Fact, FileFacts};
use kubevet_image::{SquashedEntry, SquashedFiles};
use kubevet_model::{Distribution, PackageLocation};
use std::collections::BTreeMap;

/// A file of the squashed file system in which something was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatalogedFile<'a> {
    /// The path without a leading slash.
    pub(crate) path: &'a str,
    /// The number of the layer that wrote it, from 0 for the lowest; `None` for a folder.
    pub(crate) layer: Option<usize>,
    /// What was found.
    pub(crate) facts: &'a FileFacts,
}

/// The facts of all files.
pub(crate) struct Files<'a> {
    by_path: BTreeMap<&'a str, CatalogedFile<'a>>,
    squashed: &'a SquashedFiles<FileFacts>,
    pub(crate) distribution: Option<Distribution>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(squashed: &'a SquashedFiles<FileFacts>) -> Self {
        let files = squashed.files_with_facts().map(|(file, facts)| {
            let file = CatalogedFile {
                path: file.path,
                layer: file.layer,
                facts,
            };
            (file.path, file)
        });
        Files {
            by_path: files.collect(),
            squashed,
            distribution: None,
        }
    }

    /// Every fact with its file, ordered by path.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&CatalogedFile<'a>, &'a Fact)> {
        self.by_path
            .values()
            .flat_map(|file| file.facts.facts.iter().map(move |fact| (file, fact)))
    }

    /// Every file.
    pub(crate) fn all(&self) -> impl Iterator<Item = &CatalogedFile<'a>> {
        self.by_path.values()
    }

    /// The file that a path leads to, if something was found in it.
    pub(crate) fn at(&self, path: &str) -> Option<&CatalogedFile<'a>> {
        if let Some(file) = self.by_path.get(path) {
            return Some(file);
        }
        self.by_path.get(self.real_path(path)?)
    }

    /// The paths of symbolic links, without a leading slash.
    pub(crate) fn links(&self) -> impl Iterator<Item = &'a str> {
        let entries = self.squashed.entries();
        entries
            .filter_map(|(path, entry)| matches!(entry, SquashedEntry::Symlink(..)).then_some(path))
    }

    /// The path of the regular file that a path leads to through symbolic links, without a leading slash.
    pub(crate) fn real_path(&self, path: &str) -> Option<&'a str> {
        self.squashed.resolve(path).map(|file| file.path)
    }
}

/// The location of a file, as packages give it.
pub(crate) fn location(file: &CatalogedFile<'_>) -> PackageLocation {
    PackageLocation {
        path: format!("/{}", file.path),
        layer: file.layer,
    }
}

/// The folder of a path, without a slash at its end; empty for a file at the top.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A path below a folder; the folder may be empty.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// An absolute path without `.`, `..` and doubled slashes; `..` at the top stays there.
pub(crate) fn clean_absolute(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
