package controls.c0275

import rego.v1

import data.lib.workload

deny contains finding if {
	workload.pod_spec.hostPID == true
	path := workload.pod_at("hostPID")
	finding := {
		"message": "the pod uses the host PID namespace: it sees and can signal every process of its node",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
