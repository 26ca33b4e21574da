//! What the JSON and the YAML reader are given, and what they return. Apart from both, so that
//! neither depends on the other or on the entry point.

/// A decoded text, and the part of it to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecodedText<'t> {
    pub(super) text: &'t str,
    /// The byte offset to begin at.
    pub(super) start: usize,
    /// The byte offsets of characters that replace bytes that are no UTF-8, in order.
    pub(super) replaced: &'t [usize],
}

/// The documents of a text, and its errors.
#[derive(Debug, Default)]
pub(super) struct ParseOutcome {
    /// The first nodes of the documents on the tape.
    pub(super) roots: Vec<usize>,
    pub(super) errors: Vec<ParseError>,
    /// The byte offset at which the text stops being JSON: the end of the last whole document.
    pub(super) stopped: Option<usize>,
}

/// An error at one position of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParseError {
    /// The byte offset in the text.
    pub(super) at: usize,
    /// The message, in the form of that of a `Problem`.
    pub(super) message: String,
    /// True if a bound of the whole file is exceeded: nothing more is read from it.
    pub(super) last: bool,
}

impl ParseError {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            last: false,
        }
    }
}
