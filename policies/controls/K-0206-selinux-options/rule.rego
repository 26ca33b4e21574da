package controls.k0206

import rego.v1

import data.lib.pod_security
import data.lib.workload

is_accepted_type(type, _) if type in {"", "container_t", "container_init_t", "container_kvm_t"}

is_accepted_type(type, version) if {
	type == "container_engine_t"
	not pod_security.is_before(version, "v1.31")
}

is_set(value) if {
	is_string(value)
	value != ""
}

deny contains finding if {
	version := input.params.podSecurityVersion
	type := workload.pod_spec.securityContext.seLinuxOptions.type
	is_string(type)
	not is_accepted_type(type, version)
	path := workload.pod_at("securityContext.seLinuxOptions.type")
	finding := {
		"message": "the pod sets an SELinux type that is not one of containers",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	user := workload.pod_spec.securityContext.seLinuxOptions.user
	is_set(user)
	path := workload.pod_at("securityContext.seLinuxOptions.user")
	finding := {
		"message": "the pod sets an SELinux user",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	role := workload.pod_spec.securityContext.seLinuxOptions.role
	is_set(role)
	path := workload.pod_at("securityContext.seLinuxOptions.role")
	finding := {
		"message": "the pod sets an SELinux role",
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	version := input.params.podSecurityVersion
	some container in workload.containers
	type := container.spec.securityContext.seLinuxOptions.type
	is_string(type)
	not is_accepted_type(type, version)
	path := workload.at(container, "securityContext.seLinuxOptions.type")
	finding := {
		"message": sprintf("container %s sets an SELinux type that is not one of containers", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	some container in workload.containers
	user := container.spec.securityContext.seLinuxOptions.user
	is_set(user)
	path := workload.at(container, "securityContext.seLinuxOptions.user")
	finding := {
		"message": sprintf("container %s sets an SELinux user", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}

deny contains finding if {
	some container in workload.containers
	role := container.spec.securityContext.seLinuxOptions.role
	is_set(role)
	path := workload.at(container, "securityContext.seLinuxOptions.role")
	finding := {
		"message": sprintf("container %s sets an SELinux role", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "remove": true}],
	}
}
