package controls.k0212

import rego.v1

import data.lib.pod_security
import data.lib.workload

forbids_escalation(spec) if spec.securityContext.allowPrivilegeEscalation == false

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.8")
	not pod_security.is_exempt_windows(version)
	some container in workload.containers
	spec := container.spec
	not forbids_escalation(spec)
	path := workload.at(container, "securityContext.allowPrivilegeEscalation")
	finding := {
		"message": sprintf("container %s allows privilege escalation (allowPrivilegeEscalation is not false)", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
