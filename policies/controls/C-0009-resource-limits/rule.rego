package controls.c0009

import rego.v1

import data.lib.resources
import data.lib.workload

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not resources.has_limit(spec, "cpu")
	not resources.has_limit(pod, "cpu")
	finding := {
		"message": sprintf("container %s has no CPU limit: it can use all the CPU time of its node", [container.name]),
		"paths": [workload.at(container, "resources.limits.cpu")],
		"fixes": [],
	}
}

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
