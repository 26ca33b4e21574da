package controls.c0041

import rego.v1

import data.lib.workload

deny contains finding if {
	workload.pod_spec.hostNetwork == true
	path := workload.pod_at("hostNetwork")
	finding := {
		"message": "the pod uses the host network, where network policies do not apply",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
