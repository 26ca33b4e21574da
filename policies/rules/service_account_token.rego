# METADATA
# title: A pod gets a token of its service account
# custom:
#   arguments: {}
package rules.service_account_token

import rego.v1

import data.lib.workload

# Add-ons of Kubernetes in kube-system call the API. The API server gives no token to the mirror of a static pod.
applies if {
	not is_mirror
	not input.object.metadata.namespace == "kube-system"
}

is_mirror if is_string(workload.pod_metadata.annotations["kubernetes.io/config.mirror"])

# Pods get a token unless they or their account say otherwise; the account is another object.
deny contains finding if {
	not workload.pod_spec.automountServiceAccountToken == false
	path := workload.pod_at("automountServiceAccountToken")
	finding := {
		"message": "the pod spec does not refuse a token of the service account",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
