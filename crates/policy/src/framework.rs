//! Reads `frameworks/*.yaml`: the requirements of a publisher, and the controls that check them.
//!
//! A framework without numbers has a plain list of `controls`. One with numbers has `requirements`,
//! each with its controls; one that no control checks says why. The framework of all controls names
//! none.

use super::{
    did_you_mean::did_you_mean,
    library::Library,
    map_reader::{FieldSpec, MapReader, Spanned, abbreviate},
    read_dir,
};
use kubevet_document::Node;
use kubevet_model::{
    Assessment, ControlId, Framework, FrameworkMember, Level, Position, Problem, Requirement,
};
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// The keys of a framework file.
pub(super) const FRAMEWORK_KEYS: &[FieldSpec] = &[
    FieldSpec::required("name"),
    FieldSpec::optional("version"),
    FieldSpec::required("description"),
    FieldSpec::optional("mappingBy"),
    FieldSpec::optional("controls"),
    FieldSpec::optional("requirements"),
    FieldSpec::optional("allControls"),
];
/// The keys of one entry of `requirements`.
pub(super) const REQUIREMENT_KEYS: &[FieldSpec] = &[
    FieldSpec::required("section"),
    FieldSpec::required("title"),
    FieldSpec::optional("kind"),
    FieldSpec::optional("level"),
    FieldSpec::optional("assessment"),
    FieldSpec::optional("note"),
    FieldSpec::optional("controls"),
];
/// The keys of one entry of the `controls` of a framework.
pub(super) const MEMBER_KEYS: &[FieldSpec] = &[
    FieldSpec::required("id"),
    FieldSpec::optional("section"),
    FieldSpec::optional("level"),
    FieldSpec::optional("reason"),
];
/// The keys of one entry of the `controls` of a requirement.
pub(super) const EVIDENCE_KEYS: &[FieldSpec] =
    &[FieldSpec::required("id"), FieldSpec::optional("reason")];
/// The keys of which a framework has one.
const BODY_KEYS: [&str; 3] = ["controls", "requirements", "allControls"];

/// Reads a framework. Entries that name no control are left out and reported. `known` has every
/// control that it may list: those with errors, so that one error is reported once, and those of the
/// public library, which may not be here yet.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
    known: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Option<(Framework, Position)> {
    let mut reader = MapReader::new(file, problems);
    let document = reader.document(text, "framework")?;
    let root = document.root();
    if !reader.keys(root, "a framework", FRAMEWORK_KEYS) {
        return None;
    }
    let name = reader
        .string(root, "name")
        .filter(|name| check_name(&mut reader, name));
    let version = reader.string_or_empty(root, "version");
    let description = reader.string(root, "description");
    let mapping_by = reader.string(root, "mappingBy");
    let bodies: Vec<&str> = BODY_KEYS
        .into_iter()
        .filter(|key| root.get(key).is_some())
        .collect();
    if bodies.len() != 1 {
        let message =
            "a framework has one of the keys \"controls\", \"requirements\" and \"allControls\"";
        reader.error(root.position(), message);
    }
    let mut body = BodyReader {
        reader: &mut reader,
        known,
    };
    let has_all_controls = root.get("allControls").is_some();
    let requirements = match (root.get("controls"), root.get("requirements")) {
        (Some(controls), _) => body.plain_list(controls)?,
        (None, Some(requirements)) => body.requirements(requirements)?,
        (None, None) if has_all_controls => Vec::new(),
        (None, None) => return None,
    };
    if has_all_controls && reader.boolean(root, "allControls") == Some(false) {
        reader.error(
            root.position(),
            "\"allControls\" can only be true: leave it out",
        );
    }
    let name = name?;
    let framework = Framework {
        name: name.value,
        version,
        description: description?.value,
        mapping_by: mapping_by.map(|author| author.value),
        has_all_controls,
        requirements,
    };
    Some((framework, name.position))
}

/// Reads the framework in a file (`scan framework FILE.yaml`). Its controls are those of a library.
///
/// # Errors
/// All problems of the file.
pub fn load_framework(path: &Path, library: &Library) -> Result<Framework, Vec<Problem>> {
    let text = read_dir::read_text(path).map_err(|problem| vec![problem])?;
    let controls = library.metadata();
    let here = controls.iter().map(|control| &control.id);
    let public = library.public_controls.iter().map(|control| &control.id);
    let known = here.chain(public).map(ToString::to_string).collect();
    let mut problems = Vec::new();
    let file: Arc<str> = path.display().to_string().into();
    let framework = read(&file, &text, &known, &mut problems);
    match framework {
        Some((mut framework, _)) if problems.is_empty() => {
            library.fill_in(&mut framework);
            Ok(framework)
        }
        _ => Err(problems),
    }
}

/// Checks that a name can be typed on the command line without quotes.
fn check_name(reader: &mut MapReader<'_>, name: &Spanned<String>) -> bool {
    let is_valid = name.value.len() <= 60
        && name
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_valid {
        let message = format!(
            "{:?} is not a valid name for a framework: write letters, digits, -, _ and . only",
            abbreviate(&name.value)
        );
        reader.error(name.position, message);
    }
    is_valid
}

