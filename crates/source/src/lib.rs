//! The sources of documents: files, folders, glob patterns and standard input.
//!
//! It finds files and reads their bytes; `document` interprets them. It never decides what a
//! document means. Everything that was not read is reported: as a problem, which makes a run fail,
//! or as skipped, which does not.

#![allow(clippy::disallowed_methods, reason = "it reads the files of a scan")]

mod discovery;
mod files;
mod input;
mod objects;
mod read_bytes;

pub use discovery::DiscoveredFiles;
pub use files::read;
pub use input::Input;
