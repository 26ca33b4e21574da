//! Rules that several controls share: `rules/NAME.rego`, a module of the package `rules.NAME` that
//! reads `input.arguments.X`.
//!
//! Each control gives its own arguments. Its module is the text of the rule with the package of the
//! control, and with a literal in place of each argument, so everything behind the loader sees an
//! ordinary rule. Lines stay as they are; what follows an argument on its line may move.

use super::{
    control_id,
    did_you_mean::did_you_mean,
    map_reader::{FieldSpec, MapReader, Spanned, abbreviate, type_name},
    metadata_block::{ANNOTATION_KEYS, block},
    module_source::ModuleSource,
    rego_text,
    rule_use::{ArgumentType, GivenArgument, RuleUse},
};
use kubevet_model::{ControlId, Position, Problem, ProblemCode};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// The keys of `custom` in the METADATA block of a shared rule.
const CUSTOM_KEYS: &[FieldSpec] = &[FieldSpec::required("arguments")];

/// A rule that controls use with arguments of their own.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq)]
pub struct SharedRule {
    /// The name: the last part of its package, and of its file without `.rego`.
    pub name: String,
    /// Its module.
    pub module: ModuleSource,
    arguments: Vec<Argument>,
    reads: Vec<Read>,
}

/// An argument that a shared rule declares.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq)]
struct Argument {
    name: String,
    argument_type: ArgumentType,
}

/// A place where a shared rule reads an argument.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq)]
struct Read {
    bytes: Range<usize>,
    argument: String,
}

impl SharedRule {
    /// Reads a file of `rules/`; `None` if it has an error.
    pub(super) fn read(
        file: &Arc<str>,
        text: &Arc<str>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let name = file.rsplit('/').next()?.strip_suffix(".rego")?.to_owned();
        let mut error = |position: Position, message: String| {
            problems.push(Problem::at(
                ProblemCode::PolicyPackage,
                file.as_ref(),
                position,
                message,
            ));
        };
        let is_word =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let package = rego_text::package(text);
        if !is_word
            || package
                .as_ref()
                .is_none_or(|package| package.value != format!("rules.{name}"))
        {
            let position = package.map_or(Position::START, |package| package.position);
            let message = if is_word {
                format!("a shared rule is in the package of its file: write `package rules.{name}`")
            } else {
                "the name of a shared rule has letters, digits and _ only: rename the file"
                    .to_owned()
            };
            error(position, message);
            return None;
        }
        let arguments = read_arguments(file, text, problems)?;
        let reads = rego_text::reads_of(text, "input.arguments");
        let mut used = BTreeSet::new();
        for read in &reads {
            let mut error = |message: String| {
                problems.push(Problem::at(
                    ProblemCode::PolicyInvalidField,
                    file.as_ref(),
                    read.position,
                    message,
                ));
            };
            let Some(name) = &read.name else {
                error("an argument is read by its name: write input.arguments.NAME".to_owned());
                continue;
            };
            if !arguments
                .iter()
                .any(|argument| argument.value.name == *name)
            {
                let declared = arguments
                    .iter()
                    .map(|argument| argument.value.name.as_str());
                let hint = did_you_mean(name, declared);
                error(format!(
                    "the rule declares no argument {:?}{hint}",
                    abbreviate(name)
                ));
            }
            used.insert(name.as_str());
        }
        for argument in &arguments {
            if !used.contains(argument.value.name.as_str()) {
                let message = format!(
                    "the rule never reads the argument {:?}: remove it",
                    argument.value.name
                );
                problems.push(Problem::at(
                    ProblemCode::PolicyInvalidField,
                    file.as_ref(),
                    argument.position,
                    message,
                ));
            }
        }
        if problems.len() > before {
            return None;
        }
        let reads = reads.into_iter().filter_map(|read| {
            Some(Read {
                bytes: read.bytes,
                argument: read.name?,
            })
        });
        Some(Self {
            name,
            module: ModuleSource {
                file: Arc::clone(file),
                text: Arc::clone(text),
            },
            reads: reads.collect(),
            arguments: arguments
                .into_iter()
                .map(|argument| argument.value)
                .collect(),
        })
    }

