//! The metadata of a control: the fields as written, and the [`Control`] that they become.
//!
//! Two steps, since the same fields are written in two places: in `control.yaml`, and in the
//! annotations of a single Rego file. Both are read into a [`RawControl`], and
//! [`RawControl::validate`] alone decides what is valid.

use super::{
    builtin::BuiltinCheck,
    control_id,
    did_you_mean::did_you_mean,
    kind_selector,
    map_reader::{FieldSpec, MapReader, Spanned, abbreviate, values},
    params::ParamSchema,
    rule_use::RuleUse,
};
use kubevet_document::Node;
use kubevet_model::{Control, ControlId, KindSelector, Position, Problem, Scope, Severity};
use std::sync::Arc;

/// The keys of control.yaml, in the order in which to write them.
pub(super) const CONTROL_KEYS: &[FieldSpec] = &[
    FieldSpec::required("id"),
    FieldSpec::required("name"),
    FieldSpec::optional("kubescapeName"),
    FieldSpec::required("severity"),
    FieldSpec::optional("score"),
    FieldSpec::optional("kubescapeScore"),
    FieldSpec::required("category"),
    FieldSpec::optional("sensitive"),
    FieldSpec::optional("cause"),
    FieldSpec::required("risk"),
    FieldSpec::optional("check"),
    FieldSpec::required("remediation"),
    FieldSpec::optional("example"),
    FieldSpec::optional("references"),
    FieldSpec::optional("tags"),
    FieldSpec::optional("kinds"),
    FieldSpec::optional("builtin"),
    FieldSpec::optional("rule"),
    FieldSpec::optional("scope"),
    FieldSpec::optional("params"),
    FieldSpec::optional("requiresAnyParam"),
    FieldSpec::optional("publicRules"),
];

/// The scope of a control that states none.
const DEFAULT_SCOPE: [Scope; 2] = [Scope::Cluster, Scope::File];

type RawString = Option<Spanned<String>>;
type RawStrings = Option<Vec<Spanned<String>>>;

/// The metadata of a control as written. A field that is missing, or has the wrong type and was
/// reported, is `None`.
#[derive(Debug, Default)]
pub(super) struct RawControl {
    pub(super) id: RawString,
    pub(super) name: RawString,
    pub(super) kubescape_name: RawString,
    pub(super) severity: RawString,
    pub(super) score: Option<Spanned<f64>>,
    pub(super) kubescape_score: Option<Spanned<f64>>,
    pub(super) category: RawString,
    pub(super) sensitive: Option<bool>,
    pub(super) cause: RawString,
    pub(super) risk: RawString,
    pub(super) check: RawString,
    pub(super) remediation: RawString,
    pub(super) example: RawString,
    pub(super) references: RawStrings,
    pub(super) tags: RawStrings,
    pub(super) kinds: RawStrings,
    pub(super) scope: RawStrings,
    pub(super) params: RawStrings,
    pub(super) requires_any_param: RawStrings,
    pub(super) public_rules: RawStrings,
}

/// A control, and the position of its id.
pub(super) type ControlAndPosition = (Control, Position);

/// The content of a control.yaml.
pub(super) struct ControlFile {
    pub(super) control: Control,
    /// The position of the id.
    pub(super) position: Position,
    /// The check of a control without a rule.
    pub(super) builtin: Option<BuiltinCheck>,
    /// The shared rule that it uses.
    pub(super) rule_use: Option<RuleUse>,
}

/// Reads control.yaml; `None` if it has an error. `schema` has the known params; `None` if params.yaml
/// could not be read.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
    schema: Option<&ParamSchema>,
    problems: &mut Vec<Problem>,
) -> Option<ControlFile> {
    let before = problems.len();
    let mut reader = MapReader::new(file, problems);
    let document = reader.document(text, "control")?;
    let root = document.root();
    if !reader.keys(root, "a control", CONTROL_KEYS) {
        return None;
    }
    let mut raw = RawControl::read(&mut reader, root);
    let rule_use = RuleUse::read(&mut reader, root);
    let builtin = reader.read_enum(root, "builtin", BuiltinCheck::NAMES);
    match (root.get("builtin"), root.get("kinds")) {
        (None, None) => reader.error(
            root.position(),
            "a control lacks the key \"kinds\": write [workloads] or some kinds",
        ),
        (Some(_), Some(kinds)) => reader.error(
            kinds.position(),
            "a control with \"builtin\" has no \"kinds\", since its check decides: remove the key",
        ),
        (Some(_), None) => raw.kinds = Some(Vec::new()),
        (None, Some(_)) => {}
    }
    let control = raw.validate(&mut reader, schema);
    // A control with an error is rejected as a whole: what its author meant is not known.
    let (control, position) = control.filter(|_| problems.len() == before)?;
    Some(ControlFile {
        control,
        position,
        builtin,
        rule_use,
    })
}

