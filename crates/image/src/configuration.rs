//! The configuration of an image as data: what a container of it runs as, and how it was built.
//!
//! Nothing is judged here.

use super::{
    digest::BlobDigest,
    error::ImageError,
    manifest::{check_keys, decode, json_object},
    platform::ImagePlatform,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// The configuration of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfiguration {
    /// When it was built, as RFC 3339; may be empty.
    pub created: String,
    /// What it runs on.
    pub platform: ImagePlatform,
    /// `User`: empty means root.
    pub user: String,
    /// `ExposedPorts`, such as `8080/tcp`, sorted.
    pub exposed_ports: Vec<String>,
    /// `Env`, as `NAME=value`.
    pub env: Vec<String>,
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`.
    pub command: Vec<String>,
    /// `Volumes`, sorted.
    pub volumes: Vec<String>,
    /// `WorkingDir`.
    pub working_directory: String,
    /// `Labels`.
    pub labels: BTreeMap<String, String>,
    /// `StopSignal`.
    pub stop_signal: String,
    /// `Healthcheck.Test`; `None` where there is no health check, and `["NONE"]` where it is turned off.
    pub health_check: Option<Vec<String>>,
    /// The steps of the build, the first one first.
    pub history: Vec<HistoryEntry>,
    /// The diff ids of the layers, the lowest first.
    pub diff_ids: Vec<BlobDigest>,
}

/// A step of the build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryEntry {
    /// When, as RFC 3339; may be empty.
    pub created: String,
    /// The command.
    pub created_by: String,
    /// A remark.
    pub comment: String,
    /// Whether it made no layer.
    pub is_empty_layer: bool,
}

impl ImageConfiguration {
    /// The step that made a layer.
    pub fn history_of_layer(&self, layer: usize) -> Option<&HistoryEntry> {
        let with_layer = self.history.iter().filter(|entry| !entry.is_empty_layer);
        with_layer.clone().nth(layer)
    }
}

/// Reads a configuration.
pub(super) fn read_configuration(
    place: &str,
    bytes: &[u8],
) -> Result<ImageConfiguration, ImageError> {
    let object = json_object(place, bytes)?;
    check_keys(place, &object)?;
    if let Some(Value::Object(layers)) = object.get("rootfs") {
        check_keys(place, layers)?;
    }
    let file: ConfigurationFile = decode(place, object)?;
    let container = file.config;
    Ok(ImageConfiguration {
        created: file.created,
        platform: ImagePlatform {
            os: file.os,
            architecture: file.architecture,
            variant: file.variant,
        },
        user: container.user,
        exposed_ports: container.exposed_ports.into_keys().collect(),
        env: container.env,
        entrypoint: container.entrypoint.into(),
        command: container.cmd.into(),
        volumes: container.volumes.into_keys().collect(),
        working_directory: container.working_dir,
        labels: container.labels,
        stop_signal: container.stop_signal,
        health_check: container.healthcheck.map(|check| check.test.into()),
        history: file
            .history
            .into_iter()
            .map(|entry| HistoryEntry {
                created: entry.created,
                created_by: entry.created_by,
                comment: entry.comment,
                is_empty_layer: entry.empty_layer,
            })
            .collect(),
        diff_ids: file.rootfs.diff_ids,
    })
}

/// The file, with the names that it has in JSON. `null` is what a missing field is.
#[derive(Deserialize)]
struct ConfigurationFile {
    #[serde(default, deserialize_with = "or_default")]
    created: String,
    #[serde(default, deserialize_with = "or_default")]
    architecture: String,
    #[serde(default, deserialize_with = "or_default")]
    os: String,
    #[serde(default, deserialize_with = "or_default")]
    variant: String,
    #[serde(default, deserialize_with = "or_default")]
    config: ContainerFields,
    rootfs: RootFields,
    #[serde(default, deserialize_with = "or_default")]
    history: Vec<HistoryFields>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ContainerFields {
    #[serde(deserialize_with = "or_default")]
    user: String,
    #[serde(deserialize_with = "or_default")]
    exposed_ports: BTreeMap<String, Value>,
    #[serde(deserialize_with = "or_default")]
    env: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    entrypoint: Command,
    #[serde(deserialize_with = "or_default")]
    cmd: Command,
    #[serde(deserialize_with = "or_default")]
    volumes: BTreeMap<String, Value>,
    #[serde(deserialize_with = "or_default")]
    working_dir: String,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    stop_signal: String,
    healthcheck: Option<HealthFields>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthFields {
    #[serde(default, deserialize_with = "or_default")]
    test: Command,
}

#[derive(Deserialize)]
struct RootFields {
    #[serde(default, deserialize_with = "or_default")]
    diff_ids: Vec<BlobDigest>,
}

#[derive(Deserialize)]
struct HistoryFields {
    #[serde(default, deserialize_with = "or_default")]
    created: String,
    #[serde(default, deserialize_with = "or_default")]
    created_by: String,
    #[serde(default, deserialize_with = "or_default")]
    comment: String,
    #[serde(default, deserialize_with = "or_default")]
    empty_layer: bool,
}

/// A command: old images have a string in place of a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Command {
    Words(Vec<String>),
    Text(String),
}

impl Default for Command {
    fn default() -> Self {
        Self::Words(Vec::new())
    }
}

impl From<Command> for Vec<String> {
    fn from(command: Command) -> Self {
        match command {
            Command::Words(words) => words,
            Command::Text(text) => vec![text],
        }
    }
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_read_as_docker_writes_it() {
        let text = r#"{"architecture": "arm64", "os": "linux", "variant": "v8", "created": "2024-01-01T00:00:00Z",
            "config": {"User": "app", "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}, "Env": ["A=b"],
                "Entrypoint": ["/app"], "Cmd": "serve", "Volumes": null, "Labels": {"k": "v"},
                "Healthcheck": {"Test": ["NONE"]}, "WorkingDir": "/srv"},
            "rootfs": {"type": "layers", "diff_ids": []},
            "history": [{"created_by": "ENV A", "empty_layer": true}, {"created_by": "COPY"}]}"#;
        let configuration = read_configuration("test", text.as_bytes()).unwrap();
        assert_eq!(configuration.platform.to_string(), "linux/arm64/v8");
        assert_eq!(configuration.user, "app");
        assert_eq!(configuration.exposed_ports, ["443/tcp", "80/tcp"]);
        assert_eq!(configuration.command, ["serve"]);
        assert_eq!(configuration.health_check, Some(vec!["NONE".to_owned()]));
        let step = configuration.history_of_layer(0).unwrap();
        assert_eq!(step.created_by, "COPY");
        assert_eq!(configuration.history_of_layer(1), None);
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = read_configuration("test", text.as_bytes());
        let found = found.map_or_else(|error| error.to_string(), |_| "read".to_owned());
        assert!(found.contains(expected), "{text}: {found}");
    }

    #[test]
    fn configuration_needs_its_layers_and_nothing_else() {
        check(r#"{"rootfs": {"diff_ids": []}}"#, "read");
        check(
            r#"{"rootfs": {"diff_ids": null}, "config": null, "history": null}"#,
            "read",
        );
        check("{}", "missing field `rootfs`");
        check(r#"{"rootfs": {"diff_ids": ["md5:1"]}}"#, "not a digest");
        check(
            r#"{"rootfs": {"diff_ids": [], "Diff_IDs": []}}"#,
            "two spellings",
        );
        check(r#"{"rootfs": {}, "RootFS": {}}"#, "two spellings");
    }
}
