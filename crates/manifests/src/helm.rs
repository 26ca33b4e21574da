//! The objects as a Helm chart: the same templates, with expressions of Helm in their slots.
//!
//! Names are not values: the CRD and the webhook configuration are the cluster's, so there is one kubevet in it, and what
//! is called `kubevet` in one object is called so in the flags that name it.

use super::{LABELS, Options, Slots, check, fill, service, slots, templates};

/// The files of the chart, by path within its folder. The namespace is the release's.
///
/// # Errors
/// As [`super::objects`].
pub fn chart(options: &Options) -> Result<Vec<(String, String)>, String> {
    check(options)?;
    let mut files = vec![
        (
            "Chart.yaml".to_owned(),
            format!("{CHART}version: {VERSION}\nappVersion: \"{VERSION}\"\n"),
        ),
        ("values.yaml".to_owned(), values(options)),
        ("values.schema.json".to_owned(), SCHEMA.to_owned()),
        ("templates/NOTES.txt".to_owned(), NOTES.to_owned()),
    ];
    let slots = expressions(slots(options));
    // The namespace is made by `helm install --create-namespace`.
    let objects = templates(options)
        .into_iter()
        .filter(|(file, _)| *file != "namespace.yaml");
    files.extend(objects.map(|(file, text)| (format!("templates/{file}"), fill(&text, &slots))));
    Ok(files)
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn expressions(plain: Slots) -> Slots {
    let namespace = "{{ .Release.Namespace }}";
    let labels = format!(
        "{LABELS}\napp.kubernetes.io/instance: {{{{ .Release.Name }}}}\napp.kubernetes.io/managed-by: {{{{ .Release.Service }}}}"
    );
    let own = [
        ("namespace", namespace),
        (
            "image",
            "\"{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default \
             .Chart.AppVersion }}{{ end }}\"",
        ),
        ("replicas", "{{ .Values.replicas }}"),
        ("client", &service(namespace)),
        ("labels", &labels),
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
        // `helm uninstall` would take every ControlBinding with the CRD.
        (
            "crd-annotations",
            "annotations:\n  helm.sh/resource-policy: keep",
        ),
        ("scheduling", SCHEDULING),
        ("extra-args", EXTRA_ARGS),
        ("api-servers", API_SERVERS),
        ("client-args", CLIENT_ARGS),
    ];
    plain
        .into_iter()
        .chain(own.map(|(name, text)| (name, text.to_owned())))
        .collect()
}

/// At the six columns of a pod spec.
const SCHEDULING: &str = "{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 8 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 8 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 8 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 8 }}
{{- end }}";

/// At the six columns of an ingress rule.
const API_SERVERS: &str = "{{- with .Values.apiServerCIDRs }}
from:
  {{- range . }}
  - ipBlock:
      cidr: {{ . | quote }}
  {{- end }}
{{- end }}";

const CLIENT_ARGS: &str = "{{- with .Values.clientNames }}
- --client-ca=/etc/kubevet/client-ca/ca.crt
{{- range . }}
- {{ printf \"--client-name=%s\" . | quote }}
{{- end }}
{{- end }}";

const EXTRA_ARGS: &str = "{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}";

const CHART: &str = "# Written by `kubevet manifests --form helm`.
apiVersion: v2
name: kubevet
description: A Kubernetes security gate, judging admission requests against one library of controls
type: application
# matchConditions of webhooks.
kubeVersion: \">=1.30.0-0\"
";

/// The image's parts: where it lies, its tag (empty for the chart's own version), its digest.
fn parts(image: &str) -> (&str, &str, &str) {
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    match name.rsplit_once(':') {
        // Not the port of a registry.
        Some((repository, tag)) if !tag.contains('/') => {
            (repository, if tag == VERSION { "" } else { tag }, digest)
        }
        _ => (name, "", digest),
    }
}

fn values(options: &Options) -> String {
    let (repository, tag, digest) = parts(&options.image);
    let plain = slots(options);
    let plain = |name| plain.get(name).map_or("", String::as_str);
    let mut slots = Slots::from([
        ("repository", repository.to_owned()),
        ("tag", tag.to_owned()),
        ("digest", digest.to_owned()),
    ]);
    for name in [
        "replicas",
        "pull-policy",
        "cpu-request",
        "memory-request",
        "cpu-limit",
        "memory-limit",
    ] {
        slots.insert(name, plain(name).to_owned());
    }
    slots.insert("api-servers", list(&options.api_servers));
    slots.insert("client-names", list(&options.client_names));
    fill(VALUES, &slots)
}

/// Texts as a list in one line of YAML.
fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|it| format!("\"{it}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

const VALUES: &str = "# How many answer.
replicas: @replicas@
image:
  repository: @repository@
  # The chart's own version where it is empty.
  tag: \"@tag@\"
  # sha256:…; used instead of the tag.
  digest: \"@digest@\"
  pullPolicy: @pull-policy@
imagePullSecrets: []
# From where API servers call, as the pods see it, such as [10.0.0.2/32]: the NetworkPolicy lets nobody else in. Empty:
# from anywhere.
apiServerCIDRs: @api-servers@
# Common names of the certificates that callers must show, signed by ca.crt of the ConfigMap kubevet-client-ca. Empty: none
# is asked for.
clientNames: @client-names@
# More flags of `kubevet serve`, such as --decision-sample=1.
extraArgs: []
resources:
  requests:
    cpu: @cpu-request@
    memory: @memory-request@
  limits:
    cpu: @cpu-limit@
    # Seen: 30 MiB at work; bodies have 256 MiB, and connections about 50 KiB each.
    memory: @memory-limit@
# Where it runs.
priorityClassName: \"\"
nodeSelector: {}
tolerations: []
affinity: {}
";

const SCHEMA: &str = r##"{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Values of the kubevet chart: what is not named here is a mistake, and is refused",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "global": {"type": "object"},
    "replicas": {"type": "integer", "minimum": 1},
    "image": {
      "type": "object",
      "additionalProperties": false,
      "required": ["repository"],
      "properties": {
        "repository": {"type": "string", "minLength": 1},
        "tag": {"type": "string"},
        "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
        "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]}
      }
    },
    "imagePullSecrets": {"type": "array", "items": {"type": "object"}},
    "apiServerCIDRs": {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-fA-F.:]+/[0-9]{1,3}$"}},
    "clientNames": {"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z0-9:._@-]+$"}},
    "extraArgs": {"type": "array", "items": {"type": "string", "pattern": "^--"}},
    "resources": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "requests": {"$ref": "#/definitions/amounts"},
        "limits": {"$ref": "#/definitions/amounts"}
      }
    },
    "priorityClassName": {"type": "string"},
    "nodeSelector": {"type": "object"},
    "tolerations": {"type": "array", "items": {"type": "object"}},
    "affinity": {"type": "object"}
  },
  "definitions": {
    "amounts": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "cpu": {"type": ["string", "number"]},
        "memory": {"type": ["string", "number"]}
      }
    }
  }
}
"##;

const NOTES: &str = "kubevet answers the API server once its pods are ready:
  kubectl -n {{ .Release.Namespace }} rollout status deployment/kubevet
Without a ControlBinding everything is judged, nothing denied, and high and critical findings are warned of. To enforce:
  kubectl apply -f - <<'END'
  apiVersion: kubevet.io/v1alpha1
  kind: ControlBinding
  metadata: {name: nsa}
  spec: {validationActions: [Deny], frameworks: [NSA]}
  END
`helm uninstall` keeps the ControlBindings and their CRD; `kubectl delete crd controlbindings.kubevet.io` takes them.
";
