package controls.c0211

import rego.v1

import data.lib.capabilities
import data.lib.collections
import data.lib.pod_security
import data.lib.security_context
import data.lib.workload

deny contains finding if {
	some container in workload.containers
	security_context.may_run_on_linux
	security_context.user(container) == 0
	path := workload.at(container, "securityContext.runAsUser")
	finding := {
		"message": sprintf("container %s runs as root", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": 1000}],
	}
}

deny contains finding if {
	some container in workload.containers
	security_context.may_run_on_linux
	security_context.group_is_root(container)
	path := workload.at(container, "securityContext.runAsGroup")
	finding := {
		"message": sprintf("container %s may run with group root (GID 0)", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": 1000}],
	}
}

deny contains finding if {
	some container in workload.containers
	security_context.may_run_on_linux
	security_context.image_decides(container)
	path := workload.at(container, "securityContext.runAsNonRoot")
	finding := {
		"message": sprintf("container %s may run as root", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": true}],
	}
}

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

deny contains finding if {
	some container in workload.containers
	spec := container.spec
	not workload.is_windows
	not security_context.is_read_only(spec)
	path := workload.at(container, "securityContext.readOnlyRootFilesystem")
	finding := {
		"message": sprintf("container %s can write to its root filesystem", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": true}],
	}
}

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

deny contains finding if {
	some container in workload.containers
	container.spec.securityContext.privileged == true
	path := workload.at(container, "securityContext.privileged")
	finding := {
		"message": sprintf("container %s is privileged: it can do everything that the node can", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}

is_net_raw(capability) if {
	some name in ["all", "net_raw"]
	capabilities.normalize(capability) == name
}

lists_net_raw(container, list) if {
	some capability in collections.list(object.get(container.spec, ["securityContext", "capabilities", list], []))
	is_string(capability)
	is_net_raw(capability)
}

# A container has NET_RAW unless it drops it.
deny contains finding if {
	some container in workload.containers
	not workload.is_windows
	not lists_net_raw(container, "drop")
	finding := {
		"message": sprintf("container %s keeps the capability NET_RAW: it can forge packets", [container.name]),
		"paths": [workload.at(container, "securityContext.capabilities.drop")],
		"fixes": [],
	}
}

# A capability that is dropped and added is there.
deny contains finding if {
	some container in workload.containers
	added := object.get(container.spec, ["securityContext", "capabilities", "add"], [])
	some i, capability in collections.list(added)
	is_string(capability)
	is_net_raw(capability)
	path := workload.at(container, sprintf("securityContext.capabilities.add[%d]", [i]))
	finding := {
		"message": sprintf("container %s adds the capability %s: it can forge packets", [container.name, capability]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
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

deny contains finding if {
	groups := object.get(workload.pod_spec, ["securityContext", "supplementalGroups"], [])
	some i, group in collections.list(groups)
	group == 0
	path := workload.pod_at(sprintf("securityContext.supplementalGroups[%d]", [i]))
	finding := {
		"message": "the containers of the pod belong to the group root (GID 0)",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	some container in workload.containers
	container.spec.securityContext.windowsOptions.hostProcess == true
	path := workload.at(container, "securityContext.windowsOptions.hostProcess")
	finding := {
		"message": sprintf("container %s runs as a process of its Windows node", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}

deny contains finding if {
	workload.pod_spec.securityContext.windowsOptions.hostProcess == true
	path := workload.pod_at("securityContext.windowsOptions.hostProcess")
	finding := {
		"message": "the pod runs as processes of its Windows node",
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
