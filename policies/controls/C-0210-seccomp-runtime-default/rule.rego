package controls.c0210

import rego.v1

import data.lib.workload

# Localhost is reported by the second rule.
is_accepted_profile(type) if type == "RuntimeDefault"

is_accepted_profile(type) if type == "Localhost"

# The API server refuses seccompProfile on a Windows pod.
deny contains finding if {
	some container in workload.containers
	not workload.is_windows
	type := workload.seccomp_type(container)
	not is_accepted_profile(type)
	path := workload.at(container, "securityContext.seccompProfile.type")
	finding := {
		"message": sprintf("container %s does not have the seccomp profile RuntimeDefault", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": "RuntimeDefault"}],
	}
}

# A profile that was chosen on purpose needs a review, so there is no fix.
deny contains finding if {
	some container in workload.containers
	workload.seccomp_type(container) == "Localhost"
	finding := {
		"message": sprintf("container %s has a seccomp profile other than RuntimeDefault", [container.name]),
		"paths": [workload.at(container, "securityContext.seccompProfile.type")],
		"fixes": [],
	}
}

# The runtime applies no seccomp profile to a privileged container, whatever is written.
deny contains finding if {
	some container in workload.containers
	not workload.is_windows
	container.spec.securityContext.privileged == true
	path := workload.at(container, "securityContext.privileged")
	finding := {
		"message": sprintf("container %s is privileged, so no seccomp profile applies to it", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
