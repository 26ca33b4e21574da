package controls.k0207

import rego.v1

import data.lib.pod_security
import data.lib.workload

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_exempt_user_namespace(version)
	some container in workload.containers
	mount := container.spec.securityContext.procMount
	is_string(mount)
	mount != "Default"
	path := workload.at(container, "securityContext.procMount")
	finding := {
		"message": sprintf("container %s sees parts of /proc that the runtime hides (procMount is not Default)", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": "Default"}],
	}
}
