package controls.c0270

import rego.v1

import data.lib.quantities
import data.lib.workload

# A limit of zero is none to the kubelet. `spec` is a container or the pod: both keep their limits at the same place.
limited(spec) if quantities.is_positive(object.get(spec, ["resources", "limits", "cpu"], "0"))

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
