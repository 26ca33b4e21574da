package controls.k0149

import rego.v1

import data.lib.quantities
import data.lib.resources
import data.lib.workload

# The size of the volume is then the limit of the pod, which is known only if each container has one.
has_unlimited_container if {
	some container in workload.resource_containers
	not resources.has_limit(container.spec, "memory")
}

has_limited_pod if resources.has_limit(workload.pod_spec, "memory")

deny contains finding if {
	some volume in workload.volumes
	volume.spec.emptyDir.medium == "Memory"
	limit := object.get(volume.spec, ["emptyDir", "sizeLimit"], "0")
	not quantities.is_positive(limit)
	not has_limited_pod
	has_unlimited_container
	finding := {
		"message": sprintf("volume %s may use all memory of the node", [volume.name]),
		"paths": [workload.at(volume, "emptyDir.sizeLimit"), volume.path],
		"fixes": [],
	}
}
