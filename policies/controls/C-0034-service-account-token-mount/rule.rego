package controls.c0034

import rego.v1

import data.lib.service_accounts
import data.lib.workload

deny contains finding if {
	service_accounts.is_token_mounted
	path := workload.pod_at("automountServiceAccountToken")
	finding := {
		"message": "the pod spec does not refuse a token of the service account",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
