//! Tar as runtimes read it, in one pass.
//!
//! It follows the reader of Go's standard library, which unpacks layers in containerd and Docker: what
//! that one takes for a name or a size is taken for it here, so that no file is seen by a runtime and
//! not by a scan. Headers are bounded, and no content is kept that was not requested.

mod header;
mod pax;
mod reader;
mod sparse;

pub(super) use reader::{EntryKind, TarEntry, TarReader};
