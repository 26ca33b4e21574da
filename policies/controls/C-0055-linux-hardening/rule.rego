package controls.c0055

import rego.v1

import data.lib.workload

is_confined(container) if {
	some type in ["Localhost", "RuntimeDefault"]
	workload.seccomp_type(container) == type
}

# The API server refuses seccompProfile on a Windows pod.
deny contains finding if {
	some container in workload.containers
	not workload.is_windows
	not is_confined(container)
	path := workload.at(container, "securityContext.seccompProfile")
	finding := {
		"message": sprintf("container %s may make any system call: no seccomp profile holds it", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": {"type": "RuntimeDefault"}}],
	}
}
