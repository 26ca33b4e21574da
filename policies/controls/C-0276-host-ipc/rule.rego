package controls.c0276

import rego.v1

import data.lib.workload

deny contains finding if {
	workload.pod_spec.hostIPC == true
	path := workload.pod_at("hostIPC")
	finding := {
		"message": "the pod uses the host IPC namespace: it shares memory and message queues with processes of its node",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
