//! Where documents come from: files, folders, globs and standard input.
//!
//! It finds and reads; what a document means is `document`'s business. Whatever was not read is said, as a problem
//! (which no run with it survives as green) or as skipped (which is no fault).

mod files;
mod objects;
mod paths;

pub use files::{Input, read};
