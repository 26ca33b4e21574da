//! Charts, rendered by Helm's own engine: `tests/kubernetes/helm_render`.

use crate::{build_output::go_binary, process::run};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// A chart, and what a user asks of it.
#[derive(Debug, Clone)]
pub struct HelmChart {
    /// The files by path within the chart.
    pub files: BTreeMap<String, String>,
    /// The values of the user, as YAML.
    pub values: String,
    /// The namespace of the release.
    pub namespace: &'static str,
    /// True for an upgrade of the release.
    pub is_upgrade: bool,
}

/// The files of a chart by path within its folder.
pub fn read_chart(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    read_files(folder, folder, &mut files);
    files
}

fn read_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_files(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("it is below the root");
            let text = fs::read_to_string(&path).expect("a text");
            files.insert(name.display().to_string(), text);
        }
    }
}

/// Renders charts as `helm template` does: each is a YAML stream, or what Helm says is wrong. `None`
/// where the program was not built: the test is then reported as not run.
pub fn helm_render(test: &str, charts: &[HelmChart]) -> Option<Vec<Result<String, String>>> {
    let program = go_binary(test, "helm_render", "KUBEVET_HELM_RENDER")?;
    let requests: String = charts
        .iter()
        .map(|chart| {
            let request = json!({
                "files": chart.files,
                "values": chart.values,
                "name": "kubevet",
                "namespace": chart.namespace,
                "isUpgrade": chart.is_upgrade,
            });
            format!("{request}\n")
        })
        .collect();
    let answers = run(&mut Command::new(program), &requests).ok();
    let answers: Vec<_> = answers
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).expect("an answer is JSON");
            match answer["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(answer["manifest"].as_str().unwrap_or_default().to_owned()),
            }
        })
        .collect();
    assert_eq!(answers.len(), charts.len());
    Some(answers)
}
