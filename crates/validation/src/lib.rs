//! A document against the types of Kubernetes' built-in kinds: values of a wrong type, unknown
//! fields, and API versions that a server does not serve.
//!
//! What an API server would refuse is a problem, what it would drop or warn of is a finding. One
//! pass reads the whole document. Custom kinds are not checked: their types are unknown here. It
//! checks neither required fields nor what only a running server knows.
//!
//! | file | is |
//! |---|---|
//! | `api_version` | whether a version of Kubernetes serves the object's `apiVersion` |
//! | `walk` | the pass over the document |
//! | `value_type` | whether one value has a type, as Kubernetes' reader decides it |
//! | `field_suggestion` | the field that an unknown one was meant to be |

mod api_version;
mod field_suggestion;
mod value_type;
mod walk;

use api_version::VersionFault;
use kubevet_document::Document;
use kubevet_k8s::schema::{KindInfo, Schema};
use kubevet_model::{ControlId, FieldPath, Kind, Problem, ProblemCode, Severity, Violation, count};
use kubevet_policy::BuiltinCheck;
use std::fmt;

/// The most values of wrong types, and the most unknown fields, that are reported of one object.
const MAX_REPORTED: usize = 30;

/// The most characters of a path in a message.
const MAX_PATH_CHARS: usize = 200;

/// What is done about an object that a server would not store as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaMode {
    /// Nothing is checked.
    Off,
    /// What a server would refuse is a problem; an unknown field, which it would drop, is a finding.
    #[default]
    Warn,
    /// An unknown field is a problem, too: a server with strict field validation refuses it.
    Strict,
}

impl SchemaMode {
    /// All modes.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Warn, Self::Strict];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Strict => "strict",
        }
    }
}

/// How strict the check is, and for which Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaOptions {
    /// What is checked.
    pub mode: SchemaMode,
    /// The minor version of Kubernetes that will get the object. The fields of one that the table of
    /// types does not cover are those of the nearest that it does.
    pub minor: u8,
}

impl Default for SchemaOptions {
    /// The default mode, and the newest known version.
    fn default() -> Self {
        Self {
            mode: SchemaMode::default(),
            minor: *Schema::embedded().versions().end(),
        }
    }
}

/// Something that a server would drop, or warn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFinding {
    /// The check that found it.
    pub check: BuiltinCheck,
    /// The field.
    pub path: FieldPath,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// The severity if it is not that of the control.
    pub severity: Option<Severity>,
}

impl SchemaFinding {
    /// Returns the finding as a violation of a control. No edit repairs it, since what was meant is a
    /// guess.
    #[must_use]
    pub fn violation(self, control: ControlId) -> Violation {
        Violation {
            control,
            paths: vec![self.path],
            message: self.message,
            fixes: Vec::new(),
        }
    }
}

/// The result of one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validation {
    /// The checks that apply to the document.
    pub judged: Vec<BuiltinCheck>,
    /// What a server would drop or warn of, by position.
    pub findings: Vec<SchemaFinding>,
    /// Why a server would refuse the object.
    pub problems: Vec<Problem>,
}

/// Checks one document.
#[must_use]
pub fn validate(document: &Document, options: &SchemaOptions) -> Validation {
    let mut result = Validation::default();
    if options.mode == SchemaMode::Off {
        return result;
    }
    let id = document.id();
    let kind = id.group_kind();
    let refused = |message: &str| {
        let position = api_version::position(document);
        let file = document.file().as_ref();
        Problem::at(ProblemCode::InputUnknownKind, file, position, message)
    };
    if api_version::is_built_in(&id) {
        result.judged.push(BuiltinCheck::ApiVersions);
        if let Some(fault) = api_version::fault(&id, options.minor) {
            if fault.is_refused() {
                result.problems.push(refused(fault.message()));
            }
            result.findings.push(version_finding(fault));
        }
    }
    let version = version_of(&id.api_version);
    let Some(info) = Schema::embedded().kind_at(&kind, version) else {
        return result;
    };
    result.judged.push(BuiltinCheck::UnknownFields);
    let mut faults = walk::walk(document, info.root, fields_minor(&info, options.minor));
    report_wrong_values(document, &mut faults, &mut result.problems);
    report_unknown_fields(document, options, faults, &mut result);
    result
}

