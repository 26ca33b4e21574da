//! The fields that tell the elements of a list apart: Kubernetes merges lists of maps by them
//! (`x-kubernetes-list-map-keys`, strategic merge patch), so an element keeps its identity when
//! others are put before it.

/// Lists of maps in a pod spec, and the fields that tell their elements apart.
pub const MERGE_KEYS: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("volumes", &["name"]),
    ("env", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("ports", &["containerPort", "port", "protocol"]),
];

/// Lists of pods and steps in custom kinds, as [`MERGE_KEYS`]. No policy compares them.
const CUSTOM_MERGE_KEYS: &[(&str, &[&str])] = &[
    ("finally", &["name"]),
    ("replicatedJobs", &["name"]),
    ("sidecars", &["name"]),
    ("steps", &["name"]),
    ("tasks", &["name"]),
    ("templates", &["name"]),
];

/// The fields that tell the elements of a list apart, by the name of the list's field; none where
/// the elements are told apart by their whole value.
#[must_use]
pub fn merge_keys(list: &str) -> &'static [&'static str] {
    MERGE_KEYS
        .iter()
        .chain(CUSTOM_MERGE_KEYS)
        .find(|(name, _)| *name == list)
        .map_or(&[], |(_, keys)| *keys)
}

/// The value that the API server gives to an absent merge key.
#[must_use]
pub fn merge_key_default(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}
