package controls.k0203

import rego.v1

import data.lib.collections
import data.lib.workload

# The names are compared as they are written.
is_default(capability) if {
	capability in {
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
		"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
}

deny contains finding if {
	some container in workload.containers
	added := object.get(container.spec, ["securityContext", "capabilities", "add"], [])
	some i, capability in collections.list(added)
	is_string(capability)
	not is_default(capability)
	path := workload.at(container, sprintf("securityContext.capabilities.add[%d]", [i]))
	finding := {
		"message": sprintf("container %s adds the capability %s, which is not in the default set", [container.name, capability]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
