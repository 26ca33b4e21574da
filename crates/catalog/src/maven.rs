//! What Maven leaves in an archive: pom.properties and pom.xml. Only what stands in the file itself is
//! known; no parent is fetched.

use quick_xml::{Reader, events::Event};
use std::collections::HashMap;

/// Elements of a pom.xml that are read; larger ones are refused.
const ELEMENTS: usize = 200_000;
/// Elements within each other.
const DEPTH: usize = 64;
/// References within each other, such as `${a}` where `a` is `${b}`.
const REFERENCES: usize = 8;

/// Group, artifact and version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Coordinates {
    pub(crate) group: String,
    pub(crate) artifact: String,
    pub(crate) version: String,
}

/// A project, its references resolved as far as the file itself allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) own: Coordinates,
    pub(crate) parent: Coordinates,
    pub(crate) licenses: Vec<String>,
}

/// The coordinates of a pom.properties; `None` where a line is no property, or artifact or version are
/// missing.
pub(crate) fn properties(content: &str) -> Option<Coordinates> {
    let mut found = Coordinates::default();
    for line in content.lines() {
        if line.trim().is_empty() || line.trim_start_matches(' ').starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once(['=', ':'])?;
        let value = value.trim().to_owned();
        match key.trim() {
            "groupId" => found.group = value,
            "artifactId" => found.artifact = value,
            "version" => found.version = value,
            _ => {}
        }
    }
    (!found.artifact.is_empty() && !found.version.is_empty()).then_some(found)
}

/// The project of a pom.xml; `None` where it is not one.
pub(crate) fn project(content: &[u8]) -> Option<Project> {
    let values = elements(content)?;
    let get = |path: &str| values.get(path).cloned().unwrap_or_default();
    let parent = Coordinates {
        group: get("project/parent/groupId"),
        artifact: get("project/parent/artifactId"),
        version: get("project/parent/version"),
    };
    let inherited = |own: String, of_parent: &str| {
        if own.is_empty() {
            of_parent.to_owned()
        } else {
            own
        }
    };
    let own = Coordinates {
        group: inherited(get("project/groupId"), &parent.group),
        artifact: get("project/artifactId"),
        version: inherited(get("project/version"), &parent.version),
    };
    let resolved = |coordinates: Coordinates| Coordinates {
        group: resolve(&coordinates.group, &values, REFERENCES),
        artifact: resolve(&coordinates.artifact, &values, REFERENCES),
        version: resolve(&coordinates.version, &values, REFERENCES),
    };
    Some(Project {
        own: resolved(own),
        parent: resolved(parent),
        licenses: values
            .get("project/licenses/license/name")
            .cloned()
            .into_iter()
            .collect(),
    })
}

/// The texts of elements by their path, for the paths that are of use; the first of several stays.
fn elements(content: &[u8]) -> Option<HashMap<String, String>> {
    let mut reader = Reader::from_reader(content);
    reader.config_mut().trim_text(true);
    let mut path: Vec<String> = Vec::new();
    let mut values: HashMap<String, String> = HashMap::new();
    for _ in 0..ELEMENTS {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if path.len() >= DEPTH {
                    return None;
                }
                path.push(start.local_name().as_ref().to_owned());
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(text) => {
                let joined = path.join("/");
                if is_of_use(&joined) && !values.contains_key(&joined) {
                    values.insert(joined, text.trim().to_owned());
                }
            }
            Event::Eof => {
                let is_project = values.keys().any(|path| path.starts_with("project/"));
                return is_project.then_some(values);
            }
            _ => {}
        }
    }
    None
}

fn is_of_use(path: &str) -> bool {
    matches!(
        path,
        "project/groupId"
            | "project/artifactId"
            | "project/version"
            | "project/parent/groupId"
            | "project/parent/artifactId"
            | "project/parent/version"
            | "project/licenses/license/name"
    ) || path.starts_with("project/properties/")
}

/// A value with its references replaced; empty where one of them is not known.
fn resolve(value: &str, values: &HashMap<String, String>, depth: usize) -> String {
    let mut resolved = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let Some(referred) = depth.checked_sub(1).and_then(|depth| {
            let referred = reference(name.trim(), values)?;
            Some(resolve(referred, values, depth))
        }) else {
            return String::new();
        };
        // The text grows by references within references, so that it is cut where no version is longer.
        if referred.is_empty() || resolved.len() > 4096 {
            return String::new();
        }
        resolved.push_str(before);
        resolved.push_str(&referred);
        rest = after;
    }
    resolved.push_str(rest);
    resolved
}

fn reference<'a>(name: &str, values: &'a HashMap<String, String>) -> Option<&'a String> {
    let path = match name
        .strip_prefix("project.")
        .or_else(|| name.strip_prefix("pom."))
    {
        Some(field) => {
            let field = field.replace('.', "/");
            let own = values.get(&format!("project/{field}"));
            return own.or_else(|| values.get(&format!("project/parent/{field}")));
        }
        None => format!("project/properties/{name}"),
    };
    values.get(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_need_artifact_and_version() {
        let check = |content: &str, expected: Option<(&str, &str, &str)>| {
            let found = properties(content);
            let found = found
                .as_ref()
                .map(|found| (&*found.group, &*found.artifact, &*found.version));
            assert_eq!(found, expected, "{content}");
        };
        check(
            "#Generated\ngroupId=a.b\nartifactId = c\nversion:1.0\n",
            Some(("a.b", "c", "1.0")),
        );
        check("groupId=a.b\nversion=1\n", None);
        check("artifactId=c\nversion=1\nnothing\n", None);
    }

    #[test]
    fn project_inherits_and_resolves() {
        let check = |body: &str, expected: (&str, &str, &str)| {
            let found = project(
                format!("<?xml version=\"1.0\"?><project xmlns=\"x\">{body}</project>").as_bytes(),
            )
            .unwrap()
            .own;
            assert_eq!(
                (&*found.group, &*found.artifact, &*found.version),
                expected,
                "{body}"
            );
        };
        check(
            "<parent><groupId>p</groupId><artifactId>q</artifactId><version>1</version></parent><artifactId>a</artifactId>",
            ("p", "a", "1"),
        );
        check(
            "<groupId>g</groupId><artifactId>a</artifactId><version>${v}</version><properties><v>${w}.1</v><w>2</w></properties>",
            ("g", "a", "2.1"),
        );
        check(
            "<groupId>g</groupId><artifactId>a</artifactId><version>${v}</version><properties><v>${v}</v></properties>",
            ("g", "a", ""),
        );
        check(
            "<groupId>${project.parent.groupId}.x</groupId><artifactId>a</artifactId><parent><groupId>p</groupId></parent>",
            ("p.x", "a", ""),
        );
    }

    #[test]
    fn pom_that_is_no_project_is_left_out() {
        assert_eq!(project(b"<a><b>c</b></a>"), None);
        assert_eq!(project(b"<project><groupId>"), None);
        assert_eq!(project("<a>".repeat(100).as_bytes()), None);
    }
}
