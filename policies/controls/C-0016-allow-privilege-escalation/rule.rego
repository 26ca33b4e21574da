package controls.c0016

import rego.v1

import data.lib.security_context
import data.lib.workload

# The API server refuses allowPrivilegeEscalation and privileged on a Windows pod.
deny contains finding if {
	some container in workload.containers
	spec := container.spec
	not workload.is_windows
	not security_context.forbids_escalation(spec)
	path := workload.at(container, "securityContext.allowPrivilegeEscalation")
	finding := {
		"message": sprintf("container %s allows privilege escalation (allowPrivilegeEscalation is not false)", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}

# A privileged container gains every right, whatever the value of allowPrivilegeEscalation.
deny contains finding if {
	some container in workload.containers
	container.spec.securityContext.privileged == true
	path := workload.at(container, "securityContext.privileged")
	finding := {
		"message": sprintf("container %s is privileged, so its programs can escalate their privileges", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
