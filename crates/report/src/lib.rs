//! Writes a scan, or the policy library itself, as bytes: for people and for programs, one file per
//! format.
//!
//! Reports read `model` and nothing else. They evaluate nothing, recount nothing that the scan has
//! counted, and open no file. Strings from objects and policies are escaped before they reach a
//! terminal (`sanitize`).
//!
//! | file | is |
//! |---|---|
//! | `json/` | the public JSON report; its schema is `schemas/scan-report.v1.json` |
//! | `pretty/` | the report that a person reads in a terminal, in three views |
//! | `catalog/` | the library: lists of controls and frameworks, and one control in full |
//! | `change` | a line for a change of a cluster that is watched |
//! | `replay/` | what bindings would deny of recorded requests |
//! | `terminal` | writes lines: colour, columns, wrapping at the width |
//! | `sanitize` | escapes hidden characters, measures and truncates strings |
//! | `escaping_formatter` | JSON without characters that a terminal would interpret |
//! | `number_format` | counts with their severity, percentages |

mod catalog;
mod change;
mod escaping_formatter;
mod json;
mod number_format;
mod pretty;
mod replay;
mod sanitize;
mod terminal;

pub use catalog::{
    ControlCatalog, ControlDetails, ListFormat, Param, WorkloadEntry, write_absent_control,
    write_control, write_controls, write_frameworks, write_workloads,
};
pub use change::{write_change, write_change_json};
pub use escaping_formatter::EscapingFormatter;
pub use replay::{write_replay_json, write_replay_table};
pub use sanitize::escape_bounded;

use kubevet_model::Scan;
use std::io;
use strum::VariantArray as _;

/// A format that a scan can be written in.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The value of `--format` that selects it.
    pub name: &'static str,
    /// Its purpose, as half a sentence: "for programs, by …".
    pub description: &'static str,
    /// Writes the scan.
    ///
    /// Formats for programs ignore the style. It fails only if the writer does. It makes many small
    /// writes, so the writer should be buffered.
    pub write: fn(&Scan, &Style, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format. The first is the default.
pub const FORMATS: &[Format] = &[
    Format {
        name: "pretty",
        description: "for people, in a terminal",
        write: pretty::write,
    },
    Format {
        name: "json",
        description: "for programs, by schemas/scan-report.v1.json",
        write: json::write,
    },
];

/// Returns the format with the given name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The presentation of a report for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The order and selection of what is shown.
    pub view: View,
    /// True if colours may be used: the terminal shows them and the user wants them.
    pub color: bool,
    /// The columns of a line; `None` where the output is not a terminal, so that no line is cut or
    /// wrapped, apart from prose. A width under 40 counts as 40.
    pub width: Option<usize>,
    /// True if every defect is shown, with its source lines.
    pub verbose: bool,
}

/// The order and selection of a report for people.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum View {
    /// By object, with the lines to change.
    #[default]
    Resource,
    /// By control, with the objects that fail it.
    Control,
    /// An overview: severities, frameworks, the objects and controls with the worst findings.
    Security,
}

impl View {
    /// All views, the default first.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of `--view` that selects it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
