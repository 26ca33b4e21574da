//! The operator in the Helm chart: its templates, with expressions of Helm in their slots, and a file
//! with what it reads for each framework, since the values choose the frameworks.

use super::{
    install::LABELS,
    operator_install::{
        OPERATOR_LABELS, RECREATE, ROLLING, SECRET_MOUNT, STORE_EMPTY_DIR, STORE_MOUNT,
        operator_slots, operator_templates, secret_volume, store_egress,
    },
    operator_options::{OperatorOptions, OperatorStore, STORE_KEY},
    operator_rbac::group_rule,
    results_crds::{DefinitionMetadata, ResultCrds, group_definitions, scan_request_definition},
    template::{Slots, render},
    webhook_rules::{ResourcesByGroup, resources_by_group},
};
use kubevet_k8s::workload::{SelectKinds as _, custom::CustomWorkloads};
use kubevet_model::{Control, Kind, Scope};
use kubevet_policy::Library;
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

/// The file that the template of the roles reads.
const RIGHTS_FILE: &str = "operator-rights.yaml";
/// The volume of the chart's default.
const VOLUME_SIZE: &str = "2Gi";
/// The port of PostgreSQL.
const POSTGRES_PORT: u16 = 5432;

/// What the operator of a chart may read, by what its values choose.
#[derive(Debug, Clone, Default)]
pub struct FrameworkRights {
    all: ResourcesByGroup,
    /// By the name in lower case.
    frameworks: BTreeMap<String, ResourcesByGroup>,
}

impl FrameworkRights {
    /// Returns the resources that the frameworks of a library check in a cluster. The newest edition
    /// of a family is there by the name of the family, too.
    #[must_use]
    pub fn of(library: &Library) -> Self {
        let controls = library.metadata();
        let controls = controls.iter();
        let in_cluster: Vec<&Arc<Control>> = controls
            .filter(|control| control.scope.contains(&Scope::Cluster))
            .collect();
        let workloads = &library.workloads;
        let mut frameworks = BTreeMap::new();
        for framework in &library.frameworks {
            let ids = framework.controls();
            let chosen = in_cluster.iter().copied();
            let chosen = chosen.filter(|control| ids.contains(&control.id));
            let rights = resources(chosen, workloads);
            let name = framework.name.to_ascii_lowercase();
            let family = name.split_once("-v").map(|(family, _)| family.to_owned());
            let newest = family.filter(|family| {
                library
                    .newest_framework(family)
                    .is_some_and(|newest| newest.name == framework.name)
            });
            for name in newest.into_iter().chain([name]) {
                frameworks.insert(name, rights.clone());
            }
        }
        Self {
            all: resources(in_cluster.into_iter(), workloads),
            frameworks,
        }
    }
}

fn resources<'c>(
    controls: impl Iterator<Item = &'c Arc<Control>>,
    workloads: &CustomWorkloads,
) -> ResourcesByGroup {
    let kinds: Vec<Kind> = controls
        .flat_map(|control| control.kinds.all_kinds())
        .collect();
    resources_by_group(&kinds, workloads)
}

/// Returns the files of the operator by path within the folder of the chart. `slots` are those of the
/// gate, by whose names the operator takes what both have.
pub(crate) fn operator_files(
    options: &OperatorOptions,
    rights: &FrameworkRights,
    slots: &Slots,
) -> Vec<(String, String)> {
    let mut slots = slots.clone();
    slots.extend(expressions());
    let metadata = DefinitionMetadata {
        labels: with_release(LABELS),
        annotations: KEEP.to_owned(),
    };
    let mut files = vec![(RIGHTS_FILE.to_owned(), rights_file(options, rights))];
    let mut add = |file: &str, condition: &str, content: &str| {
        let guarded = format!("{{{{- if {condition} }}}}\n{content}{{{{- end }}}}\n");
        files.push((format!("templates/operator/{file}"), guarded));
    };
    let crd = scan_request_definition(&metadata);
    add("scan-request-crd.yaml", ENABLED, &crd);
    for group in ResultCrds::ALL {
        let name = group.name();
        let condition = format!(
            "and {ENABLED} .Values.operator.installResultCRDs (has \"{name}\" .Values.operator.results)"
        );
        let definitions = group_definitions(*group, &metadata);
        add(
            &format!("result-crds-{name}.yaml"),
            &condition,
            &definitions,
        );
    }
    for (file, template) in operator_templates() {
        let condition = match file {
            "store-claim.yaml" => {
                format!(
                    "{OWN_PODS} (eq .Values.operator.store.type \"volume\") \
                     (not .Values.operator.store.volume.existingClaim)"
                )
            }
            "roles.yaml" | "role-bindings.yaml" => ENABLED.to_owned(),
            _ => OWN_PODS.to_owned(),
        };
        add(file, &condition, &render(template, &slots));
    }
    files
}

