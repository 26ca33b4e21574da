//! The nouns of kubevet as plain data: controls, findings, verdicts, scans, paths.
//!
//! The lowest layer. It knows no parser, no engine and no client, reads nothing and prints nothing; every other module
//! may speak in these types. Public formats (the JSON report) have types of their own, so these may change.

mod action;
mod control;
mod finding;
mod object;
mod path;
mod pattern;
mod problem;
mod scan;
mod severity;
mod text;

pub use action::{Action, OnOwned, OnUnevaluated, OnUpdate};
pub use control::{Control, ControlId, Framework, FrameworkMember, Kind, KindSelector, Scope};
pub use finding::{Finding, Fix, FixAction, RuleError, Verdict};
pub use object::{ObjectId, Operation, Request};
pub use path::{FieldPath, PathError, Segment};
pub use pattern::{ElementField, FieldPattern, PathReads, PatternRoot, PatternStep};
pub use problem::{Position, Problem};
pub use scan::{
    ControlResult, ControlStatus, FrameworkResult, Located, ObjectResult, Scan, Skipped, Source,
    SourceLine, Summary,
};
pub use severity::{ParseSeverityError, Severity};
pub use text::{bounded, cut_bytes, is_hidden, one_line, push_json, push_visible, written_out};