impl RawControl {
    /// Reads the keys that control.yaml and the annotations of a Rego file share.
    pub(super) fn read(reader: &mut MapReader<'_>, node: Node<'_>) -> Self {
        Self {
            id: reader.string(node, "id"),
            name: reader.string(node, "name"),
            kubescape_name: reader.string(node, "kubescapeName"),
            severity: reader.string(node, "severity"),
            score: reader.number(node, "score"),
            kubescape_score: reader.number(node, "kubescapeScore"),
            category: reader.string(node, "category"),
            sensitive: reader.boolean(node, "sensitive"),
            cause: reader.string(node, "cause"),
            risk: reader.string(node, "risk"),
            check: reader.string(node, "check"),
            remediation: reader.string(node, "remediation"),
            example: reader.string(node, "example"),
            references: reader.strings(node, "references"),
            tags: reader.strings(node, "tags"),
            kinds: read_kind_list(reader, node),
            scope: reader.strings(node, "scope"),
            params: reader.strings(node, "params"),
            requires_any_param: reader.strings(node, "requiresAnyParam"),
            public_rules: reader.strings(node, "publicRules"),
        }
    }

    /// Returns the control if every required field is valid, and reports every error.
    pub(super) fn validate(
        self,
        reader: &mut MapReader<'_>,
        schema: Option<&ParamSchema>,
    ) -> Option<ControlAndPosition> {
        let id = self.id.filter(|id| check_id(reader, id));
        let severity = self.severity.and_then(|word| read_severity(reader, &word));
        let score = read_score(reader, severity, self.score);
        let kubescape_score = self
            .kubescape_score
            .filter(|score| check_score(reader, "kubescapeScore", score));
        let kinds = self.kinds.map(|selectors| read_kinds(reader, &selectors));
        let scope = read_scope(reader, self.scope);
        let params = self.params.unwrap_or_default();
        check_params(reader, &params, schema);
        let required = self.requires_any_param.unwrap_or_default();
        for name in required
            .iter()
            .filter(|name| params.iter().all(|param| param.value != name.value))
        {
            let hint = did_you_mean(&name.value, params.iter().map(|param| param.value.as_str()));
            let message = format!(
                "\"requiresAnyParam\" names {:?}, which \"params\" does not list{hint}",
                abbreviate(&name.value)
            );
            reader.error(name.position, message);
        }
        let id = id?;
        let control = Control {
            id: ControlId::from(id.value.as_str()),
            name: self.name?.value,
            kubescape_name: self.kubescape_name.map(|text| text.value),
            risk: text_or_empty(self.risk),
            check: text_or_empty(self.check),
            remediation: text_or_empty(self.remediation),
            example: text_or_empty(self.example),
            references: read_references(reader, self.references),
            tags: read_tags(reader, self.tags),
            severity: severity?,
            score: score?,
            kubescape_score: kubescape_score.map(|score| score.value),
            category: text_or_empty(self.category),
            sensitive: self.sensitive.unwrap_or_default(),
            cause: self.cause.map(|text| text.value),
            kinds: kinds?,
            scope,
            params: values(params),
            requires_any_param: values(required),
            public_rules: values(self.public_rules.unwrap_or_default()),
        };
        Some((control, id.position))
    }
}

fn text_or_empty(text: RawString) -> String {
    text.map(|text| text.value).unwrap_or_default()
}

/// Reports references that are not URLs of web pages.
fn read_references(reader: &mut MapReader<'_>, entries: RawStrings) -> Vec<String> {
    let entries = entries.unwrap_or_default();
    for url in entries.iter().filter(|url| !is_web_url(&url.value)) {
        let message = format!(
            "invalid reference {:?}: write a URL that begins with https://",
            abbreviate(&url.value)
        );
        reader.error(url.position, message);
    }
    values(entries)
}

fn is_web_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
}

/// Reports tags that are not a word, or a catalog and a number such as `mitre:T1611`.
fn read_tags(reader: &mut MapReader<'_>, entries: RawStrings) -> Vec<String> {
    let entries = entries.unwrap_or_default();
    for tag in entries.iter().filter(|tag| !is_tag(&tag.value)) {
        let message = format!(
            "invalid tag {:?}: write a word, or a catalog and a number, such as mitre:T1611 or cis:5.2.2",
            abbreviate(&tag.value)
        );
        reader.error(tag.position, message);
    }
    values(entries)
}

fn is_tag(text: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match text.split_once(':') {
        Some((catalog, number)) => is_word(catalog) && is_word(number),
        None => is_word(text),
    }
}

