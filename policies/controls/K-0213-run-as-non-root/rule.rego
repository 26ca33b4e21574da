package controls.k0213

import rego.v1

import data.lib.pod_security
import data.lib.workload

decides(container) if is_boolean(container.spec.securityContext.runAsNonRoot)

is_non_root(container) if container.spec.securityContext.runAsNonRoot == true

is_non_root(container) if {
	not decides(container)
	workload.pod_spec.securityContext.runAsNonRoot == true
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_exempt_user_namespace(version)
	some container in workload.containers
	not is_non_root(container)
	path := workload.at(container, "securityContext.runAsNonRoot")
	finding := {
		"message": sprintf("container %s may run as root (runAsNonRoot is not true)", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": true}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_exempt_user_namespace(version)
	workload.pod_spec.securityContext.runAsNonRoot == false
	path := workload.pod_at("securityContext.runAsNonRoot")
	finding := {
		"message": "the pod lets its containers run as root (runAsNonRoot is false)",
		"paths": [path],
		"fixes": [{"path": path, "value": true}],
	}
}
