//! Alert rules over the metrics, as objects of the Prometheus operator: what somebody must get up for, and what they then
//! do. A test of `kubevet serve` holds them to the metrics that there are.

use super::{LABELS, Options, Slots, check, dashboard::dashboard, fill};
use std::fmt::Write as _;

/// The files, by name: a PodMonitor and a PrometheusRule, and a dashboard for Grafana as JSON.
///
/// # Errors
/// As [`super::objects`].
pub fn monitoring(options: &Options) -> Result<Vec<(String, String)>, String> {
    check(options)?;
    let slots = Slots::from([
        ("namespace", options.namespace.clone()),
        ("labels", LABELS.to_owned()),
    ]);
    let mut rules = String::from(RULES);
    for alert in ALERTS {
        let Alert {
            name,
            expr,
            minutes,
            severity,
            summary,
            to_do,
        } = alert;
        let _ = write!(
            rules,
            "        - alert: {name}\n          expr: '{expr}'\n          for: {minutes}m\n          labels:\n            \
             severity: {severity}\n          annotations:\n            summary: \"{summary}\"\n            description: \
             \"{to_do}\"\n"
        );
    }
    Ok(vec![
        ("pod-monitor.yaml".to_owned(), fill(POD_MONITOR, &slots)),
        ("alerts.yaml".to_owned(), fill(&rules, &slots)),
        ("dashboard.json".to_owned(), dashboard()),
    ])
}

const POD_MONITOR: &str = "# Reads /metrics of every replica; needs the Prometheus operator.
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: kubevet
  podMetricsEndpoints:
    - port: metrics
      path: /metrics
";

const RULES: &str =
    "# Needs the Prometheus operator; without it, the groups are a rule file of Prometheus as they stand.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
spec:
  groups:
    - name: kubevet
      rules:
";

struct Alert {
    name: &'static str,
    /// In single quotes: it has none.
    expr: &'static str,
    /// How long it must hold.
    minutes: u32,
    severity: &'static str,
    summary: &'static str,
    to_do: &'static str,
}

