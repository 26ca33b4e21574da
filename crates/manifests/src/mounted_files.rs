//! Files that the pods read, in ConfigMaps: policies, params and kinds of workloads.
//!
//! A key of a ConfigMap has no slash, so the volume maps each key back to its path, and the mounted
//! folder equals the folder that it was made of. The kubelet replaces it as a whole, and the server
//! reloads it.

use super::error::InvalidOption;
use kubevet_document::{YamlStyle, to_yaml};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The maximum size of a ConfigMap's data in bytes, by the API server.
const MAX_BYTES: usize = 1 << 20;
/// The folder that all are mounted below.
const MOUNT_ROOT: &str = "/etc/kubevet";

/// A folder of files that a flag of `kubevet serve` names.
#[derive(Debug, Clone)]
pub struct MountedFolder {
    /// The name of the volume and of the folder; the ConfigMap is `kubevet-NAME`.
    pub name: String,
    /// The flag, such as `--policies`.
    pub flag: &'static str,
    /// The file that the flag names; `None` if it names the folder.
    pub file: Option<String>,
    /// The path of each file in the folder, and its text.
    pub files: Vec<(String, String)>,
}

impl MountedFolder {
    /// Checks that a ConfigMap can hold the files.
    ///
    /// # Errors
    /// They are too large.
    pub(crate) fn validate(&self) -> Result<(), InvalidOption> {
        let sizes = self
            .entries()
            .into_iter()
            .map(|(key, _, text)| key.len() + text.len());
        let bytes: usize = sizes.sum();
        if bytes > MAX_BYTES {
            return Err(InvalidOption::TooLarge {
                flag: self.flag,
                bytes,
            });
        }
        Ok(())
    }

    /// The key, the path and the text of each file.
    fn entries(&self) -> Vec<(String, &str, &str)> {
        let mut taken = BTreeSet::new();
        let mut entries = Vec::new();
        for (path, text) in &self.files {
            let key = unique_key(path, &taken);
            taken.insert(key.clone());
            entries.push((key, path.as_str(), text.as_str()));
        }
        entries
    }

    /// The ConfigMap as YAML. `labels` are lines of `name: value`.
    pub(crate) fn config_map(&self, namespace: &str, labels: &str) -> String {
        let labels = labels.lines().filter_map(|label| label.split_once(": "));
        let labels: Map<String, Value> = labels
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let entries = self.entries().into_iter();
        let data: Map<String, Value> = entries.map(|(key, _, text)| (key, text.into())).collect();
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": format!("kubevet-{}", self.name),
                "namespace": namespace,
                "labels": labels,
            },
            "data": data,
        });
        to_yaml(&object, &YamlStyle::READABLE)
    }

    /// The flag of the server.
    pub(crate) fn argument(&self) -> String {
        let Self {
            name, flag, file, ..
        } = self;
        let file = file
            .as_ref()
            .map_or_else(String::new, |file| format!("/{file}"));
        format!("- {flag}={MOUNT_ROOT}/{name}{file}\n")
    }

    /// The volume mount of the container.
    pub(crate) fn mount(&self) -> String {
        let name = &self.name;
        format!("- name: {name}\n  mountPath: {MOUNT_ROOT}/{name}\n  readOnly: true\n")
    }

    /// The volume of the pod.
    pub(crate) fn volume(&self) -> String {
        let entries = self.entries().into_iter();
        let items: Vec<Value> = entries
            .map(|(key, path, _)| json!({"key": key, "path": path}))
            .collect();
        let volume = json!([{
            "name": self.name,
            "configMap": {"name": format!("kubevet-{}", self.name), "items": items},
        }]);
        to_yaml(&volume, &YamlStyle::BLOCK)
    }
}

/// A key of a ConfigMap that resembles a path.
fn unique_key(path: &str, taken: &BTreeSet<String>) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let key: String = path.replace('/', "__").chars().map(plain).collect();
    let mut unique = key.clone();
    let mut number = 2;
    while taken.contains(&unique) {
        unique = format!("{key}_{number}");
        number += 1;
    }
    unique
}
