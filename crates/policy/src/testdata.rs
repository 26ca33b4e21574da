//! The test objects of a control: `testdata/pass/*.yaml` and `testdata/fail/*.yaml`, with the
//! expected result of each.
//!
//! Comment lines state it: `# expect: PATH`, `# expect: not applicable`, `# fix: PATH = JSON`, `#
//! fix: PATH remove`, `# param: NAME = JSON`. Here they are only read; the crate `conformance` evaluates them.

use super::{
    controls_config,
    did_you_mean::nearest,
    loader,
    map_reader::{MapReader, abbreviate},
    params::ParamValue,
    read_dir,
};
use kubevet_document::{self as document, Document};
use kubevet_model::{FieldPath, Fix, FixAction, Position, Problem, ProblemCode};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The names of header lines.
const HEADER_NAMES: [&str; 3] = ["expect", "fix", "param"];
/// The value of `expect` for an object that the control does not apply to.
const NOT_APPLICABLE: &str = "not applicable";

/// The expected result of a test object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No violation.
    Pass,
    /// Violations whose paths and fixes are exactly those of the header.
    Fail,
}

impl Expected {
    /// The folder of objects with this result.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

/// A test object and its expected result.
#[derive(Debug, Clone)]
pub struct TestObject {
    /// The path of the file to show.
    pub file: Arc<str>,
    /// The expected result, by the folder.
    pub expected: Expected,
    /// True if the control does not apply to the object, which is in `pass/`.
    pub is_not_applicable: bool,
    /// The paths of all violations together.
    pub paths: BTreeSet<String>,
    /// The fixes of all violations together; values are compact JSON.
    pub fixes: BTreeSet<Fix>,
    /// Params that override the defaults, for [`super::Params::set_unchecked`].
    pub params: Vec<(String, ParamValue)>,
    /// The object.
    pub document: Document,
}

/// Reads the test objects in the folder of a control, and their problems. A folder without
/// `testdata` has none.
#[must_use]
pub fn read_testdata(control_folder: &Path) -> (Vec<TestObject>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut objects = Vec::new();
    for expected in [Expected::Pass, Expected::Fail] {
        for path in yaml_files(
            &control_folder.join("testdata").join(expected.folder()),
            &mut problems,
        ) {
            let file: Arc<str> = path.display().to_string().into();
            match read_dir::read_text(&path) {
                Ok(text) => objects.extend(read_test_object(&file, &text, expected, &mut problems)),
                Err(problem) => problems.push(problem),
            }
        }
    }
    loader::sort(&mut problems);
    (objects, problems)
}

fn yaml_files(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        } else if path
            .file_name()
            .is_some_and(|name| !name.to_string_lossy().starts_with('.'))
        {
            let message = "nothing reads this file: test objects are .yaml files";
            problems.push(Problem::in_file(
                ProblemCode::PolicyUnusedFile,
                path.display().to_string(),
                message,
            ));
        }
    }
    found.sort();
    found
}

/// Reads one test object.
pub(super) fn read_test_object(
    file: &Arc<str>,
    text: &str,
    expected: Expected,
    problems: &mut Vec<Problem>,
) -> Option<TestObject> {
    let before = problems.len();
    let mut reader = MapReader::new(file, problems);
    let document = reader.document(text, "object");
    let mut headers = Headers::default();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(comment) = line.strip_prefix('#') {
            headers.read(
                &mut reader,
                Position {
                    line: number,
                    column: 1,
                },
                comment,
            );
        }
    }
    match expected {
        Expected::Fail if headers.is_not_applicable => {
            reader.error(
                Position::START,
                "an object of fail/ has findings: move the object that the control does not apply to to pass/",
            );
        }
        Expected::Fail if headers.paths.is_empty() => {
            reader.error(
                Position::START,
                "an object of fail/ says where it fails: write `# expect: PATH` above it",
            );
        }
        Expected::Pass if !headers.paths.is_empty() || !headers.fixes.is_empty() => {
            reader.error(
                Position::START,
                "an object of pass/ has no findings: remove `# expect:` and `# fix:`, or move it to fail/",
            );
        }
        _ => {}
    }
    if problems.len() > before {
        return None;
    }
    let Headers {
        is_not_applicable,
        paths,
        fixes,
        params,
    } = headers;
    Some(TestObject {
        file: Arc::clone(file),
        expected,
        is_not_applicable,
        paths,
        fixes,
        params,
        document: document?,
    })
}

#[derive(Default)]
struct Headers {
    is_not_applicable: bool,
    paths: BTreeSet<String>,
    fixes: BTreeSet<Fix>,
    params: Vec<(String, ParamValue)>,
}

impl Headers {
    /// Reads one comment line if it is a header.
    fn read(&mut self, reader: &mut MapReader<'_>, at: Position, comment: &str) {
        let Some((word, value)) = comment.split_once(':') else {
            return;
        };
        let value = value.trim();
        let result = match word.trim() {
            "expect" if value == NOT_APPLICABLE => {
                self.is_not_applicable = true;
                Ok(())
            }
            "expect" => self.expect(value),
            "fix" => self.fix(reader.file, value),
            "param" => self.param(reader, at, value),
            other => match nearest(other, HEADER_NAMES) {
                Some(near) if !other.contains(' ') => Err(format!(
                    "`# {other}:` is not a valid header, did you mean `# {near}:`?"
                )),
                _ => Ok(()),
            },
        };
        if let Err(message) = result {
            reader.error(at, message);
        }
    }

    fn expect(&mut self, value: &str) -> Result<(), String> {
        if self.paths.insert(path(value)?.to_string()) {
            Ok(())
        } else {
            Err(format!("`# expect: {value}` appears twice: keep one"))
        }
    }

