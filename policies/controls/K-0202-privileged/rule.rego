package controls.k0202

import rego.v1

import data.lib.workload

deny contains finding if {
	some container in workload.containers
	container.spec.securityContext.privileged == true
	path := workload.at(container, "securityContext.privileged")
	finding := {
		"message": sprintf("container %s is privileged: it can do everything that the node can", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
