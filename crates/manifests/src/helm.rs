//! The objects as a Helm chart: the same templates, with expressions of Helm in their slots.
//!
//! Names are not values. The CRD and the webhook configuration are objects of the cluster, so there
//! is one kubevet in it, and what is called `kubevet` in one object is called so in the flags that
//! name it.

use super::{
    error::InvalidOption,
    install::{LABELS, service_reference, slots as gate_slots, templates},
    operator_chart::{
        FrameworkRights, KEEP, gate_expressions, operator_files, value_slots, with_release,
    },
    operator_options::OperatorOptions,
    options::InstallOptions,
    template::{Slots, render},
};
use serde_json::{Map, Value};

/// The folders of mounted files that are values of the chart.
const POLICIES: &str = "policies";
const CONTROLS_CONFIG: &str = "controls-config";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the files of the chart by path within its folder. The namespace is that of the release.
/// Gate and operator have the same image, policies and params: those of `options`.
///
/// # Errors
/// As [`super::objects`] and [`super::operator_objects`].
pub fn chart(
    options: &InstallOptions,
    operator: &OperatorOptions,
    rights: &FrameworkRights,
) -> Result<Vec<(String, String)>, InvalidOption> {
    options.validate()?;
    operator.validate()?;
    let has_value = |name: &str| [POLICIES, CONTROLS_CONFIG].contains(&name);
    if let Some(folder) = options
        .mounted
        .iter()
        .find(|folder| !has_value(&folder.name))
    {
        return Err(InvalidOption::NoChartValue(folder.flag));
    }
    let version = Slots::from([("version", VERSION.to_owned())]);
    let chart = render(include_str!("../templates/helm/Chart.yaml"), &version);
    let schema = include_str!("../templates/helm/values.schema.json");
    let notes = include_str!("../templates/helm/NOTES.txt");
    let mut files = vec![
        ("Chart.yaml".to_owned(), chart),
        ("values.yaml".to_owned(), values(options, operator)),
        ("values.schema.json".to_owned(), schema.to_owned()),
        ("templates/NOTES.txt".to_owned(), notes.to_owned()),
        (
            "templates/config-maps.yaml".to_owned(),
            include_str!("../templates/helm/config-maps.yaml").to_owned(),
        ),
    ];
    let mut slots = gate_slots(options);
    slots.extend(expressions());
    for (name, of_operator) in gate_expressions() {
        // Flags and volumes come after those of the gate.
        match slots.get_mut(name).filter(|_| name.starts_with("extra-")) {
            Some(of_gate) => of_gate.push_str(&of_operator),
            None => drop(slots.insert(name, of_operator)),
        }
    }
    let objects = templates(options).into_iter();
    // The namespace is created by `helm install --create-namespace`.
    let objects = objects.filter(|(file, _)| *file != "namespace.yaml");
    files.extend(
        objects.map(|(file, template)| (format!("templates/{file}"), render(&template, &slots))),
    );
    files.extend(operator_files(operator, rights, &slots));
    Ok(files)
}

/// Returns the slots that are expressions over the values of the chart. Blocks that are indented by
/// `nindent` expect the indentation of their slot, so each is written for one template.
fn expressions() -> impl Iterator<Item = (&'static str, String)> {
    let namespace = "{{ .Release.Namespace }}";
    let computed = [
        ("labels", with_release(LABELS)),
        ("client", service_reference(namespace)),
    ];
    let literal = [
        ("namespace", namespace),
        (
            "image",
            "\"{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default \
             .Chart.AppVersion }}{{ end }}\"",
        ),
        ("replicas", "{{ .Values.replicas }}"),
        ("pull-policy", "{{ .Values.image.pullPolicy }}"),
        (
            "cpu-request",
            "{{ .Values.resources.requests.cpu | quote }}",
        ),
        (
            "memory-request",
            "{{ .Values.resources.requests.memory | quote }}",
        ),
        ("cpu-limit", "{{ .Values.resources.limits.cpu | quote }}"),
        (
            "memory-limit",
            "{{ .Values.resources.limits.memory | quote }}",
        ),
        ("crd-annotations", KEEP),
        (
            "scheduling",
            include_str!("../templates/helm/slots/scheduling.yaml"),
        ),
        (
            "extra-args",
            include_str!("../templates/helm/slots/extra-args.yaml"),
        ),
        (
            "extra-mounts",
            include_str!("../templates/helm/slots/extra-volume-mounts.yaml"),
        ),
        (
            "extra-volumes",
            include_str!("../templates/helm/slots/extra-volumes.yaml"),
        ),
        (
            "api-servers",
            include_str!("../templates/helm/slots/api-servers.yaml"),
        ),
        (
            "client-args",
            include_str!("../templates/helm/slots/client-args.yaml"),
        ),
    ];
    let literal = literal.map(|(name, expression)| (name, expression.to_owned()));
    computed.into_iter().chain(literal)
}

/// Returns `values.yaml`: the options as defaults.
fn values(options: &InstallOptions, operator: &OperatorOptions) -> String {
    let image = ImageReference::parse(&options.image);
    let mut slots = value_slots(operator);
    slots.extend(gate_slots(options));
    slots.extend([
        ("repository", image.repository.to_owned()),
        ("tag", image.tag.to_owned()),
        ("digest", image.digest.to_owned()),
        ("api-servers", flow_sequence(&options.api_servers)),
        ("client-names", flow_sequence(&options.client_names)),
        ("custom-rules", custom_rules(options)),
        ("controls-config", controls_config(options)),
    ]);
    render(include_str!("../templates/helm/values.yaml"), &slots)
}

/// Returns the files of the folder `policies` as a YAML map on one line. JSON is YAML.
fn custom_rules(options: &InstallOptions) -> String {
    let folder = options
        .mounted
        .iter()
        .find(|folder| folder.name == POLICIES);
    let files = folder.into_iter().flat_map(|folder| &folder.files);
    let files: Map<String, Value> = files
        .map(|(path, text)| (path.clone(), text.as_str().into()))
        .collect();
    Value::Object(files).to_string()
}

/// Returns the text of the params as a YAML string on one line.
fn controls_config(options: &InstallOptions) -> String {
    let folder = options
        .mounted
        .iter()
        .find(|folder| folder.name == CONTROLS_CONFIG);
    let text = folder.and_then(|folder| folder.files.first());
    Value::from(text.map_or("", |(_, text)| text.as_str())).to_string()
}

/// The parts of a container image's name.
struct ImageReference<'a> {
    repository: &'a str,
    /// The tag; empty for the chart's own version.
    tag: &'a str,
    /// The digest, such as `sha256:…`; empty if there is none.
    digest: &'a str,
}

impl<'a> ImageReference<'a> {
    fn parse(image: &'a str) -> Self {
        let (name, digest) = image.split_once('@').unwrap_or((image, ""));
        // A colon before a slash separates the port of a registry.
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, tag),
            _ => (name, ""),
        };
        Self {
            repository,
            tag: if tag == VERSION { "" } else { tag },
            digest,
        }
    }
}

/// Returns strings as a YAML list in one line.
fn flow_sequence(strings: &[String]) -> String {
    let quoted: Vec<String> = strings
        .iter()
        .map(|string| format!("\"{string}\""))
        .collect();
    format!("[{}]", quoted.join(", "))
}
