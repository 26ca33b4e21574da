package controls.c0055

import rego.v1

import data.lib.security_context
import data.lib.workload

# The API server refuses seccompProfile on a Windows pod.
deny contains finding if {
	some container in workload.containers
	not workload.is_windows
	not security_context.is_confined(container)
	path := workload.at(container, "securityContext.seccompProfile")
	finding := {
		"message": sprintf("container %s has no seccomp profile: it can make every system call", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": {"type": "RuntimeDefault"}}],
	}
}

# The runtime applies no seccomp profile to a privileged container, whatever is written.
deny contains finding if {
	some container in workload.containers
	not workload.is_windows
	container.spec.securityContext.privileged == true
	path := workload.at(container, "securityContext.privileged")
	finding := {
		"message": sprintf("container %s is privileged, so no seccomp profile applies to it", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
