package controls.c0050

import rego.v1

import data.lib.quantities
import data.lib.workload

# Zero is neither a limit nor a request. `spec` is a container or the pod: both keep their resources at the same place.
limited(spec) if quantities.is_positive(object.get(spec, ["resources", "limits", "cpu"], "0"))

asks(spec) if quantities.is_positive(object.get(spec, ["resources", "requests", "cpu"], "0"))

# Kubernetes fills in a missing request from the limit.
asks_its_limit(spec) if {
	not spec.resources.requests.cpu
	limited(spec)
}

requested(spec) if asks(spec)

requested(spec) if asks_its_limit(spec)

# What holds the container: its own limit, else its pod's.
limit(container) := object.get(container.spec, ["resources", "limits", "cpu"], "0") if limited(container.spec)

else := object.get(workload.pod_spec, ["resources", "limits", "cpu"], "0") if limited(workload.pod_spec)

limit_path(container) := workload.at(container, "resources.limits.cpu") if limited(container.spec)

else := workload.pod_at("resources.limits.cpu")

# What is reserved for the container: its own request, else its own limit, else what its pod requests.
request(container) := object.get(container.spec, ["resources", "requests", "cpu"], "0") if asks(container.spec)

else := object.get(container.spec, ["resources", "limits", "cpu"], "0") if asks_its_limit(container.spec)

else := object.get(workload.pod_spec, ["resources", "requests", "cpu"], "0") if asks(workload.pod_spec)

request_path(container) := workload.at(container, "resources.requests.cpu") if asks(container.spec)

else := workload.at(container, "resources.limits.cpu") if asks_its_limit(container.spec)

else := workload.pod_at("resources.requests.cpu")

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not limited(spec)
	not limited(pod)
	finding := {
		"message": sprintf("container %s has no CPU limit: it may take all the CPU time of its node", [container.name]),
		"paths": [workload.at(container, "resources.limits.cpu")],
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
		"message": sprintf("container %s requests no CPU: on a busy node it gets next to no CPU time", [container.name]),
		"paths": [workload.at(container, "resources.requests.cpu")],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.cpu_limit_max
	some container in workload.resource_containers
	value := limit(container)
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s has a CPU limit over the highest allowed, %s", [container.name, most]),
		"paths": [limit_path(container)],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.cpu_limit_min
	least != "0"
	some container in workload.resource_containers
	value := limit(container)
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s has a CPU limit under the lowest allowed, %s", [container.name, least]),
		"paths": [limit_path(container)],
		"fixes": [],
	}
}

deny contains finding if {
	some most in input.params.cpu_request_max
	some container in workload.resource_containers
	value := request(container)
	quantities.less(most, value)
	finding := {
		"message": sprintf("container %s requests more CPU than the most allowed, %s", [container.name, most]),
		"paths": [request_path(container)],
		"fixes": [],
	}
}

deny contains finding if {
	some least in input.params.cpu_request_min
	least != "0"
	some container in workload.resource_containers
	value := request(container)
	quantities.less(value, least)
	finding := {
		"message": sprintf("container %s requests less CPU than the least allowed, %s", [container.name, least]),
		"paths": [request_path(container)],
		"fixes": [],
	}
}