/// Returns the version of an `apiVersion`: the part after the slash.
fn version_of(api_version: &str) -> &str {
    api_version
        .split_once('/')
        .map_or(api_version, |(_, version)| version)
}

/// Returns the version whose fields are compared: the nearest that the table covers and that serves
/// the kind.
fn fields_minor(info: &KindInfo, minor: u8) -> u8 {
    let covered = Schema::embedded().versions();
    let first = info.since.unwrap_or(*covered.start());
    minor.clamp(first, *covered.end())
}

fn version_finding(fault: VersionFault) -> SchemaFinding {
    SchemaFinding {
        check: BuiltinCheck::ApiVersions,
        path: FieldPath::default().key("apiVersion"),
        // A deprecated version still works.
        severity: (!fault.is_refused()).then_some(Severity::Low),
        message: fault.into_message(),
    }
}

/// Adds the values of wrong types, at most [`MAX_REPORTED`].
fn report_wrong_values(
    document: &Document,
    faults: &mut walk::Faults<'_>,
    problems: &mut Vec<Problem>,
) {
    let left_out = faults.wrong.len().saturating_sub(MAX_REPORTED);
    for wrong in faults.wrong.iter().take(MAX_REPORTED) {
        let path = faults.trail.path(wrong.place, wrong.segment);
        let message = format!(
            "the API server refuses this object: {} {}",
            Clipped(path.as_str()),
            wrong.complaint
        );
        problems.push(Problem::at(
            ProblemCode::InputWrongType,
            document.file().as_ref(),
            wrong.value.position(),
            message,
        ));
    }
    if left_out > 0 {
        let message = format!("{left_out} more values of this object have a wrong type");
        problems.push(Problem::at(
            ProblemCode::InputWrongType,
            document.file().as_ref(),
            document.position(),
            message,
        ));
    }
}

/// Adds the unknown fields, at most [`MAX_REPORTED`].
fn report_unknown_fields(
    document: &Document,
    options: &SchemaOptions,
    faults: walk::Faults<'_>,
    result: &mut Validation,
) {
    let left_out = faults.unknown.len().saturating_sub(MAX_REPORTED);
    let last = faults.unknown.len().min(MAX_REPORTED);
    for (number, field) in (1..).zip(faults.unknown.iter().take(MAX_REPORTED)) {
        let suggestion = field_suggestion::suggest(&faults.trail, field.place, field.entry.key);
        let mut message = field_suggestion::message(&suggestion, field, options.minor);
        if number == last && left_out > 0 {
            message += &format!(
                "; not listed: {} of this object",
                count(left_out, "more unknown field")
            );
        }
        if options.mode == SchemaMode::Strict {
            result.problems.push(Problem::at(
                ProblemCode::InputUnknownField,
                document.file().as_ref(),
                field.entry.key_position(),
                message.clone(),
            ));
        }
        result.findings.push(SchemaFinding {
            check: BuiltinCheck::UnknownFields,
            path: faults
                .trail
                .path(field.place, walk::Step::Key(field.entry.key)),
            message,
            severity: suggestion.is_security.then_some(Severity::High),
        });
    }
}

/// A text in a message, cut if it is long.
struct Clipped<'t>(&'t str);

impl fmt::Display for Clipped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_PATH_CHARS) {
            Some((at, _)) => write!(out, "{}…", self.0.get(..at).unwrap_or_default()),
            None => out.write_str(self.0),
        }
    }
}

/// True if the built-in kinds include one, in any version.
fn is_present_kind(kind: &Kind) -> bool {
    Schema::embedded().kind(kind).is_some()
}

#[cfg(test)]
mod tests;
