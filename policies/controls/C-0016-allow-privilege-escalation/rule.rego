package controls.c0016

import rego.v1

import data.lib.workload

# The API server refuses allowPrivilegeEscalation and privileged on a pod for Windows.
for_windows(pod) if pod.os.name == "windows"

forbids_escalation(spec) if spec.securityContext.allowPrivilegeEscalation == false

deny contains finding if {
	some container in workload.containers
	spec := container.spec
	pod := workload.pod_spec
	not for_windows(pod)
	not forbids_escalation(spec)
	path := workload.at(container, "securityContext.allowPrivilegeEscalation")
	finding := {
		"message": sprintf("container %s lets its programs gain more rights than they start with", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}

# Whatever allowPrivilegeEscalation says.
deny contains finding if {
	some container in workload.containers
	container.spec.securityContext.privileged == true
	path := workload.at(container, "securityContext.privileged")
	finding := {
		"message": sprintf("container %s is privileged, so its programs can gain every right", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": false}],
	}
}
