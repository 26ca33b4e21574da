package controls.k0216

import rego.v1

import data.lib.collections
import data.lib.pod_security
import data.lib.workload

drops_all(container) if {
	dropped := object.get(container.spec, ["securityContext", "capabilities", "drop"], [])
	some capability in collections.list(dropped)
	capability == "ALL"
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.22")
	not pod_security.is_exempt_windows(version)
	some container in workload.containers
	not drops_all(container)
	path := workload.at(container, "securityContext.capabilities.drop")
	finding := {
		"message": sprintf("container %s does not drop all capabilities", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": ["ALL"]}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	not pod_security.is_before(version, "v1.22")
	not pod_security.is_exempt_windows(version)
	some container in workload.containers
	added := object.get(container.spec, ["securityContext", "capabilities", "add"], [])
	some i, capability in collections.list(added)
	is_string(capability)
	capability != "NET_BIND_SERVICE"
	path := workload.at(container, sprintf("securityContext.capabilities.add[%d]", [i]))
	finding := {
		"message": sprintf("container %s adds the capability %s", [container.name, capability]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
