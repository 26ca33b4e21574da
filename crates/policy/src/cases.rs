//! Cases: objects, those of them that must fail, and the paths. The format is that of the public
//! library's cases, so that its cases and a user's own are evaluated alike.
//!
//! Here they are only read; the crate `conformance` evaluates them.

use super::{
    controls_config::{self, DATA_INPUTS, POSTURE_INPUTS},
    loader,
    map_reader::{FieldSpec, MapReader, abbreviate},
    params::ParamValue,
    read_dir,
};
use kubevet_document::{self as document, Document, Node};
use kubevet_model::{ObjectId, Position, Problem};
use std::{collections::BTreeSet, path::Path, sync::Arc};

const FILE_KEYS: &[FieldSpec] = &[FieldSpec::required("rule"), FieldSpec::required("cases")];
const CASE_KEYS: &[FieldSpec] = &[
    FieldSpec::required("case"),
    FieldSpec::required("objects"),
    FieldSpec::required("expected"),
    FieldSpec::optional("data"),
];
const EXPECTED_KEYS: &[FieldSpec] = &[
    FieldSpec::optional("objects"),
    FieldSpec::optional("external"),
    FieldSpec::optional("failedPaths"),
    FieldSpec::optional("reviewPaths"),
    FieldSpec::optional("deletePaths"),
    FieldSpec::optional("fixPaths"),
];
const OBJECT_KEYS: &[FieldSpec] = &[
    FieldSpec::optional("apiVersion"),
    FieldSpec::optional("kind"),
    FieldSpec::optional("name"),
    FieldSpec::optional("namespace"),
    FieldSpec::optional("related"),
];
const FIX_KEYS: &[FieldSpec] = &[FieldSpec::required("path"), FieldSpec::optional("value")];
const DATA_KEYS: &[FieldSpec] = &[
    FieldSpec::optional(POSTURE_INPUTS),
    FieldSpec::optional(DATA_INPUTS),
];
/// The cases of one rule of the public library, or of a user.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// The path of the file to show.
    pub file: Arc<str>,
    /// The rule: one of the `publicRules` of a control, or the id of a control.
    pub rule: String,
    /// The cases.
    pub cases: Vec<Case>,
}

/// Objects and the expected failures.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name, unique in the file.
    pub name: String,
    /// The position.
    pub position: Position,
    /// The objects, evaluated together.
    pub objects: Vec<Document>,
    /// The expected failures. Every other object must pass.
    pub expected: Vec<ExpectedFailure>,
    /// Params that override the defaults, as written.
    pub params: Vec<(String, ParamValue)>,
}

/// One expected failure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedFailure {
    /// The objects that fail; empty if only `external` fails.
    pub objects: Vec<ObjectId>,
    /// The failing thing that is no given object (a subject with its roles, a host), with the
    /// objects that it is derived from.
    pub external: Option<External>,
    /// The paths that are wrong.
    pub failed_paths: Vec<String>,
    /// The paths to review.
    pub review_paths: Vec<String>,
    /// The paths to remove.
    pub delete_paths: Vec<String>,
    /// The paths to set, and the values as written in the case.
    pub fix_paths: Vec<(String, String)>,
}

/// A failing thing that is no given object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct External {
    /// Its identity.
    pub object: ObjectId,
    /// The objects that it is derived from.
    pub related: Vec<ObjectId>,
}

impl ExpectedFailure {
    /// All paths together: two libraries can agree on no more.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<&str> {
        let lists = [&self.failed_paths, &self.review_paths, &self.delete_paths];
        let paths = lists
            .into_iter()
            .flatten()
            .chain(self.fix_paths.iter().map(|(path, _)| path));
        paths.map(String::as_str).collect()
    }
}

/// Reads a file of cases (JSON or YAML). A case with an error is left out.
#[must_use]
pub fn read_cases(path: &Path) -> (Option<CaseFile>, Vec<Problem>) {
    let file: Arc<str> = path.display().to_string().into();
    match read_dir::read_text(path) {
        Ok(text) => parse_cases(&file, &text),
        Err(problem) => (None, vec![problem]),
    }
}

