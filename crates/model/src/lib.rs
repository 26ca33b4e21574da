//! The nouns of kubevet as plain data: controls, findings, verdicts, scans, paths.
//!
//! The lowest layer. It knows no parser, no engine and no client, reads nothing and prints nothing; every other module
//! may speak in these types. Public formats (the JSON report) have types of their own, so these may change.

mod control;
mod counts;
mod enforcement;
mod eval_error;
mod finding;
mod fingerprint;
mod object;
mod origin;
mod path;
mod pattern;
mod problem;
mod problem_code;
mod sanitize;
mod scan;
mod severity;
mod stored_certificates;

pub use control::{Control, ControlId, Framework, FrameworkMember, Kind, KindSelector, Scope};
pub use counts::{ControlStatusCounts, SeverityCounts};
pub use enforcement::{Action, OnOwned, OnUnevaluated, OnUpdate};
pub use eval_error::{EvalError, EvalTier};
pub use finding::{Evidence, Finding, Fix, FixAction, RuleError, Verdict, Violation};
pub use fingerprint::Fingerprint;
pub use object::{EvalRequest, ObjectId, Operation};
pub use origin::Origin;
pub use path::{FieldPath, PathError, Segment, Segments};
pub use pattern::{ElementField, FieldPattern, PathReads, PatternRoot, PatternStep};
pub use problem::{Position, Problem};
pub use problem_code::ProblemCode;
pub use sanitize::{
    escape_char, escape_hidden, escape_json_char, format_bounded, is_hidden, one_line,
    truncate_bytes,
};
pub use scan::{
    ControlResult, ControlStatus, FrameworkResult, LocatedFinding, ObjectResult, Scan, Skipped,
    SourceLine, SourceLocation, Summary,
};
pub use severity::{ParseSeverityError, Severity};
pub use stored_certificates::StoredCertificates;
