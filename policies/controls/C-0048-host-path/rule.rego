package controls.c0048

import rego.v1

import data.lib.collections
import data.lib.workload

deny contains finding if {
	some volume in workload.volumes
	is_object(volume.spec.hostPath)
	not workload.is_mounted(volume)
	finding := {
		"message": sprintf("volume %s is a path of the node", [volume.name]),
		"paths": [volume.path],
		"fixes": [],
	}
}

deny contains finding if {
	some volume in workload.volumes
	is_object(volume.spec.hostPath)
	some container in workload.containers
	some i, mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
	finding := {
		"message": sprintf("container %s mounts volume %s, which is a path of the node", [container.name, volume.name]),
		"paths": [volume.path, workload.at(container, sprintf("volumeMounts[%d]", [i]))],
		"fixes": [],
	}
}
