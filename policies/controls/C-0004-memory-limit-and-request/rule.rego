package controls.c0004

import rego.v1

import data.lib.quantities
import data.lib.workload

# Zero is neither a limit nor a request. `spec` is a container or the pod: both keep their resources at the same place.
limited(spec) if quantities.is_positive(object.get(spec, ["resources", "limits", "memory"], "0"))

asks(spec) if quantities.is_positive(object.get(spec, ["resources", "requests", "memory"], "0"))

# Kubernetes fills in a missing request from the limit.
asks_its_limit(spec) if {
	not spec.resources.requests.memory
	limited(spec)
}

requested(spec) if asks(spec)

requested(spec) if asks_its_limit(spec)

# What holds the container: its own limit, else its pod's.
limit(container) := object.get(container.spec, ["resources", "limits", "memory"], "0") if limited(container.spec)

else := object.get(workload.pod_spec, ["resources", "limits", "memory"], "0") if limited(workload.pod_spec)

limit_path(container) := workload.at(container, "resources.limits.memory") if limited(container.spec)

else := workload.pod_at("resources.limits.memory")

# What is reserved for the container: its own request, else its own limit, else what its pod requests.
request(container) := object.get(container.spec, ["resources", "requests", "memory"], "0") if asks(container.spec)

else := object.get(container.spec, ["resources", "limits", "memory"], "0") if asks_its_limit(container.spec)

else := object.get(workload.pod_spec, ["resources", "requests", "memory"], "0") if asks(workload.pod_spec)

request_path(container) := workload.at(container, "resources.requests.memory") if asks(container.spec)

else := workload.at(container, "resources.limits.memory") if asks_its_limit(container.spec)

else := workload.pod_at("resources.requests.memory")

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not limited(spec)
	not limited(pod)
	finding := {
		"message": sprintf("container %s has no memory limit: it may take all the memory of its node", [container.name]),
		"paths": [workload.at(container, "resources.limits.memory")],
		"fixes": [],
	}
}

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not requested(spec)
	not requested(pod)
	finding := {
		"message": sprintf("container %s requests no memory: it may be put on a node that is already full, and is among the first to be evicted", [container.name]),
		"paths": [workload.at(container, "resources.requests.memory")],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.memory_limit_max
	some container in workload.resource_containers
	value := limit(container)
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s has a memory limit over the highest allowed, %s", [container.name, most]),
		"paths": [limit_path(container)],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.memory_limit_min
	least != "0"
	some container in workload.resource_containers
	value := limit(container)
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s has a memory limit under the lowest allowed, %s", [container.name, least]),
		"paths": [limit_path(container)],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.memory_request_max
	some container in workload.resource_containers
	value := request(container)
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s requests more memory than the most allowed, %s", [container.name, most]),
		"paths": [request_path(container)],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.memory_request_min
	least != "0"
	some container in workload.resource_containers
	value := request(container)
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s requests less memory than the least allowed, %s", [container.name, least]),
		"paths": [request_path(container)],
		"fixes": [],
	}
}
