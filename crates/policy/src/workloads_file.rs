//! Reads `--workloads FILE`: a user's kinds with pod specs, and where each keeps them.

use super::{
    kind_selector::{is_custom_group, is_kind, is_version},
    map_reader::{FieldSpec, MapReader, Spanned, abbreviate},
};
use kubevet_document::{self as document, Node};
use kubevet_k8s::workload::custom::{
    CustomWorkload, CustomWorkloads, PathPattern, PodLayout, Taken,
};
use kubevet_model::{Kind, Problem, names::is_dns_label};
use std::sync::Arc;

const KEYS: &[FieldSpec] = &[
    FieldSpec::required("apiVersion"),
    FieldSpec::required("kind"),
    FieldSpec::optional("resource"),
    FieldSpec::optional("podTemplate"),
    FieldSpec::optional("podSpec"),
];

/// Adds the rows of a file to the table. Every row that can be read is added; what is wrong with
/// the others is returned.
#[must_use]
pub fn read_workloads(file: &str, bytes: &[u8], table: &mut CustomWorkloads) -> Vec<Problem> {
    let mut problems = Vec::new();
    let file: Arc<str> = file.into();
    let mut reader = MapReader::new(&file, &mut problems);
    let Some(document) = reader.document_of(bytes, "list of kinds", document::read) else {
        return problems;
    };
    let rows = reader.elements(document.root(), "a workloads file");
    for row in rows.unwrap_or_default() {
        if let Some(workload) = read_row(&mut reader, row) {
            add(&mut reader, row, workload, table);
        }
    }
    problems
}

fn add(
    reader: &mut MapReader<'_>,
    row: Node<'_>,
    workload: CustomWorkload,
    table: &mut CustomWorkloads,
) {
    let kind = workload.kind.clone();
    let reason = match table.add(workload) {
        Ok(()) => return,
        Err(Taken::BuiltIn) => "a kind of Kubernetes: a row is for kinds of other software",
        Err(Taken::Known) => "in the table already (`kubevet list workloads`): remove this row",
    };
    let at = row.get("kind").unwrap_or(row).position();
    reader.error(at, format!("{kind} is {reason}"));
}

fn read_row(reader: &mut MapReader<'_>, row: Node<'_>) -> Option<CustomWorkload> {
    if !reader.keys(row, "a kind", KEYS) {
        return None;
    }
    let group = read_group(reader, row);
    let name = read_kind(reader, row);
    let mut pods: Vec<PodLayout> = Vec::new();
    for path in read_paths(reader, row, "podTemplate") {
        pods.push(PodLayout::Template {
            path,
            runs_to_completion: false,
        });
    }
    pods.extend(
        read_paths(reader, row, "podSpec")
            .into_iter()
            .map(PodLayout::Spec),
    );
    if row.get("podTemplate").is_none() && row.get("podSpec").is_none() {
        reader.error(
            row.position(),
            "a kind lacks the path of its pods: write \"podTemplate\", such as spec.template, or \
             \"podSpec\", such as spec.podSpec",
        );
    }
    let kind = Kind::new(group?, name?);
    let resource = read_resource(reader, row, &kind)?;
    (!pods.is_empty()).then_some(CustomWorkload {
        kind,
        resource,
        pods,
    })
}

/// The group of `apiVersion`. The paths are those of every version.
fn read_group(reader: &mut MapReader<'_>, row: Node<'_>) -> Option<String> {
    let text = reader.string(row, "apiVersion")?;
    match text.value.split_once('/') {
        Some((group, version)) if is_custom_group(group) && is_version(version) => {
            Some(group.to_owned())
        }
        _ => {
            reader.error(
                text.position,
                format!(
                    "\"apiVersion\" {:?} has no group of a custom resource and a version, as in \
                     example.com/v1",
                    abbreviate(&text.value)
                ),
            );
            None
        }
    }
}

fn read_kind(reader: &mut MapReader<'_>, row: Node<'_>) -> Option<String> {
    let text = reader.string(row, "kind")?;
    if is_kind(&text.value) {
        return Some(text.value);
    }
    reader.error(
        text.position,
        format!(
            "{:?} is not a valid kind: a kind begins with a capital letter and has only letters and digits",
            abbreviate(&text.value)
        ),
    );
    None
}

/// The plural name; the regular one if none is given.
fn read_resource(reader: &mut MapReader<'_>, row: Node<'_>, kind: &Kind) -> Option<String> {
    if row.get("resource").is_none() {
        return Some(kind.plural());
    }
    let text = reader.string(row, "resource")?;
    if is_dns_label(&text.value) {
        return Some(text.value);
    }
    reader.error(
        text.position,
        format!(
            "{:?} is not a valid resource: write the plural name in lower case, as `kubectl \
             api-resources` shows it",
            abbreviate(&text.value)
        ),
    );
    None
}

