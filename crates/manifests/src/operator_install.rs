//! The objects of an installation of the operator, and the values that fill their slots. It needs no
//! gate beside it; both may be installed into one namespace.

use super::{
    error::InvalidOption,
    install::LABELS,
    mounted_files::MountedFolder,
    operator_options::{OperatorOptions, OperatorStore},
    operator_rbac::{OperatorRights, ROLES, result_rules},
    results_crds::{ResultCrds, results_crds, scan_request_crd},
    scan_rbac::{ScanRights, reading_rules},
    template::{Slots, render},
};

/// The labels of every object of the operator. The Service and the policies of the gate select by
/// another name.
pub(crate) const OPERATOR_LABELS: &str = "app: kubevet-operator\napp.kubernetes.io/name: kubevet-operator\n\
     app.kubernetes.io/part-of: kubevet";

/// The file of the store in its volume.
const STORE_FILE: &str = "/var/lib/kubevet/store.db";
/// Where the volume of the store is mounted.
pub(crate) const STORE_MOUNT: &str =
    "# The store and its write-ahead log.\n- name: store\n  mountPath: /var/lib/kubevet";
/// The file with the URL of a database.
const URL_FILE: &str = "/etc/kubevet/store/url";
/// Where the Secret with the URL of a database is mounted.
pub(crate) const SECRET_MOUNT: &str =
    "- name: store-url\n  mountPath: /etc/kubevet/store\n  readOnly: true";
/// The volume of a store that lives as long as the pod.
pub(crate) const STORE_EMPTY_DIR: &str = "# Lives as long as the pod: the first sweep fills it again, and its history begins anew.\n\
     - name: store\n  emptyDir:\n    sizeLimit: 2Gi";

/// Returns all objects in the order in which they must be applied, each with the name of its file.
///
/// # Errors
/// An option that would change its meaning in YAML, or that contradicts another one.
pub fn operator_objects(
    options: &OperatorOptions,
) -> Result<Vec<(&'static str, String)>, InvalidOption> {
    options.validate()?;
    let slots = operator_slots(options);
    let mut objects = vec![
        (
            "namespace.yaml",
            render(include_str!("../templates/namespace.yaml"), &slots),
        ),
        ("scan-request-crd.yaml", scan_request_crd()),
    ];
    if options.installs_result_crds && !options.results.is_empty() {
        objects.push(("result-crds.yaml", results_crds(&options.results)));
    }
    let has_claim = matches!(options.store, OperatorStore::Volume { .. });
    for (file, template) in operator_templates() {
        match file {
            "deployment.yaml" if !options.mounted.is_empty() => {
                let maps = options.mounted.iter();
                let maps: Vec<String> = maps
                    .map(|folder| folder.config_map(&options.namespace, LABELS))
                    .collect();
                objects.push(("config-maps.yaml", maps.join("---\n")));
            }
            "store-claim.yaml" if !has_claim => continue,
            _ => {}
        }
        objects.push((file, render(template, &slots)));
    }
    Ok(objects)
}

/// Returns all objects as one YAML stream.
///
/// # Errors
/// As [`operator_objects`].
pub fn install_operator(options: &OperatorOptions) -> Result<String, InvalidOption> {
    let objects: Vec<String> = operator_objects(options)?
        .into_iter()
        .map(|(_, yaml)| yaml)
        .collect();
    Ok(format!(
        "# Everything to install the operator of kubevet: written by `kubevet manifests operator`.\n{}",
        objects.join("---\n")
    ))
}

/// Returns the templates of the objects that the operator does not share with the gate, in the order
/// in which they must be applied.
pub(crate) fn operator_templates() -> [(&'static str, &'static str); 7] {
    [
        (
            "service-account.yaml",
            include_str!("../templates/operator/service-account.yaml"),
        ),
        ("roles.yaml", ROLES),
        (
            "role-bindings.yaml",
            include_str!("../templates/operator/role-bindings.yaml"),
        ),
        (
            "network-policy.yaml",
            include_str!("../templates/operator/network-policy.yaml"),
        ),
        (
            "pod-disruption-budget.yaml",
            include_str!("../templates/operator/pod-disruption-budget.yaml"),
        ),
        (
            "store-claim.yaml",
            include_str!("../templates/operator/store-claim.yaml"),
        ),
        (
            "deployment.yaml",
            include_str!("../templates/operator/deployment.yaml"),
        ),
    ]
}