fn check_id(reader: &mut MapReader<'_>, id: &Spanned<String>) -> bool {
    let right = control_id::is_id(&id.value);
    if !right {
        reader.error(
            id.position,
            format!(
                "{:?} is not a valid id: write {}",
                abbreviate(&id.value),
                control_id::ID_FORM
            ),
        );
    }
    right
}

fn read_severity(reader: &mut MapReader<'_>, word: &Spanned<String>) -> Option<Severity> {
    let found = word.value.parse();
    if found.is_err() {
        let hint = did_you_mean(&word.value, Severity::ALL.iter().map(|value| value.name()));
        let message = format!(
            "unknown severity {:?}: write low, medium, high or critical{hint}",
            abbreviate(&word.value)
        );
        reader.error(word.position, message);
    }
    found.ok()
}

/// Reports a score outside of the range of all scores.
fn check_score(reader: &mut MapReader<'_>, key: &str, score: &Spanned<f64>) -> bool {
    let is_valid = (1.0..=10.0).contains(&score.value);
    if !is_valid {
        reader.error(
            score.position,
            format!("{key:?} must be from 1 to 10, but is {}", score.value),
        );
    }
    is_valid
}

/// Returns the score as written, which must be in the band of the severity, or the middle of the
/// band.
fn read_score(
    reader: &mut MapReader<'_>,
    severity: Option<Severity>,
    score: Option<Spanned<f64>>,
) -> Option<f64> {
    let Some(score) = score else {
        return severity.map(middle_of_band);
    };
    if !check_score(reader, "score", &score) {
        return None;
    }
    let band = Severity::of_score(score.value);
    if let Some(severity) = severity
        && severity != band
    {
        let (from, to) = band_of(severity);
        let message = format!(
            "a score of {} is {band}, but \"severity\" is {severity}: write severity: {band}, or a score from {from} to {to}",
            score.value
        );
        reader.error(score.position, message);
    }
    Some(score.value)
}

/// Returns the least and the greatest score of a severity, by the bands of [`Severity::of_score`],
/// to one decimal.
fn band_of(severity: Severity) -> (f64, f64) {
    match severity {
        Severity::Low => (1.0, 3.9),
        Severity::Medium => (4.0, 6.9),
        Severity::High => (7.0, 8.9),
        Severity::Critical => (9.0, 10.0),
    }
}

fn middle_of_band(severity: Severity) -> f64 {
    match severity {
        Severity::Low => 2.5,
        Severity::Medium => 5.5,
        Severity::High => 8.0,
        Severity::Critical => 9.5,
    }
}

fn read_kind_list(reader: &mut MapReader<'_>, node: Node<'_>) -> RawStrings {
    let entries = reader.strings(node, "kinds")?;
    if let Some(list) = node.get("kinds")
        && list.elements().next().is_none()
    {
        reader.error(list.position(), "\"kinds\" is empty, so the control would apply to nothing: write [workloads] or some kinds");
    }
    Some(entries)
}

fn read_kinds(reader: &mut MapReader<'_>, entries: &[Spanned<String>]) -> Vec<KindSelector> {
    let mut found = Vec::new();
    for entry in entries {
        match kind_selector::parse(&entry.value) {
            Ok(kind) => found.push(kind),
            Err(why) => reader.error(
                entry.position,
                format!("{:?} in \"kinds\" {why}", abbreviate(&entry.value)),
            ),
        }
    }
    found
}

fn read_scope(reader: &mut MapReader<'_>, entries: Option<Vec<Spanned<String>>>) -> Vec<Scope> {
    let Some(entries) = entries.filter(|scope| !scope.is_empty()) else {
        return DEFAULT_SCOPE.to_vec();
    };
    let mut found = Vec::new();
    for entry in entries {
        match Scope::ALL.iter().find(|scope| scope.name() == entry.value) {
            Some(scope) => found.push(*scope),
            None => {
                let hint = did_you_mean(&entry.value, Scope::ALL.iter().map(|value| value.name()));
                reader.error(
                    entry.position,
                    format!(
                        "{:?} is not a valid scope: write cluster, file or admission{hint}",
                        abbreviate(&entry.value)
                    ),
                );
            }
        }
    }
    found
}

fn check_params(
    reader: &mut MapReader<'_>,
    params: &[Spanned<String>],
    schema: Option<&ParamSchema>,
) {
    let Some(schema) = schema else { return };
    for param in params
        .iter()
        .filter(|param| schema.get(&param.value).is_none())
    {
        let message = format!(
            "{} (params.yaml describes them)",
            schema.unknown(&param.value)
        );
        reader.error(param.position, message);
    }
}