    /// The module of a control that uses the rule.
    fn module_of(&self, id: &str, given: &[GivenArgument]) -> ModuleSource {
        let literal_of = |name: &str| {
            let given = given.iter().find(|given| given.name.value == name);
            given
                .and_then(|given| given.literal.as_ref())
                .map_or("null", |(_, literal)| literal)
        };
        let old_package = format!("rules.{}", self.name);
        let source = &*self.module.text;
        let package = source.find(&format!("package {old_package}"));
        let mut edits: Vec<(Range<usize>, String)> = self
            .reads
            .iter()
            .map(|read| (read.bytes.clone(), literal_of(&read.argument).to_owned()))
            .collect();
        let start = package_start(source, &old_package)
            .or(package)
            .unwrap_or_default();
        edits.push((start..start + old_package.len(), control_id::package_of(id)));
        edits.sort_by_key(|(bytes, _)| bytes.start);
        let mut text = String::new();
        let mut at = 0;
        for (bytes, replacement) in edits {
            text.push_str(source.get(at..bytes.start).unwrap_or_default());
            text.push_str(&replacement);
            at = bytes.end;
        }
        text.push_str(source.get(at..).unwrap_or_default());
        ModuleSource {
            // Several controls use the file, and a module has a name of its own.
            file: format!("{} ({id})", self.module.file).into(),
            text: text.into(),
        }
    }
}

/// The offset of the package's name in its line.
fn package_start(source: &str, package: &str) -> Option<usize> {
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let statement = line.trim_start();
        if statement.starts_with("package") {
            return Some(at + line.find(package)?);
        }
        at += line.len();
    }
    None
}

/// Reads the arguments that a rule declares; `None` if the declaration has an error.
fn read_arguments(
    file: &Arc<str>,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Spanned<Argument>>> {
    let before = problems.len();
    let mut reader = MapReader::new(file, problems);
    let Some(yaml) = block(text) else {
        let message = "the rule does not declare its arguments: begin it with a comment `# METADATA` that has title and \
                       custom: {arguments: {NAME: TYPE}}";
        reader.error(Position::START, message);
        return None;
    };
    let document = reader.document(&yaml, "METADATA block")?;
    let root = document.root();
    if !reader.keys(root, "METADATA", ANNOTATION_KEYS) {
        return None;
    }
    let custom = root.get("custom")?;
    if !reader.keys(custom, "\"custom\"", CUSTOM_KEYS) {
        return None;
    }
    let declared = custom.get("arguments")?;
    if !declared.is_map() {
        let message = format!(
            "\"arguments\" must be a map from names to types, but is {}",
            type_name(declared)
        );
        reader.error(declared.position(), message);
        return None;
    }
    reader.check_repeated(declared);
    let mut arguments = Vec::new();
    for entry in declared.entries() {
        let Some(type_name) = reader.string(declared, entry.key) else {
            continue;
        };
        let Some(argument_type) = reader.parse_enum(&type_name, entry.key, ArgumentType::NAMES)
        else {
            continue;
        };
        arguments.push(Spanned {
            value: Argument {
                name: entry.key.to_owned(),
                argument_type,
            },
            position: entry.key_position(),
        });
    }
    (problems.len() == before).then_some(arguments)
}

/// The module of a control, from the shared rule that its control.yaml (`file`) names; `None` if
/// that has an error. `rule` is `None` for a name that no rule has.
pub(super) fn instantiate<'r>(
    id: &ControlId,
    file: &str,
    rule_use: &RuleUse,
    rules: impl Iterator<Item = &'r SharedRule> + Clone,
    problems: &mut Vec<Problem>,
) -> Option<ModuleSource> {
    let before = problems.len();
    let mut error = |position: Position, message: String| {
        problems.push(Problem::at(
            ProblemCode::PolicyInvalidField,
            file,
            position,
            message,
        ));
    };
    let name = &rule_use.name;
    let Some(rule) = rules.clone().find(|rule| rule.name == name.value) else {
        let hint = did_you_mean(&name.value, rules.map(|rule| rule.name.as_str()));
        error(
            name.position,
            format!(
                "no shared rule is called {:?}{hint}",
                abbreviate(&name.value)
            ),
        );
        return None;
    };
    for given in &rule_use.arguments {
        let declared = rule
            .arguments
            .iter()
            .find(|argument| argument.name == given.name.value);
        let Some(declared) = declared else {
            let names = rule.arguments.iter().map(|argument| argument.name.as_str());
            let hint = did_you_mean(&given.name.value, names);
            error(
                given.name.position,
                format!(
                    "the rule {} has no argument {:?}{hint}",
                    rule.name,
                    abbreviate(&given.name.value)
                ),
            );
            continue;
        };
        let given_type = given
            .literal
            .as_ref()
            .map(|(argument_type, _)| *argument_type);
        if given_type != Some(declared.argument_type) {
            error(
                given.position,
                format!(
                    "the argument {:?} must be {}, but is {}",
                    declared.name,
                    declared.argument_type.description(),
                    given.found
                ),
            );
        }
    }
    for declared in &rule.arguments {
        if rule_use
            .arguments
            .iter()
            .all(|given| given.name.value != declared.name)
        {
            error(
                name.position,
                format!(
                    "the rule {} needs the argument {:?}: add it",
                    rule.name, declared.name
                ),
            );
        }
    }
    (problems.len() == before).then(|| rule.module_of(id.as_str(), &rule_use.arguments))
}
