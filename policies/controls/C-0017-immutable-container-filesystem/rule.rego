package controls.c0017

import rego.v1

import data.lib.workload

# The API server refuses readOnlyRootFilesystem on a pod for Windows.
for_windows(pod) if pod.os.name == "windows"

is_read_only(spec) if spec.securityContext.readOnlyRootFilesystem == true

deny contains finding if {
	some container in workload.containers
	spec := container.spec
	pod := workload.pod_spec
	not for_windows(pod)
	not is_read_only(spec)
	path := workload.at(container, "securityContext.readOnlyRootFilesystem")
	finding := {
		"message": sprintf("container %s can write to its root filesystem", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": true}],
	}
}
