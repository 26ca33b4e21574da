package controls.c0210

import rego.v1

import data.lib.workload

# What a container says overrides what its pod says; nobody saying anything means Unconfined.
seccomp(container) := container.spec.securityContext.seccompProfile.type if is_string(container.spec.securityContext.seccompProfile.type)

else := workload.pod_spec.securityContext.seccompProfile.type if is_string(workload.pod_spec.securityContext.seccompProfile.type)

else := "Unconfined"

# The API server refuses seccompProfile on a pod for Windows.
for_windows(pod) if pod.os.name == "windows"

# Left alone below: what is asked for, and what is for people to review.
is_settled(type) if type == "RuntimeDefault"

is_settled(type) if type == "Localhost"

deny contains finding if {
	some container in workload.containers
	pod := workload.pod_spec
	not for_windows(pod)
	type := seccomp(container)
	not is_settled(type)
	path := workload.at(container, "securityContext.seccompProfile.type")
	finding := {
		"message": sprintf("container %s runs without the seccomp profile of the runtime", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": "RuntimeDefault"}],
	}
}

# A profile that somebody chose is for them to review, not for us to replace.
deny contains finding if {
	some container in workload.containers
	seccomp(container) == "Localhost"
	finding := {
		"message": sprintf("container %s has a seccomp profile of its own instead of the runtime's", [container.name]),
		"paths": [workload.at(container, "securityContext.seccompProfile.type")],
		"fixes": [],
	}
}
