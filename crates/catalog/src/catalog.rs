//! The question asked of each file: who wants it, and what it says.

use crate::{
    cataloger::{CatalogSubject, Cataloger, Selection},
    catalogers::CATALOGERS,
    executable,
    facts::FileFacts,
};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use kubevet_image::{FileEntry, Inspection, Inspector, Interest};

/// Bytes that tell an executable from other files.
const MAGIC_BYTES: usize = 16;

/// Looks at files on behalf of all catalogers.
#[derive(Debug, Clone)]
pub struct Catalog {
    subject: CatalogSubject,
    globs: GlobSet,
    /// The number of the cataloger of each glob.
    owners: Vec<usize>,
}

impl Catalog {
    /// A catalog of an image, or of a folder.
    #[must_use]
    pub fn new(subject: CatalogSubject) -> Self {
        let mut globs = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (number, cataloger) in CATALOGERS.iter().enumerate() {
            let Selection::Paths(patterns) = &cataloger.selection else {
                continue;
            };
            if !is_of(cataloger, subject) {
                continue;
            }
            for pattern in *patterns {
                let glob = GlobBuilder::new(pattern).literal_separator(true).build();
                // The patterns are ours, and a test reads them all.
                if let Ok(glob) = glob {
                    globs.add(glob);
                    owners.push(number);
                }
            }
        }
        Catalog {
            subject,
            globs: globs.build().unwrap_or_default(),
            owners,
        }
    }

    /// Names the form and the rules of the facts, for a cache of layers: it changes with them.
    #[must_use]
    pub fn facts_version(&self) -> &'static str {
        match self.subject {
            CatalogSubject::Image => {
                concat!("packages of images, ", env!("CARGO_PKG_VERSION"), ".1")
            }
            CatalogSubject::Folder => {
                concat!("packages of folders, ", env!("CARGO_PKG_VERSION"), ".1")
            }
        }
    }

    /// The catalogers that want a file for its path.
    fn owners(&self, path: &str) -> Vec<&'static Cataloger> {
        let mut numbers: Vec<usize> = self
            .globs
            .matches(path)
            .into_iter()
            .filter_map(|glob| self.owners.get(glob).copied())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
            .into_iter()
            .filter_map(|number| CATALOGERS.get(number))
            .collect()
    }

    /// The catalogers that want a file for its content.
    fn of_executables(&self) -> impl Iterator<Item = &'static Cataloger> {
        let subject = self.subject;
        CATALOGERS.iter().filter(move |cataloger| {
            is_of(cataloger, subject) && matches!(cataloger.selection, Selection::Executables)
        })
    }
}

fn is_of(cataloger: &Cataloger, subject: CatalogSubject) -> bool {
    cataloger.subject.is_none_or(|only| only == subject)
}

impl Inspector for Catalog {
    type Facts = FileFacts;

    fn interest(&self, entry: &FileEntry<'_>) -> Interest {
        if entry.size == 0 {
            Interest::Skip
        } else if self.globs.is_match(entry.path) {
            Interest::Whole
        } else {
            Interest::Head(MAGIC_BYTES)
        }
    }

    fn inspect(
        &self,
        entry: &FileEntry<'_>,
        content: &[u8],
        is_whole: bool,
    ) -> Inspection<FileFacts> {
        let is_executable = executable::is_executable(content);
        if !is_whole {
            let is_wanted = is_executable || self.globs.is_match(entry.path);
            return if is_wanted {
                Inspection::NeedsWhole
            } else {
                Inspection::Nothing
            };
        }
        let mut found = FileFacts::default();
        for cataloger in self.owners(entry.path) {
            add(&mut found, cataloger, entry, content);
        }
        if is_executable {
            for cataloger in self.of_executables() {
                add(&mut found, cataloger, entry, content);
            }
        }
        if found.is_empty() {
            Inspection::Nothing
        } else {
            Inspection::Facts(found)
        }
    }
}

fn add(found: &mut FileFacts, cataloger: &Cataloger, entry: &FileEntry<'_>, content: &[u8]) {
    match (cataloger.facts)(entry, content) {
        Ok(fact) => found.facts.extend(fact),
        Err(reason) => found.problems.push(format!("{}: {reason}", cataloger.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glob_of_every_cataloger_is_valid() {
        for cataloger in CATALOGERS {
            if let Selection::Paths(patterns) = cataloger.selection {
                for pattern in patterns {
                    assert!(
                        GlobBuilder::new(pattern)
                            .literal_separator(true)
                            .build()
                            .is_ok(),
                        "{pattern}"
                    );
                }
            }
        }
    }

    #[test]
    fn file_is_wanted_for_its_path_or_its_first_bytes() {
        let check = |path: &str, expected: Interest| {
            let entry = FileEntry {
                path,
                size: 10,
                mode: 0o644,
            };
            assert_eq!(
                Catalog::new(CatalogSubject::Image).interest(&entry),
                expected,
                "{path}"
            );
        };
        check("var/lib/dpkg/status", Interest::Whole);
        check("lib/apk/db/installed", Interest::Whole);
        check("a/b/node_modules/c/package.json", Interest::Whole);
        check("usr/lib/sysimage/rpm/rpmdb.sqlite", Interest::Whole);
        check("package-lock.json", Interest::Head(MAGIC_BYTES));
        check("usr/bin/tool", Interest::Head(MAGIC_BYTES));
    }
}
