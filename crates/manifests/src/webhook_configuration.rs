//! The ValidatingWebhookConfiguration: the requests that the API server sends, and its action on
//! those that kubevet does not answer.

use super::{
    options::{FailurePolicy, InstallOptions},
    template::{Slots, render},
    webhook_rules::{ResourcesByGroup, resources_by_group},
};
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Kind, KindSelector};
use std::collections::BTreeSet;

/// A webhook of the configuration.
struct Webhook {
    name: &'static str,
    /// The comment above it, with `# ` before each line.
    comment: &'static str,
    failure_policy: FailurePolicy,
    /// The operator by which it selects namespaces with the label `kubevet.io/failure-policy:
    /// Fail`; empty if it ignores the label.
    label_operator: &'static str,
}

/// The name of the webhook that blocks workloads while kubevet does not answer. The API server puts
/// the name of the webhook before each denial, so it says what the webhook checks.
const STRICT_NAME: &str = "workloads-strict.kubevet.io";
/// The name of the webhook that admits workloads while kubevet does not answer.
const LENIENT_NAME: &str = "workloads.kubevet.io";

const STRICT: Webhook = Webhook {
    name: STRICT_NAME,
    comment: "# Workloads that must not run without a check: namespaces with the label kubevet.io/failure-policy=Fail. At first none
# has it, so an installation that does not start blocks nothing.",
    failure_policy: FailurePolicy::Fail,
    label_operator: "In",
};
const LENIENT: Webhook = Webhook {
    name: LENIENT_NAME,
    comment: "# Workloads in all other namespaces; admitted while kubevet is down.",
    failure_policy: FailurePolicy::Ignore,
    label_operator: "NotIn",
};
const OTHER: Webhook = Webhook {
    name: "other.kubevet.io",
    comment: "# All other kinds that the library checks, and connections into pods and to kubelets.",
    failure_policy: FailurePolicy::Ignore,
    label_operator: "",
};

const BINDINGS: Webhook = Webhook {
    name: "bindings.kubevet.io",
    comment: "# Rejects a ControlBinding that is broken or has no effect. It fails open, so that bindings can be repaired while
# kubevet is down.",
    failure_policy: FailurePolicy::Ignore,
    label_operator: "",
};

/// The subresources that change a running pod. A rule for `pods` does not include them.
const POD_SUBRESOURCES: [&str; 2] = ["pods/ephemeralcontainers", "pods/resize"];

/// The connections into pods and to kubelets.
const CONNECT_RESOURCES: &str =
    "pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy, nodes/proxy";

/// Returns the template of the configuration, with the slots `client`, `namespace` and `labels`.
///
/// There are four webhooks, so that an outage blocks no more than is asked for: workloads in
/// namespaces that ask for `Fail`, workloads elsewhere, everything else, and ControlBindings. If a
/// failure policy is given, one webhook with that failure policy replaces the first two. The others
/// never block.
pub(crate) fn template(options: &InstallOptions) -> String {
    let mut workload_kinds: BTreeSet<Kind> =
        KindSelector::Workloads.all_kinds().into_iter().collect();
    let custom_kinds = options.workloads.rows().iter().map(|row| row.kind.clone());
    workload_kinds.extend(custom_kinds.filter(|kind| options.kinds.contains(kind)));
    let rules = |kinds: &BTreeSet<Kind>, are_workloads| {
        object_rules(
            &resources_by_group(kinds, &options.workloads),
            are_workloads,
        )
    };
    let other_kinds = &options.kinds - &workload_kinds;
    let workload_rules = rules(&workload_kinds, true);
    let other_rules = rules(&other_kinds, false) + &rule("", "CONNECT", CONNECT_RESOURCES);
    let mut webhooks = match options.failure_policy {
        Some(policy) => workload_webhook(policy).template(&workload_rules),
        None => STRICT.template(&workload_rules) + &LENIENT.template(&workload_rules),
    };
    webhooks += &OTHER.template(&other_rules);
    webhooks += &BINDINGS.template(&rule("kubevet.io", "CREATE, UPDATE", "controlbindings"));
    render(
        include_str!("../templates/webhook/configuration.yaml"),
        &Slots::from([("webhooks", webhooks)]),
    )
}

/// Returns the webhook for workloads in every namespace.
fn workload_webhook(failure_policy: FailurePolicy) -> Webhook {
    Webhook {
        // One name has one failure policy, so that a policy that the last replica relaxed is
        // restored to the webhook that had it.
        name: match failure_policy {
            FailurePolicy::Fail => STRICT_NAME,
            FailurePolicy::Ignore => LENIENT_NAME,
        },
        comment: "# Workloads in every namespace; labels have no effect.",
        failure_policy,
        label_operator: "",
    }
}

impl Webhook {
    /// Returns the template of the webhook. It leaves the slots `client` and `namespace` open.
    fn template(&self, rules: &str) -> String {
        let slots = Slots::from([
            ("comment", self.comment.to_owned()),
            ("name", self.name.to_owned()),
            ("failure-policy", self.failure_policy.name().to_owned()),
            ("failure-policy-label", self.label_expression()),
            ("rules", rules.to_owned()),
        ]);
        render(include_str!("../templates/webhook/webhook.yaml"), &slots)
    }

    fn label_expression(&self) -> String {
        if self.label_operator.is_empty() {
            return String::new();
        }
        render(
            include_str!("../templates/webhook/failure-policy-label.yaml"),
            &Slots::from([("operator", self.label_operator.to_owned())]),
        )
    }
}

/// Returns a rule for each API group.
fn object_rules(resources: &ResourcesByGroup, are_workloads: bool) -> String {
    let mut rules = String::new();
    for (group, names) in resources {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        if are_workloads && group.is_empty() {
            names.extend(POD_SUBRESOURCES);
        }
        rules += &rule(group, "CREATE, UPDATE", &names.join(", "));
    }
    rules
}

fn rule(group: &str, operations: &str, resources: &str) -> String {
    let slots = Slots::from([
        ("group", group.to_owned()),
        ("operations", operations.to_owned()),
        ("resources", resources.to_owned()),
    ]);
    render(include_str!("../templates/webhook/rule.yaml"), &slots)
}
