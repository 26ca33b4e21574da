package controls.c0017

import rego.v1

import data.lib.security_context
import data.lib.workload

# The API server refuses readOnlyRootFilesystem on a Windows pod.
deny contains finding if {
	some container in workload.containers
	spec := container.spec
	not workload.is_windows
	not security_context.is_read_only(spec)
	path := workload.at(container, "securityContext.readOnlyRootFilesystem")
	finding := {
		"message": sprintf("container %s can write to its root filesystem", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": true}],
	}
}