/// One path or a list of them.
fn read_paths(reader: &mut MapReader<'_>, row: Node<'_>, key: &str) -> Vec<PathPattern> {
    let texts = match row.get(key) {
        Some(value) if value.is_list() => reader.strings(row, key).unwrap_or_default(),
        _ => reader.string(row, key).into_iter().collect(),
    };
    let parsed = texts.iter().map(|text| read_path(reader, text));
    parsed.flatten().collect()
}

fn read_path(reader: &mut MapReader<'_>, text: &Spanned<String>) -> Option<PathPattern> {
    let parsed = text.value.parse();
    if let Err(error) = &parsed {
        let message = format!("{:?} is not a valid path: {error}", abbreviate(&text.value));
        reader.error(text.position, message);
    }
    parsed.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the rows that a file adds to the shipped ones, and its problems.
    #[track_caller]
    fn check(text: &str, rows: &[&str], expected: &[&str]) {
        let mut table = CustomWorkloads::shipped();
        let shipped = table.clone();
        let problems = read_workloads("w.yaml", text.as_bytes(), &mut table);
        let added = table
            .rows()
            .iter()
            .filter(|row| !shipped.rows().contains(row));
        let added: Vec<String> = added
            .map(|row| {
                let paths: Vec<String> =
                    row.pods.iter().map(|pod| pod.path().to_string()).collect();
                format!("{} {} {}", row.kind, row.resource, paths.join(" "))
            })
            .collect();
        assert_eq!(added, rows);
        let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(problems, expected);
    }

    #[test]
    fn kinds_are_added_with_their_paths() {
        check(
            "- apiVersion: example.com/v1\n  kind: Farm\n  podTemplate: spec.template\n\
             - apiVersion: example.com/v1beta2\n  kind: Fox\n  resource: foxen\n  podTemplate: ['spec.a[*].t', 'spec.b{*}']\n  podSpec: spec.pod\n",
            &[
                "example.com/Farm farms spec.template",
                "example.com/Fox foxen spec.a[*].t spec.b{*} spec.pod",
            ],
            &[],
        );
        check("[]", &[], &[]);
    }

    #[test]
    fn every_error_of_a_row_is_reported_at_its_place() {
        check(
            "{kind: Farm}",
            &[],
            &["w.yaml:1:1: a workloads file must be a list, but is a map"],
        );
        check(
            "- apiVersion: example.com/v1\n  kind: Farm\n  podTemplat: spec.template\n",
            &[],
            &[
                "w.yaml:3:3: a kind has no key \"podTemplat\", did you mean \"podTemplate\"?",
                "w.yaml:1:3: a kind lacks the path of its pods: write \"podTemplate\", such as spec.template, or \"podSpec\", such as spec.podSpec",
            ],
        );
        check(
            "- {apiVersion: v1, kind: farm, resource: Farms, podSpec: 'spec.jobs[0]'}",
            &[],
            &[
                "w.yaml:1:16: \"apiVersion\" \"v1\" has no group of a custom resource and a version, as in example.com/v1",
                "w.yaml:1:26: \"farm\" is not a valid kind: a kind begins with a capital letter and has only letters and digits",
                "w.yaml:1:58: \"spec.jobs[0]\" is not a valid path: write `[*]` for each item of a list and `{*}` for each value of a map",
            ],
        );
        check(
            "- {apiVersion: example.com/v1, kind: Farm, resource: Farms, podSpec: spec}",
            &[],
            &[
                "w.yaml:1:54: \"Farms\" is not a valid resource: write the plural name in lower case, as `kubectl api-resources` shows it",
            ],
        );
    }

    #[test]
    fn kind_that_is_there_is_refused() {
        check(
            "- {apiVersion: argoproj.io/v1alpha1, kind: Rollout, podTemplate: spec.template}\n\
             - {apiVersion: example.com/v1, kind: Farm, podSpec: spec}\n\
             - {apiVersion: example.com/v2, kind: Farm, podSpec: spec}\n\
             - {apiVersion: networking.k8s.io/v1, kind: Ingress, podSpec: spec}\n",
            &["example.com/Farm farms spec"],
            &[
                "w.yaml:1:44: argoproj.io/Rollout is in the table already (`kubevet list workloads`): remove this row",
                "w.yaml:3:38: example.com/Farm is in the table already (`kubevet list workloads`): remove this row",
                "w.yaml:4:44: networking.k8s.io/Ingress is a kind of Kubernetes: a row is for kinds of other software",
            ],
        );
    }
}