/// Reads the requirements and controls of a framework.
struct BodyReader<'r, 'f> {
    reader: &'r mut MapReader<'f>,
    known: &'r BTreeSet<String>,
}

impl BodyReader<'_, '_> {
    /// Reads a plain list of controls: a requirement for each section, in the order of the first
    /// control of each.
    fn plain_list(&mut self, node: Node<'_>) -> Option<Vec<Requirement>> {
        let entries = self.reader.elements(node, "\"controls\"")?;
        if entries.is_empty() {
            self.reader.error(
                node.position(),
                "\"controls\" is empty, so the framework would be met by anything: list its controls",
            );
        }
        let mut requirements: Vec<Requirement> = Vec::new();
        for entry in entries {
            if !self
                .reader
                .keys(entry, "an entry of \"controls\"", MEMBER_KEYS)
            {
                continue;
            }
            let section = self.reader.string_or_empty(entry, "section");
            let level = self.level(entry);
            let reason = self.reader.string_or_empty(entry, "reason");
            let Some(id) = self.reader.string(entry, "id") else {
                continue;
            };
            let same = requirements
                .iter()
                .position(|other| other.section == section && other.level == level);
            if same.is_none() {
                requirements.push(Requirement {
                    section,
                    level,
                    ..Requirement::default()
                });
            }
            let index = same.unwrap_or(requirements.len() - 1);
            if let Some(requirement) = requirements.get_mut(index) {
                self.add(&mut requirement.controls, "framework", &id, reason);
            }
        }
        requirements.retain(|requirement| !requirement.controls.is_empty());
        Some(requirements)
    }

    fn requirements(&mut self, node: Node<'_>) -> Option<Vec<Requirement>> {
        let entries = self.reader.elements(node, "\"requirements\"")?;
        let mut requirements: Vec<Requirement> = Vec::new();
        for entry in entries {
            let Some((requirement, position)) = self.requirement(entry) else {
                continue;
            };
            if requirements
                .iter()
                .any(|other| other.section == requirement.section)
            {
                let message = format!(
                    "the framework has the section {:?} twice: keep one",
                    abbreviate(&requirement.section)
                );
                self.reader.error(position, message);
            } else {
                requirements.push(requirement);
            }
        }
        if requirements
            .iter()
            .all(|requirement| requirement.controls.is_empty())
        {
            self.reader.error(
                node.position(),
                "no requirement has a control, so the framework would check nothing: list its controls",
            );
        }
        Some(requirements)
    }

    fn requirement(&mut self, entry: Node<'_>) -> Option<(Requirement, Position)> {
        if !self
            .reader
            .keys(entry, "an entry of \"requirements\"", REQUIREMENT_KEYS)
        {
            return None;
        }
        let section = self.reader.string(entry, "section");
        let title = self.reader.string(entry, "title");
        let kind = self.reader.string_or_empty(entry, "kind");
        let level = self.level(entry);
        let assessments: Vec<(&str, Assessment)> = Assessment::ALL
            .iter()
            .map(|assessment| (assessment.name(), *assessment))
            .collect();
        let assessment = self.reader.read_enum(entry, "assessment", &assessments);
        let note = self.reader.string_or_empty(entry, "note");
        let mut controls = Vec::new();
        for member in self.reader.elements_of(entry, "controls") {
            let what = "an entry of \"controls\"";
            if !self.reader.keys(member, what, EVIDENCE_KEYS) {
                continue;
            }
            let reason = self.reader.string_or_empty(member, "reason");
            if let Some(id) = self.reader.string(member, "id") {
                self.add(&mut controls, "requirement", &id, reason);
            }
        }
        let section = section?;
        if controls.is_empty() && note.is_empty() {
            let message = format!(
                "no control checks {:?}: write in \"note\" why none can, or list its controls",
                abbreviate(&section.value)
            );
            self.reader.error(section.position, message);
        }
        let requirement = Requirement {
            section: section.value,
            title: title?.value,
            kind,
            level,
            assessment,
            note,
            controls,
        };
        Some((requirement, section.position))
    }

    fn level(&mut self, entry: Node<'_>) -> Option<Level> {
        let levels: Vec<(&str, Level)> = Level::ALL
            .iter()
            .map(|level| (level.name(), *level))
            .collect();
        self.reader.read_enum(entry, "level", &levels)
    }

    /// Adds a control that is known and new. `list` says what lists it.
    fn add(
        &mut self,
        controls: &mut Vec<FrameworkMember>,
        list: &str,
        id: &Spanned<String>,
        reason: String,
    ) {
        if !self.known.contains(&id.value) {
            let hint = did_you_mean(&id.value, self.known.iter().map(String::as_str));
            let message = format!("there is no control {:?}{hint}", abbreviate(&id.value));
            self.reader.error(id.position, message);
        } else if controls
            .iter()
            .any(|other| other.control.as_str() == id.value)
        {
            let message = format!("the {list} lists {} twice: keep one", id.value);
            self.reader.error(id.position, message);
        } else {
            controls.push(FrameworkMember {
                control: ControlId::from(id.value.as_str()),
                reason,
            });
        }
    }
}
