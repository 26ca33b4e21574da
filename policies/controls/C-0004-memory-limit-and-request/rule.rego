package controls.c0004

import rego.v1

import data.lib.quantities
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

deny contains finding if {
	some most in input.params.memory_limit_max
	some container in workload.resource_containers
	value := resources.effective_limit(container, "memory")
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s has a memory limit above the maximum, %s", [container.name, most]),
		"paths": [resources.effective_limit_path(container, "memory")],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.memory_limit_min
	least != "0"
	some container in workload.resource_containers
	value := resources.effective_limit(container, "memory")
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s has a memory limit below the minimum, %s", [container.name, least]),
		"paths": [resources.effective_limit_path(container, "memory")],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.memory_request_max
	some container in workload.resource_containers
	value := resources.effective_request(container, "memory")
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s requests more memory than the maximum, %s", [container.name, most]),
		"paths": [resources.effective_request_path(container, "memory")],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.memory_request_min
	least != "0"
	some container in workload.resource_containers
	value := resources.effective_request(container, "memory")
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s requests less memory than the minimum, %s", [container.name, least]),
		"paths": [resources.effective_request_path(container, "memory")],
		"fixes": [],
	}
}