/// Returns the slots of one installation. An empty value removes the line of its slot.
pub(crate) fn operator_slots(options: &OperatorOptions) -> Slots {
    let string = str::to_owned;
    let scan = ScanRights {
        watch: true,
        read_secrets: options.read_secrets,
    };
    let rights = OperatorRights {
        namespace: options.namespace.clone(),
        read_secrets: options.read_secrets,
        results: options.results.clone(),
    };
    let mut slots = Slots::from([
        ("namespace", options.namespace.clone()),
        // The namespace is the same object as that of the gate.
        ("labels", string(LABELS)),
        ("operator-labels", string(OPERATOR_LABELS)),
        ("operator-account", string("kubevet-operator")),
        ("image", options.image.clone()),
        ("pull-policy", string("IfNotPresent")),
        ("operator-replicas", options.replicas.to_string()),
        ("operator-scheduling", String::new()),
        ("operator-cpu-request", string("50m")),
        ("operator-memory-request", string("96Mi")),
        ("operator-cpu-limit", string("\"1\"")),
        ("operator-memory-limit", string("512Mi")),
        ("results", result_rules(&rights)),
        (
            "rules",
            reading_rules(&options.controls, &options.workloads, scan),
        ),
        ("operator-args", arguments(options)),
        ("operator-mounts", lines(options, MountedFolder::mount)),
        ("operator-volumes", lines(options, MountedFolder::volume)),
    ]);
    slots.extend(store_slots(&options.store));
    slots
}

/// Returns the slots that depend on the store.
fn store_slots(store: &OperatorStore) -> [(&'static str, String); 6] {
    let mut mount = STORE_MOUNT;
    let mut egress = String::new();
    let mut volume = String::new();
    let (mut size, mut class) = (String::new(), String::new());
    match store {
        OperatorStore::EmptyDir => STORE_EMPTY_DIR.clone_into(&mut volume),
        OperatorStore::Volume {
            size: given,
            class: given_class,
        } => {
            "- name: store\n  persistentVolumeClaim:\n    claimName: kubevet-store"
                .clone_into(&mut volume);
            size.clone_from(given);
            if let Some(given) = given_class {
                class = format!("storageClassName: {given}");
            }
        }
        OperatorStore::Secret { name, key, port } => {
            volume = secret_volume(name, key);
            mount = SECRET_MOUNT;
            egress = store_egress(&port.to_string());
        }
        OperatorStore::None => mount = "",
    }
    [
        ("store-egress", egress),
        ("store-mount", mount.to_owned()),
        ("store-volume", volume),
        ("store-size", size),
        ("storage-class", class),
        ("strategy", strategy(store).to_owned()),
    ]
}

/// Returns the volume with the URL of a database.
pub(crate) fn secret_volume(name: &str, key: &str) -> String {
    format!(
        "# The URL of the database, with its password: readable only by the group of fsGroup.\n- name: store-url\n  secret:\n    \
         secretName: {name}\n    defaultMode: 0440\n    items:\n      - key: {key}\n        path: url"
    )
}

/// Returns the rule of the NetworkPolicy for a database at a port.
pub(crate) fn store_egress(port: &str) -> String {
    let slots = Slots::from([("store-port", port.to_owned())]);
    render(
        include_str!("../templates/operator/store-egress.yaml"),
        &slots,
    )
}

/// Returns how a rollout replaces the replicas.
fn strategy(store: &OperatorStore) -> &'static str {
    if matches!(store, OperatorStore::Volume { .. }) {
        RECREATE
    } else {
        ROLLING
    }
}

/// The rollout of replicas that share a volume.
pub(crate) const RECREATE: &str = "# The volume belongs to one replica at a time.\ntype: Recreate";
/// The rollout of replicas that share nothing.
pub(crate) const ROLLING: &str = "type: RollingUpdate\nrollingUpdate:\n  # A new replica has read everything before an old one stops.\n  \
     maxUnavailable: 0\n  maxSurge: 1";

/// Returns the flags that differ between installations.
fn arguments(options: &OperatorOptions) -> String {
    let choice = options.choice.iter().cloned();
    let mut flags: Vec<String> = choice.collect();
    flags.push("--events".to_owned());
    if options.read_secrets {
        flags.push("--read-secrets".to_owned());
    }
    if !options.results.is_empty() {
        let mut groups = options.results.clone();
        groups.sort_unstable();
        groups.dedup();
        let names: Vec<&str> = groups.into_iter().map(ResultCrds::name).collect();
        flags.push(format!("--results={}", names.join(",")));
    }
    match options.store {
        OperatorStore::EmptyDir | OperatorStore::Volume { .. } => {
            flags.push(format!("--store={STORE_FILE}"));
        }
        OperatorStore::None => flags.push("--store=none".to_owned()),
        OperatorStore::Secret { .. } => {
            flags.push(format!("--store-url-file={URL_FILE}"));
        }
    }
    let flags = flags.iter().map(|flag| format!("- {flag}\n"));
    flags
        .chain([lines(options, MountedFolder::argument)])
        .collect()
}

/// Returns the lines of all mounted folders.
fn lines(options: &OperatorOptions, of: impl Fn(&MountedFolder) -> String) -> String {
    options.mounted.iter().map(of).collect()
}
