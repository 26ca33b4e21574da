package controls.c0294

import rego.v1

import data.lib.workload

is_name(account) if {
	is_string(account)
	account != ""
}

deny contains finding if {
	old := workload.pod_spec.serviceAccount
	is_name(old)
	current := workload.pod_spec.serviceAccountName
	is_name(current)
	old != current
	path := workload.pod_at("serviceAccount")
	finding := {
		"message": sprintf("the pod runs as the service account %s: Kubernetes ignores serviceAccount, which names %s", [current, old]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

# Kubernetes takes the old field where the new one is missing.
deny contains finding if {
	old := workload.pod_spec.serviceAccount
	is_name(old)
	current := object.get(workload.pod_spec, ["serviceAccountName"], "")
	not is_name(current)
	path := workload.pod_at("serviceAccount")
	finding := {
		"message": sprintf("the pod names the service account %s in the deprecated field serviceAccount", [old]),
		"paths": [path],
		"fixes": [
			{"path": workload.pod_at("serviceAccountName"), "value": old},
			{"path": path, "remove": true},
		],
	}
}
