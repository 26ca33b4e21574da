# Service accounts: the account default of each namespace, and the token that a pod gets of its account.
package lib.service_accounts

import rego.v1

import data.lib.workload

is_default_account if {
	input.object.kind == "ServiceAccount"
	input.object.metadata.name == "default"
}

is_binding if input.object.kind in {"RoleBinding", "ClusterRoleBinding"}

is_default_subject(subject) if {
	subject.kind == "ServiceAccount"
	subject.name == "default"
}

# Pods get a token unless they or their account say otherwise; the account is another object. Add-ons of Kubernetes in
# kube-system call the API.
is_token_mounted if {
	not workload.pod_spec.automountServiceAccountToken == false
	not is_mirror
	not input.object.metadata.namespace == "kube-system"
}

# The API server gives no token to what shows a static pod.
is_mirror if is_string(workload.pod_metadata.annotations["kubernetes.io/config.mirror"])
