package controls.k0209

import rego.v1

import data.lib.collections
import data.lib.pod_security
import data.lib.workload

deny contains finding if {
	version := input.params.podSecurityVersion
	sysctls := object.get(workload.pod_spec, ["securityContext", "sysctls"], [])
	some i, sysctl in collections.list(sysctls)
	name := pod_security.sysctl_name(sysctl)
	not pod_security.is_safe_sysctl(name, version)
	path := workload.pod_at(sprintf("securityContext.sysctls[%d]", [i]))
	finding := {
		"message": sprintf("the pod sets the sysctl %s, which is not a safe one", [name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