/// Reads cases from a text.
#[must_use]
pub fn parse_cases(file: &Arc<str>, text: &str) -> (Option<CaseFile>, Vec<Problem>) {
    let mut problems = Vec::new();
    let cases = read_file(&mut MapReader::new(file, &mut problems), text);
    loader::sort(&mut problems);
    (cases, problems)
}

fn read_file(reader: &mut MapReader<'_>, text: &str) -> Option<CaseFile> {
    let document = reader.document_of(text.as_bytes(), "file of cases", document::read)?;
    let root = document.root();
    if !reader.keys(root, "a file of cases", FILE_KEYS) {
        return None;
    }
    let rule = reader.string(root, "rule");
    let mut cases: Vec<Case> = Vec::new();
    for node in reader.elements(root.get("cases")?, "\"cases\"")? {
        let Some(case) = read_case(reader, &document, node) else {
            continue;
        };
        if cases.iter().any(|other| other.name == case.name) {
            reader.error(
                case.position,
                format!(
                    "another case is named {:?}: rename one",
                    abbreviate(&case.name)
                ),
            );
        } else {
            cases.push(case);
        }
    }
    Some(CaseFile {
        file: Arc::clone(reader.file),
        rule: rule?.value,
        cases,
    })
}

fn read_case(reader: &mut MapReader<'_>, document: &Document, node: Node<'_>) -> Option<Case> {
    if !reader.keys(node, "a case", CASE_KEYS) {
        return None;
    }
    let name = reader.string(node, "case");
    let params = node
        .get("data")
        .map_or_else(Vec::new, |data| read_params(reader, data));
    let objects = reader.elements(node.get("objects")?, "\"objects\"")?;
    let objects = objects
        .into_iter()
        .filter_map(|node| document.part(node))
        .collect();
    let expanded = document::expand_lists(objects);
    reader.problems(expanded.problems);
    let expected = reader.elements(node.get("expected")?, "\"expected\"")?;
    let expected = expected
        .into_iter()
        .filter_map(|node| read_expected(reader, node))
        .collect();
    Some(Case {
        name: name?.value,
        position: node.position(),
        objects: expanded.documents,
        expected,
        params,
    })
}

fn read_params(reader: &mut MapReader<'_>, data: Node<'_>) -> Vec<(String, ParamValue)> {
    if !reader.keys(data, "\"data\"", DATA_KEYS) {
        return Vec::new();
    }
    let maps = DATA_KEYS.iter().filter_map(|key| data.get(key.name));
    let entries = maps.flat_map(Node::entries);
    entries
        .filter_map(|entry| {
            Some((
                entry.key.to_owned(),
                controls_config::read_value(reader, entry.value, entry.key)?,
            ))
        })
        .collect()
}

fn read_expected(reader: &mut MapReader<'_>, node: Node<'_>) -> Option<ExpectedFailure> {
    if !reader.keys(node, "an entry of \"expected\"", EXPECTED_KEYS) {
        return None;
    }
    let [failed_paths, review_paths, delete_paths] =
        ["failedPaths", "reviewPaths", "deletePaths"].map(|key| paths(reader, node, key));
    let fix_paths = reader
        .elements_of(node, "fixPaths")
        .into_iter()
        .filter_map(|fix| read_fix(reader, fix))
        .collect();
    let external = node.get("external").map(|node| read_external(reader, node));
    let objects = read_objects(reader, node, "objects");
    if objects.is_empty() && external.is_none() {
        reader.error(
            node.position(),
            "an entry of \"expected\" names what fails: write objects with apiVersion, kind and name",
        );
    }
    Some(ExpectedFailure {
        objects,
        external,
        failed_paths,
        review_paths,
        delete_paths,
        fix_paths,
    })
}

/// Reads the paths of a key. The public library repeats some, which is not an error.
fn paths(reader: &mut MapReader<'_>, node: Node<'_>, key: &str) -> Vec<String> {
    let what = format!("an entry of {key:?}");
    reader
        .elements_of(node, key)
        .into_iter()
        .filter_map(|node| reader.string_value(node, &what))
        .map(|text| text.value)
        .collect()
}

fn read_fix(reader: &mut MapReader<'_>, node: Node<'_>) -> Option<(String, String)> {
    if !reader.keys(node, "an entry of \"fixPaths\"", FIX_KEYS) {
        return None;
    }
    let value = reader.string_or_empty(node, "value");
    Some((reader.string(node, "path")?.value, value))
}