const ALERTS: &[Alert] = &[
    Alert {
        name: "KubevetDown",
        expr: "absent(kubevet_library_generation)",
        minutes: 5,
        severity: "critical",
        summary: "No kubevet answers",
        to_do: "Workloads in namespaces labelled kubevet.io/failure-policy=Fail are refused, all others pass unjudged. Look at \
                the pods: kubectl -n @namespace@ get pods. If they cannot be mended at once, kubectl delete \
                validatingwebhookconfiguration kubevet lets everything through.",
    },
    Alert {
        name: "KubevetNotReady",
        expr: "kube_deployment_status_replicas_available{namespace=\"@namespace@\",deployment=\"kubevet\"} < \
               kube_deployment_spec_replicas{namespace=\"@namespace@\",deployment=\"kubevet\"}",
        minutes: 10,
        severity: "warning",
        summary: "A replica of kubevet is not ready",
        to_do: "Its /readyz says why: library, bindings, namespaces or certificates.",
    },
    Alert {
        name: "KubevetPassedUnjudged",
        expr: "sum by (name) (rate(apiserver_admission_webhook_fail_open_count{name=~\".+[.]kubevet[.]io\"}[5m])) > 0",
        minutes: 5,
        severity: "warning",
        summary: "API servers let requests past {{ $labels.name }} without an answer",
        to_do: "They cannot reach kubevet, or do not trust its certificate: the log of the API server says which.",
    },
    Alert {
        name: "KubevetRefusedUnjudged",
        expr: "sum by (name) (rate(apiserver_admission_webhook_rejection_count{name=~\".+[.]kubevet[.]io\",\
               error_type=\"calling_webhook_error\"}[5m])) > 0",
        minutes: 2,
        severity: "critical",
        summary: "API servers refuse requests because {{ $labels.name }} gives no answer",
        to_do: "They cannot reach kubevet, or do not trust its certificate: the log of the API server says which. kubectl \
                label namespace NAME kubevet.io/failure-policy- frees one namespace.",
    },
    Alert {
        name: "KubevetLeafExpires",
        expr: "min(kubevet_certificate_expiry_timestamp_seconds{which=\"leaf\"}) - time() < 14 * 86400",
        minutes: 60,
        severity: "critical",
        summary: "The certificate of kubevet ends in {{ $value | humanizeDuration }}",
        to_do: "It should have been renewed with 30 days left: the log says why it was not. Once it ends, API servers get no \
                answer from kubevet.",
    },
    Alert {
        name: "KubevetCaExpires",
        expr: "min(kubevet_certificate_expiry_timestamp_seconds{which=\"ca\"}) - time() < 90 * 86400",
        minutes: 60,
        severity: "warning",
        summary: "The CA of kubevet ends in {{ $value | humanizeDuration }}",
        to_do: "One that kubevet issues gets a successor with a year left: the log says why it did not. One of your own must be \
                replaced by you, old and new in ca.crt together until the new one has signed.",
    },
    Alert {
        name: "KubevetCertificateKept",
        expr: "sum(increase(kubevet_certificate_reloads_total{result=\"kept_old\"}[15m])) > 0",
        minutes: 0,
        severity: "warning",
        summary: "New certificates cannot be used; kubevet keeps the old ones",
        to_do: "The log says what is wrong with them: key and certificate of different pairs, or a file that is half written.",
    },
    Alert {
        name: "KubevetCertificatesMissing",
        expr: "max(kubevet_certificates_missing) > 0",
        minutes: 2,
        severity: "warning",
        summary: "The certificates of kubevet are gone from their place or cannot be read",
        to_do: "Those in force are served until they end or the process does. Put back what somebody else keeps; the log says \
                why what is ours cannot be written.",
    },
    Alert {
        name: "KubevetReviewsShed",
        expr: "sum by (why) (rate(kubevet_shed_reviews_total[5m])) > 0",
        minutes: 5,
        severity: "warning",
        summary: "Reviews are answered without being judged: {{ $labels.why }}",
        to_do: "overload, wait, heavy, late and memory ask for more CPU, memory or replicas; slow_body for a look at the network; \
                too_large is a review over 64 MiB.",
    },
    Alert {
        name: "KubevetUnevaluated",
        expr: "sum(rate(kubevet_reviews_total{verdict=\"unevaluated\"}[15m])) > 0",
        minutes: 15,
        severity: "warning",
        summary: "Requests pass although a control could not judge them",
        to_do: "The decision log names the control and the reason in its unevaluated field.",
    },
    Alert {
        name: "KubevetLibraryProblems",
        expr: "max(kubevet_library_problems) > 0",
        minutes: 5,
        severity: "warning",
        summary: "The last library or bindings that were read are broken; what held before may hold on",
        to_do: "The log has a line for each problem, with its place and what to do.",
    },
    Alert {
        name: "KubevetBindingRefused",
        expr: "max(kubevet_bindings{state=\"refused\"}) > 0",
        minutes: 5,
        severity: "warning",
        summary: "A ControlBinding is not in force",
        to_do: "kubectl get controlbindings -o wide shows which, and its message why.",
    },
    Alert {
        name: "KubevetReplicasDisagree",
        expr: "max(kubevet_bindings{state=\"accepted\"}) != min(kubevet_bindings{state=\"accepted\"})",
        minutes: 10,
        severity: "warning",
        summary: "Replicas of kubevet hold different bindings",
        to_do: "One of them does not hear the API server: compare their logs, and delete the pod that is behind.",
    },
    Alert {
        name: "KubevetNamespacesStale",
        expr: "max(kubevet_namespace_cache_age_seconds) > 300 or min(kubevet_namespace_cache_age_seconds) < 0",
        minutes: 5,
        severity: "warning",
        summary: "The labels of namespaces are old",
        to_do: "Nothing was heard from the API server for minutes, so selectors go by old labels. The log says what the watch \
                ran into; a missing RBAC rule is named in full.",
    },
    Alert {
        name: "KubevetSlow",
        expr: "histogram_quantile(0.99, sum by (le) \
               (rate(kubevet_review_duration_seconds_bucket{phase=\"total\"}[5m]))) > 1",
        minutes: 10,
        severity: "warning",
        summary: "One review in a hundred takes over a second",
        to_do: "The dashboard shows which phase. Judging wants CPU; deciding waits for labels of namespaces, so for the API \
                server.",
    },
    Alert {
        name: "KubevetDenialsRising",
        expr: "sum(rate(kubevet_denials_total[15m])) > 4 * sum(rate(kubevet_denials_total[1d] offset 15m)) and \
               sum(increase(kubevet_denials_total[15m])) > 10",
        minutes: 5,
        severity: "info",
        summary: "Four times as many denials as over the last day",
        to_do: "A binding that went from Warn to Deny, a controller that tries again and again, or somebody who tries what is not \
                allowed: the decision log has user, object and control of each.",
    },
    Alert {
        name: "KubevetDecisionsUnlogged",
        expr: "sum(increase(kubevet_unlogged_decisions_total[15m])) > 0",
        minutes: 0,
        severity: "warning",
        summary: "Lines of the decision log are lost",
        to_do: "Whoever reads the log is too slow, or the disk is full.",
    },
];
