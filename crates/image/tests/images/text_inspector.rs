//! An inspector for tests: it wants some names, and its facts are the content as text.

use kubevet_image::{FileEntry, Inspection, Inspector, Interest};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Wants whole files that are called `package.json` or begin with `f`, and the first four bytes of those
/// that begin with `h`; all of these if they begin with `more`.
#[derive(Default)]
pub(super) struct TextInspector {
    pub(super) are_links_alike: bool,
    pub(super) inspected: AtomicUsize,
}

impl Inspector for TextInspector {
    type Facts = String;

    fn interest(&self, entry: &FileEntry<'_>) -> Interest {
        let name = entry.path.rsplit('/').next().unwrap();
        match name.chars().next() {
            Some('f') => Interest::Whole,
            Some('h') => Interest::Head(4),
            _ if name == "package.json" => Interest::Whole,
            _ => Interest::Skip,
        }
    }

    fn inspect(&self, _: &FileEntry<'_>, content: &[u8], is_whole: bool) -> Inspection<String> {
        self.inspected.fetch_add(1, Ordering::Relaxed);
        match content {
            b"" => Inspection::Nothing,
            b"more" if !is_whole => Inspection::NeedsWhole,
            content => match std::str::from_utf8(content) {
                Ok(text) => Inspection::Facts(text.to_owned()),
                Err(_) => Inspection::Unreadable("it is no text".to_owned()),
            },
        }
    }

    fn is_alike(&self, _: &FileEntry<'_>, _: &FileEntry<'_>) -> bool {
        self.are_links_alike
    }
}
