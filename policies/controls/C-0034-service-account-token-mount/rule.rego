package controls.c0034

import rego.v1

import data.lib.service_accounts
import data.lib.workload

applies if service_accounts.may_refuse_token

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
