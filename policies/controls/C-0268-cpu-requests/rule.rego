package controls.c0268

import rego.v1

import data.lib.quantities
import data.lib.workload

asks(spec) if quantities.is_positive(object.get(spec, ["resources", "requests", "cpu"], "0"))

# Kubernetes fills in a missing request from the limit.
asks(spec) if {
	not spec.resources.requests.cpu
	quantities.is_positive(object.get(spec, ["resources", "limits", "cpu"], "0"))
}

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not asks(spec)
	not asks(pod)
	finding := {
		"message": sprintf("container %s requests no CPU: on a busy node it gets next to no CPU time", [container.name]),
		"paths": [workload.at(container, "resources.requests.cpu")],
		"fixes": [],
	}
}
