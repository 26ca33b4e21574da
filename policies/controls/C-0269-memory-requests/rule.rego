package controls.c0269

import rego.v1

import data.lib.resources
import data.lib.workload

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not resources.is_requested(spec, "memory")
	not resources.is_requested(pod, "memory")
	finding := {
		"message": sprintf("container %s has no memory request: it may land on a full node, and is among the first to be evicted", [container.name]),
		"paths": [workload.at(container, "resources.requests.memory")],
		"fixes": [],
	}
}
