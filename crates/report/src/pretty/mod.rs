//! The report that a person reads in a terminal: one of three views, then what is missing, the
//! counts, and the verdict in one line.
//!
//! | file | is |
//! |---|---|
//! | `resource` | the view by object: defects and fixes |
//! | `same_defect` | objects with one minor defect that many others have |
//! | `control` | the view by control: reason, remediation, failing objects |
//! | `security` | the overview |
//! | `excerpt` | source lines with carets |
//! | `snippet` | fixes as YAML to paste, merged by `edit_tree` |
//! | `requirements` | the frameworks that were named, by requirement |
//! | `summary` | counts and frameworks |
//! | `verdict` | the last line |
//! | `gaps` | whatever was not read or not evaluated |

mod control;
mod edit_tree;
mod excerpt;
mod gaps;
mod requirements;
mod resource;
mod same_defect;
mod security;
mod snippet;
mod summary;
mod verdict;

use super::{
    Style, View,
    sanitize::escape_bounded,
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{Scan, Severity};
use std::io;

/// Writes the view that the style selects, and the summary.
pub(super) fn write(scan: &Scan, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let writer = &mut TerminalWriter::new(style, out);
    write_cluster(scan, writer)?;
    if scan.summary.checked == 0 {
        // No table can say anything, so what keeps the scan from its work comes first.
        gaps::write(scan, writer)?;
        return verdict::write(scan, writer);
    }
    match style.view {
        View::Resource => resource::write(scan, style.verbose, writer)?,
        View::Control => control::write(scan, writer)?,
        View::Security => security::write(scan, writer)?,
    }
    requirements::write(scan, style.verbose, writer)?;
    gaps::write(scan, writer)?;
    summary::write_counts(scan, writer)?;
    verdict::write(scan, writer)
}

/// Writes which cluster was scanned.
fn write_cluster(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let Some(cluster) = &scan.cluster else {
        return Ok(());
    };
    let known = [&cluster.context, &cluster.server, &cluster.version];
    let known: Vec<&str> = known
        .into_iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    let line = format!("cluster {}", escape_bounded(&known.join("  ")));
    let line = writer.styled(TextStyle::Faint, &line);
    writer.line(&line)?;
    writer.blank_line()
}

/// Returns a severity as it is printed before a finding: `CRITICAL`.
fn severity_label(severity: Severity) -> String {
    severity.name().to_uppercase()
}