fn read_external(reader: &mut MapReader<'_>, node: Node<'_>) -> External {
    External {
        object: read_object(reader, node),
        related: read_objects(reader, node, "related"),
    }
}

fn read_objects(reader: &mut MapReader<'_>, node: Node<'_>, key: &str) -> Vec<ObjectId> {
    reader
        .elements_of(node, key)
        .into_iter()
        .map(|node| read_object(reader, node))
        .collect()
}

fn read_object(reader: &mut MapReader<'_>, node: Node<'_>) -> ObjectId {
    reader.keys(node, "an object", OBJECT_KEYS);
    let [api_version, kind, namespace, name] =
        ["apiVersion", "kind", "namespace", "name"].map(|key| reader.string_or_empty(node, key));
    ObjectId {
        api_version,
        kind,
        namespace,
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let (file, problems) = parse_cases(&"cases.json".into(), text);
        let mut got: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for case in file.iter().flat_map(|file| &file.cases) {
            got.push(format!("{} {}", case.position, case.name));
            got.extend(case.objects.iter().map(|object| object.id().to_string()));
            got.extend(
                case.params
                    .iter()
                    .map(|(name, value)| format!("{name} {value:?}")),
            );
            for failure in &case.expected {
                let names: Vec<String> = failure.objects.iter().map(ToString::to_string).collect();
                got.push(format!("fails {names:?} at {:?}", failure.paths()));
                got.extend(failure.external.iter().map(|external| {
                    format!("external {} of {}", external.object, external.related.len())
                }));
            }
        }
        assert_eq!(got, expected);
    }

    #[test]
    fn case_is_read() {
        check(
            r#"{"rule": "r", "cases": [
{"case": "one", "objects": [{"kind": "Pod", "metadata": {"name": "p"}}, {"kind": "PodList", "items": [{"metadata": {"name": "q"}}]}],
 "data": {"postureControlInputs": {"publicRegistries": ["a"]}, "dataControlInputs": {"cloudProvider": "aws"}},
 "expected": [{"objects": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}], "failedPaths": ["a"], "deletePaths": ["b", "b"],
   "reviewPaths": ["a"], "fixPaths": [{"path": "c", "value": ""}]},
  {"objects": [], "external": {"kind": "User", "name": "u", "related": [{"kind": "Role", "name": "r"}]}}]}]}"#,
            &[
                "2:1 one",
                "Pod p",
                "Pod q",
                "publicRegistries List([\"a\"])",
                "cloudProvider String(\"aws\")",
                "fails [\"Pod p\"] at {\"a\", \"b\", \"c\"}",
                "fails [] at {}",
                "external User u of 1",
            ],
        );
    }

    #[test]
    fn invalid_case_keeps_the_others() {
        check(
            "rule: r\ncases:\n- {case: a, object: [], expected: []}\n- {case: b, objects: [], expected: []}\n- {case: b, objects: [], expected: [{}]}\n",
            &[
                "cases.json:3:3: a case lacks the key \"objects\"",
                "cases.json:3:13: a case has no key \"object\", did you mean \"objects\"?",
                "cases.json:5:3: another case is named \"b\": rename one",
                "cases.json:5:37: an entry of \"expected\" names what fails: write objects with apiVersion, kind and name",
                "4:3 b",
            ],
        );
    }

    /// Reads every public case. They are outside of the project (`KUBEVET_SHARED`).
    #[test]
    fn every_public_case_is_read() {
        let shared = std::env::var("KUBEVET_SHARED").unwrap_or_else(|_| "../shared".to_owned());
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .join(shared)
            .join("facts/cases");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "no public cases in {}",
                folder.display()
            );
            eprintln!(
                "not run: no public cases in {} (set KUBEVET_SHARED)",
                folder.display()
            );
            return;
        };
        let mut cases = 0;
        for path in entries.flatten().map(|entry| entry.path()) {
            let (file, problems) = read_cases(&path);
            assert_eq!(problems, [], "{}", path.display());
            cases += file.map_or(0, |file| file.cases.len());
        }
        assert!(cases >= 500, "{cases}");
    }
}
