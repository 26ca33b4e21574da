//! Container images: where they come from, their layers as one pass each, and the squashed file system.
//!
//! It stands apart from what is looked for in the files: an [`Inspector`] says which files it wants and
//! what it finds in them. Nothing here knows a package database, and no file is written.
//!
//! | file | is |
//! |---|---|
//! | `inspector` | what is asked about every file of a layer |

mod inspector;

pub use inspector::{FileEntry, Inspection, Inspector, Interest};
