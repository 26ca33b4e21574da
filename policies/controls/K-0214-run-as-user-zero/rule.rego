package controls.k0214

import rego.v1

import data.lib.pod_security
import data.lib.workload

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.23")
	not pod_security.is_exempt_user_namespace(version)
	workload.pod_spec.securityContext.runAsUser == 0
	path := workload.pod_at("securityContext.runAsUser")
	finding := {
		"message": "the pod runs its containers as root",
		"paths": [path],
		"fixes": [{"path": path, "value": 1000}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.23")
	not pod_security.is_exempt_user_namespace(version)
	some container in workload.containers
	container.spec.securityContext.runAsUser == 0
	path := workload.at(container, "securityContext.runAsUser")
	finding := {
		"message": sprintf("container %s runs as root", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": 1000}],
	}
}
