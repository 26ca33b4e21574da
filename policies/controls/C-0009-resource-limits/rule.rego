package controls.c0009

import rego.v1

import data.lib.quantities
import data.lib.workload

# A limit of zero is none to the kubelet. `spec` is a container or the pod: both keep their limits at the same place.
limited_cpu(spec) if quantities.is_positive(object.get(spec, ["resources", "limits", "cpu"], "0"))

limited_memory(spec) if quantities.is_positive(object.get(spec, ["resources", "limits", "memory"], "0"))

deny contains finding if {
	some container in workload.resource_containers
	spec := container.spec
	pod := workload.pod_spec
	not limited_cpu(spec)
	not limited_cpu(pod)
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
	not limited_memory(spec)
	not limited_memory(pod)
	finding := {
		"message": sprintf("container %s has no memory limit: it may take all the memory of its node", [container.name]),
		"paths": [workload.at(container, "resources.limits.memory")],
		"fixes": [],
	}
}
