package controls.c0271

import rego.v1

import data.lib.resources
import data.lib.workload

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not resources.has_limit(spec, "memory")
	not resources.has_limit(pod, "memory")
	finding := {
		"message": sprintf("container %s has no memory limit: it can use all the memory of its node", [container.name]),
		"paths": [workload.at(container, "resources.limits.memory")],
		"fixes": [],
	}
}
