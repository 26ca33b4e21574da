//! What is asked about every file of a layer: whether it is wanted, and what is found in it.
//!
//! Each file is inspected alone, so that the facts of a layer can be kept by its digest and used again
//! in every image that has the layer. What needs several files is put together after squashing, by the
//! owner of the facts.

/// A regular file of a layer or a folder, before its content is read.
#[derive(Debug, Clone, Copy)]
pub struct FileEntry<'a> {
    /// The path without a leading slash, such as `var/lib/dpkg/status`. It has no `..` and no `//`.
    pub path: &'a str,
    /// Bytes of the content.
    pub size: u64,
    /// Unix permission bits.
    pub mode: u32,
}

/// How much of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Nothing.
    Skip,
    /// This many bytes from its beginning (or all, if it has fewer): [`Inspector::inspect`] decides.
    Head(usize),
    /// All of it.
    Whole,
}

/// The answer about a content.
#[derive(Debug)]
pub enum Inspection<F> {
    /// There is nothing of interest.
    Nothing,
    /// The head shows that the whole file is needed; it is inspected again.
    NeedsWhole,
    /// What was found.
    Facts(F),
    /// The file should say something, and cannot be understood: a reason without a full stop.
    Unreadable(String),
}

/// Looks for something in the files of an image. It is used by several threads at once.
pub trait Inspector: Sync {
    /// What is found in one file. It is kept with the layer.
    type Facts: Send;

    /// Says how much of a file is wanted.
    fn interest(&self, entry: &FileEntry<'_>) -> Interest;

    /// Looks at the content; `is_whole` says that nothing follows it.
    fn inspect(
        &self,
        entry: &FileEntry<'_>,
        content: &[u8],
        is_whole: bool,
    ) -> Inspection<Self::Facts>;

    /// Whether both files are given the same facts if their contents are the same. Asked about hard
    /// links, so that a content is not looked at once more for each of its names.
    fn is_alike(&self, _first: &FileEntry<'_>, _second: &FileEntry<'_>) -> bool {
        false
    }
}
