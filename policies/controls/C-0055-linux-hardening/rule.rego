package controls.c0055

import rego.v1

import data.lib.workload

# What a container says overrides what its pod says; nobody saying anything means Unconfined.
seccomp(container) := container.spec.securityContext.seccompProfile.type if is_string(container.spec.securityContext.seccompProfile.type)

else := workload.pod_spec.securityContext.seccompProfile.type if is_string(workload.pod_spec.securityContext.seccompProfile.type)

else := "Unconfined"

# The API server refuses seccompProfile on a pod for Windows.
for_windows(pod) if pod.os.name == "windows"

is_confined(container) if {
	some type in ["Localhost", "RuntimeDefault"]
	seccomp(container) == type
}

deny contains finding if {
	some container in workload.containers
	pod := workload.pod_spec
	not for_windows(pod)
	not is_confined(container)
	path := workload.at(container, "securityContext.seccompProfile")
	finding := {
		"message": sprintf("container %s may make any system call: no seccomp profile holds it", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": {"type": "RuntimeDefault"}}],
	}
}
