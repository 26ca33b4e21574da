package controls.c0050

import rego.v1

import data.lib.quantities
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
	not resources.is_requested(spec, "cpu")
	not resources.is_requested(pod, "cpu")
	finding := {
		"message": sprintf("container %s has no CPU request: on a busy node it may get almost no CPU time", [container.name]),
		"paths": [workload.at(container, "resources.requests.cpu")],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.cpu_limit_max
	some container in workload.resource_containers
	value := resources.effective_limit(container, "cpu")
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s has a CPU limit above the maximum, %s", [container.name, most]),
		"paths": [resources.effective_limit_path(container, "cpu")],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.cpu_limit_min
	least != "0"
	some container in workload.resource_containers
	value := resources.effective_limit(container, "cpu")
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s has a CPU limit below the minimum, %s", [container.name, least]),
		"paths": [resources.effective_limit_path(container, "cpu")],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.cpu_request_max
	some container in workload.resource_containers
	value := resources.effective_request(container, "cpu")
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s requests more CPU than the maximum, %s", [container.name, most]),
		"paths": [resources.effective_request_path(container, "cpu")],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.cpu_request_min
	least != "0"
	some container in workload.resource_containers
	value := resources.effective_request(container, "cpu")
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s requests less CPU than the minimum, %s", [container.name, least]),
		"paths": [resources.effective_request_path(container, "cpu")],
		"fixes": [],
	}
}
