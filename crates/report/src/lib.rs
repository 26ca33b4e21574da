//! Reports: a scan, or the library itself, as bytes for people and for programs. One file a format.
//!
//! Reports read `model` and nothing else: they judge nothing, count nothing anew that a scan has counted, and open no
//! file. Whatever comes from objects and policies is shown, never obeyed: control characters are escaped (`text`).
//!
//! | file | is |
//! |---|---|
//! | `json` | the public JSON report, with `schemas/scan-report.v1.json` |
//! | `pretty/` | what a person reads in a terminal, in three views |
//! | `catalog` | the library: lists of controls and frameworks, one control in full |
//! | `page`, `text` | lines, colour and width; escaping, wrapping and cutting |
//! | `escaped` | JSON without characters that a terminal would obey |
//! | `lookup` | controls of a scan by id, and numbers in words |

mod catalog;
mod escaped;
mod json;
mod lookup;
mod page;
mod pretty;
mod text;

pub use catalog::{ListFormat, Param, write_control, write_controls, write_frameworks};
pub use escaped::Escaped;
pub use text::visible;

use kubevet_model::Scan;
use std::io;

/// A way to write a scan.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The word after `--format`.
    pub name: &'static str,
    /// What it is for, as half a sentence.
    pub description: &'static str,
    /// Writes the scan. Formats for programs ignore the style. Fails only where the writer does; many small writes, so
    /// give it a buffered writer.
    pub write: fn(&Scan, &Style, &mut dyn io::Write) -> io::Result<()>,
}

/// Every format; the first is the default.
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

/// The format of a name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|it| it.name == name)
}

/// How a report for people looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// What it is ordered by.
    pub view: View,
    /// Whether colours may be used: a terminal that shows them, and a user who wants them.
    pub color: bool,
    /// Columns of the terminal. Under 40 counts as 40.
    pub width: usize,
}

/// What a report for people is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// By object, with the lines to change.
    #[default]
    Resource,
    /// By control, with the objects that fail it.
    Control,
    /// An overview: severities, frameworks, the worst objects and controls.
    Security,
}

impl View {
    /// All views, the default first.
    pub const ALL: [Self; 3] = [Self::Resource, Self::Control, Self::Security];

    /// The word after `--view`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Control => "control",
            Self::Security => "security",
        }
    }
}
