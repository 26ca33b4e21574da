//! What a cataloger is.

use crate::{facts::Fact, files::Files};
use kubevet_image::FileEntry;
use kubevet_model::Package;

/// What is catalogued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogSubject {
    /// An image: what is installed.
    Image,
    /// A folder: what is installed, and what lock files declare.
    Folder,
}

/// The files that a cataloger reads.
pub(crate) enum Selection {
    /// Files whose path matches one of these globs. `*` does not match a slash.
    Paths(&'static [&'static str]),
    /// ELF, PE and Mach-O files.
    Executables,
}

/// Finds packages of one kind.
pub(crate) struct Cataloger {
    /// Its name in problems.
    pub(crate) name: &'static str,
    /// The files that it reads.
    pub(crate) selection: Selection,
    /// `None` for both.
    pub(crate) subject: Option<CatalogSubject>,
    /// What one file says. An error is a reason without a full stop: the file should say something and
    /// cannot be understood.
    pub(crate) facts: fn(&FileEntry<'_>, &[u8]) -> Result<Option<Fact>, String>,
    /// What the facts of all files say.
    pub(crate) packages: fn(&Files<'_>, &mut Vec<Package>),
}
