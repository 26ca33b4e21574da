//! What a person reads in a terminal: one of three views, then the summary, then the verdict in one line.
//!
//! | file | is |
//! |---|---|
//! | `resource` | by object: what is wrong, the lines, the fix |
//! | `control` | by control: why, how to mend, which objects |
//! | `security` | the overview |
//! | `excerpt` | lines of a source with carets |
//! | `snippet` | fixes as YAML to paste |
//! | `summary` | counts, frameworks, what was not read or judged, the last line |

mod control;
mod excerpt;
mod resource;
mod security;
mod snippet;
mod summary;

use super::{Style, View, lookup::Controls, page::Page};
use kubevet_model::Scan;
use std::io;

/// Writes the view of the style and the summary.
pub(super) fn write(scan: &Scan, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let controls = Controls::of(scan);
    let page = &mut Page::new(style, out);
    match style.view {
        View::Resource => resource::write(scan, &controls, page)?,
        View::Control => control::write(scan, page)?,
        View::Security => security::write(scan, &controls, page)?,
    }
    if style.view != View::Security {
        summary::write_counts(scan, page)?;
    }
    summary::write_gaps(scan, page)?;
    summary::write_verdict(scan, page)
}