/// Values of a release before the operator have none of it: `helm upgrade --reuse-values` keeps them.
const ENABLED: &str = "(.Values.operator).enabled";

/// The operator has pods of its own.
const OWN_PODS: &str = "and (.Values.operator).enabled (not (.Values.operator).inGate)";
/// The operator is in the process of the gate.
const IN_GATE: &str = "and (.Values.operator).enabled (.Values.operator).inGate";

/// The flags of the operator, wherever it runs.
const OWN_ARGS: &str = include_str!("../templates/helm/slots/operator/args.yaml");
/// Those that the values have as text.
const MORE_ARGS: &str = include_str!("../templates/helm/slots/operator/more-args.yaml");
const STORE_MOUNTS: &str = include_str!("../templates/helm/slots/operator/store-mount.yaml");
const STORE_VOLUMES: &str = include_str!("../templates/helm/slots/operator/store-volume.yaml");
const STORE_EGRESS: &str = include_str!("../templates/helm/slots/operator/store-egress.yaml");

/// Without it, `helm uninstall` would delete every object of a definition with it.
pub(crate) const KEEP: &str = "annotations:\n  helm.sh/resource-policy: keep";

/// Returns labels with those of a release of Helm.
pub(crate) fn with_release(labels: &str) -> String {
    format!(
        "{labels}\napp.kubernetes.io/instance: {{{{ .Release.Name }}}}\napp.kubernetes.io/managed-by: \
         {{{{ .Release.Service }}}}"
    )
}

/// Returns the slots that are expressions over the values of the chart. Blocks that are indented by
/// `nindent` expect the indentation of their slot, so each is written for one template.
fn expressions() -> impl Iterator<Item = (&'static str, String)> {
    let mut results = String::new();
    for group in ResultCrds::ALL {
        let _ = writeln!(
            results,
            "{{{{- if has \"{}\" .Values.operator.results }}}}\n{}{{{{- end }}}}",
            group.name(),
            group_rule(*group)
        );
    }
    let parts = store_parts();
    let computed = [
        ("operator-labels", with_release(OPERATOR_LABELS)),
        (
            "operator-account",
            "{{ if .Values.operator.inGate }}kubevet{{ else }}kubevet-operator{{ end }}".to_owned(),
        ),
        ("results", results),
    ];
    let literal = [
        ("operator-replicas", "{{ .Values.operator.replicas }}"),
        (
            "operator-cpu-request",
            "{{ .Values.operator.resources.requests.cpu | quote }}",
        ),
        (
            "operator-memory-request",
            "{{ .Values.operator.resources.requests.memory | quote }}",
        ),
        (
            "operator-cpu-limit",
            "{{ .Values.operator.resources.limits.cpu | quote }}",
        ),
        (
            "operator-memory-limit",
            "{{ .Values.operator.resources.limits.memory | quote }}",
        ),
        (
            "store-size",
            "{{ .Values.operator.store.volume.size | quote }}",
        ),
        (
            "rules",
            include_str!("../templates/helm/slots/operator/rules.yaml"),
        ),
        (
            "operator-scheduling",
            include_str!("../templates/helm/slots/operator/scheduling.yaml"),
        ),
        (
            "operator-mounts",
            include_str!("../templates/helm/slots/operator/mounts.yaml"),
        ),
        (
            "operator-volumes",
            include_str!("../templates/helm/slots/operator/volumes.yaml"),
        ),
        (
            "strategy",
            include_str!("../templates/helm/slots/operator/strategy.yaml"),
        ),
        (
            "storage-class",
            include_str!("../templates/helm/slots/operator/storage-class.yaml"),
        ),
        ("store-egress", STORE_EGRESS),
        ("store-mount", STORE_MOUNTS),
        ("store-volume", STORE_VOLUMES),
    ];
    let args = [
        OWN_ARGS,
        include_str!("../templates/helm/slots/operator/library-args.yaml"),
        MORE_ARGS,
    ];
    let computed = computed
        .into_iter()
        .chain([("operator-args", args.concat())]);
    let literal = literal.map(|(name, expression)| (name, render_part(expression, &parts)));
    computed.chain(literal)
}