    fn fix(&mut self, file: &Arc<str>, value: &str) -> Result<(), String> {
        let fix = if let Some(target) = value.strip_suffix(" remove") {
            Fix {
                path: path(target.trim())?,
                action: FixAction::Remove,
            }
        } else {
            let (target, json) = value.split_once(" = ").ok_or(
                "a fix is `# fix: PATH = JSON` or `# fix: PATH remove`: write one of them",
            )?;
            let list = parse_json(file, json).ok_or_else(|| not_json(json))?;
            let mut text = String::new();
            list.root()
                .elements()
                .for_each(|value| value.write_json(&mut text));
            Fix {
                path: path(target.trim())?,
                action: FixAction::Set(text),
            }
        };
        if self.fixes.insert(fix) {
            Ok(())
        } else {
            Err(format!(
                "`# fix: {}` appears twice: keep one",
                abbreviate(value)
            ))
        }
    }

    fn param(
        &mut self,
        reader: &mut MapReader<'_>,
        at: Position,
        value: &str,
    ) -> Result<(), String> {
        let (name, json) = value
            .split_once(" = ")
            .ok_or("a param is `# param: NAME = JSON`: write it so")?;
        let name = name.trim();
        if self.params.iter().any(|(other, _)| other == name) {
            return Err(format!("`# param: {name}` appears twice: keep one"));
        }
        let list = parse_json(reader.file, json).ok_or_else(|| not_json(json))?;
        let mut faults = Vec::new();
        let mut inner = MapReader::new(reader.file, &mut faults);
        let value = list
            .root()
            .at(0)
            .and_then(|node| controls_config::read_value(&mut inner, node, name));
        for fault in faults {
            reader.error(at, fault.message);
        }
        self.params
            .extend(value.map(|value| (name.to_owned(), value)));
        Ok(())
    }
}

fn path(text: &str) -> Result<FieldPath, String> {
    text.parse()
        .map_err(|error: kubevet_model::PathError| error.to_string())
}

/// Parses a JSON value as the only element of a list: a document that is only `null` would be
/// dropped.
fn parse_json(file: &Arc<str>, json: &str) -> Option<Document> {
    let whole = document::read_json(
        file,
        format!("[{json}]").as_bytes(),
        &document::Limits::default(),
    );
    let list = whole
        .documents
        .into_iter()
        .next()
        .filter(|_| whole.problems.is_empty())?;
    (list.root().elements().count() == 1).then_some(list)
}

fn not_json(text: &str) -> String {
    format!(
        "{:?} is not a valid JSON value: strings are in quotes, lists in [ ]",
        abbreviate(text)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: Expected, text: &str, wanted: &[&str]) {
        let mut problems = Vec::new();
        let object = read_test_object(&"t.yaml".into(), text, expected, &mut problems);
        let mut got: Vec<String> = problems.iter().map(ToString::to_string).collect();
        if let Some(object) = object {
            got.extend(object.is_not_applicable.then(|| NOT_APPLICABLE.to_owned()));
            got.extend(object.paths.iter().map(|path| format!("at {path}")));
            got.extend(
                object
                    .fixes
                    .iter()
                    .map(|fix| format!("{} {:?}", fix.path, fix.action)),
            );
            got.extend(
                object
                    .params
                    .iter()
                    .map(|(name, value)| format!("{name} {value:?}")),
            );
            got.push(object.document.id().to_string());
        }
        assert_eq!(got, wanted, "{text}");
    }

    #[test]
    fn header_states_the_expected_result() {
        check(
            Expected::Fail,
            "# A note: anything\n# expect: spec.a[0]\n# expect: data[x.y]\n# fix: spec.a[0] = {\"b\": [1.50]}\n# fix: spec.c remove\n\
             # param: names = [\"a\"]\n# param: cloud = \"x\"\nkind: Pod\nmetadata: {name: p}\n",
            &[
                "at data[x.y]",
                "at spec.a[0]",
                "spec.a[0] Set(\"{\\\"b\\\":[1.50]}\")",
                "spec.c Remove",
                "names List([\"a\"])",
                "cloud String(\"x\")",
                "Pod p",
            ],
        );
        check(Expected::Pass, "kind: Pod\n", &["Pod (no name)"]);
        check(
            Expected::Pass,
            "# expect: not applicable\nkind: Pod\n",
            &["not applicable", "Pod (no name)"],
        );
    }

    #[test]
    fn malformed_header_is_reported() {
        check(
            Expected::Fail,
            "# expects: a\n# fix: a\n# fix: a = b\n# param: x = [1]\n# expect: a..b\nkind: Pod\n---\nkind: Pod\n",
            &[
                "t.yaml:8:1: a second document begins here: one object a file",
                "t.yaml:1:1: `# expects:` is not a valid header, did you mean `# expect:`?",
                "t.yaml:2:1: a fix is `# fix: PATH = JSON` or `# fix: PATH remove`: write one of them",
                "t.yaml:3:1: \"b\" is not a valid JSON value: strings are in quotes, lists in [ ]",
                "t.yaml:4:1: an entry of the param \"x\" must be a string, but is a number: put it in quotes",
                "t.yaml:5:1: `a..b` is not a valid field path: write it like spec.containers[0].image or data[key]",
                "t.yaml:1:1: an object of fail/ says where it fails: write `# expect: PATH` above it",
            ],
        );
        check(
            Expected::Fail,
            "# expect: not applicable\nkind: Pod\n",
            &[
                "t.yaml:1:1: an object of fail/ has findings: move the object that the control does not apply to to pass/",
            ],
        );
        check(
            Expected::Pass,
            "# expect: a\nkind: Pod\n",
            &[
                "t.yaml:1:1: an object of pass/ has no findings: remove `# expect:` and `# fix:`, or move it to fail/",
            ],
        );
    }
}
