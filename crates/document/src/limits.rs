//! The bounds of reading a file. They bound memory and time, so that no input can exhaust either.

/// The bounds of one file.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The maximum size of the file in bytes; never more than 1 GiB, whatever is set.
    pub bytes: usize,
    /// The maximum nesting of lists and maps.
    pub depth: usize,
    /// The maximum number of values and keys in the file, of sixteen bytes of memory each; never
    /// more than 2^28, whatever is set.
    pub nodes: usize,
    /// The maximum number of values and keys that YAML aliases and merge keys copy or move, in the
    /// whole file.
    pub expansion: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            depth: 512,
            nodes: 8_000_000,
            expansion: 1_000_000,
        }
    }
}