/// Returns the blocks for each place of a store.
fn store_parts() -> Slots {
    Slots::from([
        ("recreate", RECREATE.to_owned()),
        ("rolling", ROLLING.to_owned()),
        ("mount", STORE_MOUNT.to_owned()),
        ("empty-dir", STORE_EMPTY_DIR.to_owned()),
        ("secret-mount", SECRET_MOUNT.to_owned()),
        (
            "secret-volume",
            secret_volume(
                "{{ .Values.operator.store.secret.name | required \"operator.store.secret.name: name the Secret with the \
                 URL of the database\" | quote }}",
                "{{ .Values.operator.store.secret.key | quote }}",
            ),
        ),
        (
            "egress",
            store_egress("{{ .Values.operator.store.secret.port }}"),
        ),
    ])
}

/// What the Deployment and the NetworkPolicy of the gate have if the operator is in its process, by slot.
/// Flags and volumes come after those of the gate.
pub(crate) fn gate_expressions() -> [(&'static str, String); 5] {
    let parts = store_parts();
    let guard = |content: &str| {
        let content = render(content, &parts);
        format!("{{{{- if {IN_GATE} }}}}\n{content}{{{{- end }}}}\n")
    };
    let args = [
        include_str!("../templates/helm/slots/operator/gate-args.yaml"),
        OWN_ARGS,
        MORE_ARGS,
    ];
    [
        ("extra-args", guard(&args.concat())),
        ("extra-mounts", guard(STORE_MOUNTS)),
        ("extra-volumes", guard(STORE_VOLUMES)),
        ("store-egress", guard(STORE_EGRESS)),
        (
            "ephemeral-storage",
            format!("{{{{ if {IN_GATE} }}}}3Gi{{{{ else }}}}1Gi{{{{ end }}}}"),
        ),
    ]
}

/// Fills the slots of an expression of several lines; one of a single line has none.
fn render_part(expression: &str, parts: &Slots) -> String {
    if expression.contains('\n') {
        render(expression, parts)
    } else {
        expression.to_owned()
    }
}

/// Returns the slots of `values.yaml`: the options as defaults.
pub(crate) fn value_slots(options: &OperatorOptions) -> Slots {
    let results = options.results.iter();
    let results: Vec<&str> = results.map(|group| group.name()).collect();
    let mut slots = operator_slots(options);
    let (mut size, mut class) = (VOLUME_SIZE, "");
    let (mut secret, mut key, mut port) = ("", STORE_KEY, POSTGRES_PORT);
    let store_type = match &options.store {
        OperatorStore::EmptyDir => "emptyDir",
        OperatorStore::Volume {
            size: given,
            class: given_class,
        } => {
            size = given;
            class = given_class.as_deref().unwrap_or_default();
            "volume"
        }
        OperatorStore::Secret {
            name,
            key: given_key,
            port: given_port,
        } => {
            (secret, key, port) = (name, given_key, *given_port);
            "secret"
        }
        OperatorStore::None => "none",
    };
    slots.extend([
        ("operator-results", format!("[{}]", results.join(", "))),
        (
            "install-result-crds",
            options.installs_result_crds.to_string(),
        ),
        ("read-secrets", options.read_secrets.to_string()),
        ("store-type", store_type.to_owned()),
        ("store-size", size.to_owned()),
        ("storage-class", class.to_owned()),
        ("store-secret", secret.to_owned()),
        ("store-key", key.to_owned()),
        ("store-port", port.to_string()),
    ]);
    slots
}

/// Returns the file of rights. The controls of the options are those without a choice in the values.
fn rights_file(options: &OperatorOptions, rights: &FrameworkRights) -> String {
    let default = resources(options.controls.iter(), &options.workloads);
    let mut file = "# What the operator reads for the controls of each framework: resources by API group. The template of its \
                    ClusterRole\n# reads this file; secrets are left out there unless operator.readSecrets is set.\n"
        .to_owned();
    add_rights(&mut file, "", "default", &default);
    add_rights(&mut file, "", "all", &rights.all);
    file.push_str("frameworks:\n");
    for (name, rights) in &rights.frameworks {
        add_rights(&mut file, "  ", name, rights);
    }
    file
}

fn add_rights(file: &mut String, indent: &str, name: &str, rights: &ResourcesByGroup) {
    let _ = writeln!(file, "{indent}\"{name}\":");
    for (group, resources) in rights {
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        let _ = writeln!(file, "{indent}  \"{group}\": [{}]", resources.join(", "));
    }
}
