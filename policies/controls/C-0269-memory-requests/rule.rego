package controls.c0269

import rego.v1

import data.lib.quantities
import data.lib.workload

asks(spec) if quantities.is_positive(object.get(spec, ["resources", "requests", "memory"], "0"))

# Kubernetes fills in a missing request from the limit.
asks(spec) if {
	not spec.resources.requests.memory
	quantities.is_positive(object.get(spec, ["resources", "limits", "memory"], "0"))
}

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not asks(spec)
	not asks(pod)
	finding := {
		"message": sprintf("container %s requests no memory: it may be put on a node that is already full, and is among the first to be evicted", [container.name]),
		"paths": [workload.at(container, "resources.requests.memory")],
		"fixes": [],
	}
}
