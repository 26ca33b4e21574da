package controls.c0268

import rego.v1

import data.lib.resources
import data.lib.workload

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not resources.is_requested(spec, "cpu")
	not resources.is_requested(pod, "cpu")
	finding := {
		"message": sprintf("container %s has no CPU request: on a busy node it may get almost no CPU time", [container.name]),
		"paths": [workload.at(container, "resources.requests.cpu")],
		"fixes": [],
	}
}
