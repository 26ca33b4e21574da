//! The nouns of kubevet as plain data: controls, findings, verdicts, scans, paths.
//!
//! The lowest layer: every other crate may use these types. It knows no parser, no engine and no
//! client, reads nothing and prints nothing. Public formats (the JSON report) have types of their
//! own, so these types may change.
//!
//! | file | is |
//! |---|---|
//! | `control`, `control_ids`, `severity` | controls and kinds, lists of ids |
//! | `framework` | frameworks and their requirements |
//! | `public_control` | the controls of the public library that are not here |
//! | `object`, `origin` | the identity of an object, and its source |
//! | `path`, `pattern` | the location of a field, and of the same field in every object |
//! | `finding`, `fingerprint` | violations, verdicts, findings, and their stable keys |
//! | `defect` | the findings of one cause |
//! | `enforcement` | the reactions of a binding |
//! | `scan`, `scan_status`, `control_status`, `counts` | the result of a scan |
//! | `change` | what changes in a cluster after a scan |
//! | `package` | what is installed in an image |
//! | `unread` | the objects of a cluster that a scan could not read |
//! | `replay` | the result of replaying recorded requests |
//! | `result_object` | results as objects of a cluster |
//! | `problem` | errors in the user's input |
//! | `counted_noun`, `bounded_list` | numbers with their noun, lists with the number of the rest |
//! | `sanitize`, `yaml_string`, `names` | strings from outside: escaped, quoted, checked |
//! | `stored_certificates` | the certificates that a store keeps |

mod bounded_list;
mod change;
mod control;
mod control_ids;
mod control_status;
mod counted_noun;
mod counts;
mod defect;
mod enforcement;
mod eval_error;
mod finding;
mod fingerprint;
mod framework;
pub mod names;
mod object;
mod origin;
mod package;
mod path;
mod pattern;
mod problem;
mod problem_code;
mod public_control;
mod replay;
mod result_object;
mod sanitize;
mod scan;
mod scan_status;
mod severity;
mod stored_certificates;
mod unread;
mod yaml_string;

pub use bounded_list::join_first;
pub use change::{Change, ChangeKind};
pub use control::{Control, ControlId, Kind, KindSelector, Scope};
pub use control_ids::ControlIds;
pub use control_status::{ControlStatus, RequirementStatus};
pub use counted_noun::count;
pub use counts::{ControlStatusCounts, SeverityCounts};
pub use defect::Defect;
pub use enforcement::{Action, OnOwned, OnUnevaluated, OnUpdate};
pub use eval_error::{EvalError, EvalTier};
pub use finding::{Evidence, Finding, Fix, FixAction, RuleError, Verdict, Violation};
pub use fingerprint::{Fingerprint, sha256_hex};
pub use framework::{Assessment, Framework, FrameworkMember, Level, Requirement, mapping_notice};
pub use object::{EvalRequest, ObjectId, Operation};
pub use origin::Origin;
pub use package::{
    Distribution, Package, PackageDetails, PackageInventory, PackageKind, PackageLocation,
    PackageOwnership, UnreadFile, UpstreamPackage,
};
pub use path::{FieldPath, PathError, Segment, Segments};
pub use pattern::{ElementField, FieldPattern, PathReads, PatternRoot, PatternStep};
pub use problem::{Position, Problem};
pub use problem_code::ProblemCode;
pub use public_control::{PublicControl, PublicControlState};
pub use replay::{DenialGroup, Replay, RequestCounts, UnevaluatedRequests};
pub use result_object::{
    CONTENT_BYTES_ANNOTATION, CONTENT_HASH_ANNOTATION, RESULT_LABEL, ResultKey, ResultKind,
    ResultObject,
};
pub use sanitize::{
    escape_char, escape_hidden, escape_json_char, format_bounded, is_hidden, one_line,
    truncate_bytes, truncate_utf8,
};
pub use scan::{
    ControlResult, FrameworkResult, LocatedFinding, NotRun, ObjectResult, RequirementResult, Scan,
    ScannedCluster, Skipped, SourceLine, SourceLocation, Summary, UnavailableControl,
};
pub use scan_status::{ScanStatus, Thresholds};
pub use severity::{ParseSeverityError, Severity};
pub use stored_certificates::StoredCertificates;
pub use unread::{Unread, UnreadPlace};
pub use yaml_string::{PlainStart, yaml_string};
