//! The ValidatingWebhookConfiguration: which requests the API server sends, and what it does when nobody answers.

use super::{
    FailurePolicy,
    resources::{Resources, resources},
};
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::Kind;
use std::{collections::BTreeSet, fmt::Write as _};

/// The configuration, with the slots `client` and those that every object has.
///
/// Three webhooks, so that nobody's down can stop more than was asked for: workloads in namespaces that ask for `Fail`,
/// workloads elsewhere, and everything else. With a failure policy for `workloads` there is one for them, whatever a
/// namespace asks for; everything else is never stopped.
pub(super) fn configuration(kinds: &BTreeSet<Kind>, workloads: Option<FailurePolicy>) -> String {
    let workload_kinds: Vec<Kind> = WORKLOADS
        .iter()
        .map(|it| Kind::new(it.group, it.name))
        .collect();
    let rules = objects(&resources(&workload_kinds), true);
    let others = resources(kinds.iter().filter(|kind| !workload_kinds.contains(kind)));
    let mut text = String::from(HEAD);
    match workloads {
        Some(policy) => webhook(&mut text, WORKLOAD, policy.name(), "", &rules),
        None => {
            webhook(&mut text, FAIL, "Fail", "In", &rules);
            webhook(&mut text, IGNORE, "Ignore", "NotIn", &rules);
        }
    }
    webhook(
        &mut text,
        REST,
        "Ignore",
        "",
        &(objects(&others, false) + CONNECT),
    );
    text
}

fn webhook(text: &mut String, head: &str, policy: &str, labelled: &str, rules: &str) {
    let _ = writeln!(text, "{head}    failurePolicy: {policy}\n{COMMON}");
    if !labelled.is_empty() {
        let _ = writeln!(
            text,
            "        - key: kubevet.io/failure-policy\n          operator: {labelled}\n          values: [Fail]"
        );
    }
    let _ = write!(text, "    rules:\n{rules}");
}

fn objects(found: &Resources, workloads: bool) -> String {
    let mut text = String::new();
    for (group, names) in found {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        if workloads && group.is_empty() {
            // What changes a running pod: `pods` alone does not take its subresources.
            names.extend(["pods/ephemeralcontainers", "pods/resize"]);
        }
        let names = names.join(", ");
        let _ = write!(
            text,
            "      - apiGroups: [\"{group}\"]\n        apiVersions: [\"*\"]\n        operations: [CREATE, UPDATE]\n        \
             resources: [{names}]\n"
        );
    }
    text
}

const HEAD: &str = "# Applying this again leaves the caBundle alone that kubevet writes into it.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: kubevet
  labels:
    @labels@
webhooks:
";
const FAIL: &str = "  # Where a workload that nobody judged must not run: namespaces labelled kubevet.io/failure-policy=Fail. None is at
  # first, so an installation that does not come up blocks nothing.
  - name: fail.kubevet.io
";
const IGNORE: &str =
    "  # The same in all other namespaces: nobody waits for a kubevet that is down.
  - name: ignore.kubevet.io
";
const WORKLOAD: &str = "  # Workloads in every namespace, whatever its label asks for.
  - name: workloads.kubevet.io
";
const REST: &str = "  # What else the library looks at, and connections into pods and to kubelets.
  - name: rest.kubevet.io
";
const COMMON: &str = "    admissionReviewVersions: [v1]
    # A dry run writes no events.
    sideEffects: NoneOnDryRun
    # An old API version of a kind is judged, too.
    matchPolicy: Equivalent
    timeoutSeconds: 5
    clientConfig:
      @client@
    # The rules below name no Leases, Events or subresource status; this keeps them away from wider rules, too. `has`,
    # because a field that is missing is an error, and an error lets the request past an Ignore webhook.
    matchConditions:
      - name: no-leases
        expression: \"!(request.resource.group == 'coordination.k8s.io' && request.resource.resource == 'leases')\"
      - name: no-events
        expression: \"request.resource.resource != 'events'\"
      - name: no-node-heartbeats
        expression: \"!(has(request.subResource) && request.subResource == 'status' && \
request.userInfo.username.startsWith('system:node:'))\"
    namespaceSelector:
      matchExpressions:
        # What the cluster and kubevet itself need to come up is never in their own way.
        - key: kubernetes.io/metadata.name
          operator: NotIn
          values: [\"@namespace@\", kube-system, kube-node-lease]";
const CONNECT: &str = "      - apiGroups: [\"\"]
        apiVersions: [\"*\"]
        operations: [CONNECT]
        resources: [pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy, nodes/proxy]
";
