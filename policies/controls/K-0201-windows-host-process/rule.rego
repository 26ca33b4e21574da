package controls.k0201

import rego.v1

import data.lib.workload

deny contains finding if {
	workload.pod_spec.securityContext.windowsOptions.hostProcess == true
	path := workload.pod_at("securityContext.windowsOptions.hostProcess")
	finding := {
		"message": "the pod runs as processes of its Windows node",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}

deny contains finding if {
	some container in workload.containers
	container.spec.securityContext.windowsOptions.hostProcess == true
	path := workload.at(container, "securityContext.windowsOptions.hostProcess")
	finding := {
		"message": sprintf("container %s runs as a process of its Windows node", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
