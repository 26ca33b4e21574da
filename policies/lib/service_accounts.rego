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

# Add-ons of Kubernetes in kube-system call the API. The API server gives no token to the mirror of a static pod.
may_refuse_token if {
	not is_mirror
	not input.object.metadata.namespace == "kube-system"
}

is_mirror if is_string(workload.pod_metadata.annotations["kubernetes.io/config.mirror"])
