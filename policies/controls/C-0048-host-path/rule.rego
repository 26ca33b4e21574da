package controls.c0048

import rego.v1

import data.lib.collections
import data.lib.workload

deny contains finding if {
	some volume in workload.volumes
	is_object(volume.spec.hostPath)
	not workload.is_mounted(volume)
	finding := {
		"message": sprintf("volume %s is a hostPath volume", [volume.name]),
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
		"message": sprintf("container %s mounts the hostPath volume %s", [container.name, volume.name]),
		"paths": [volume.path, workload.at(container, sprintf("volumeMounts[%d]", [i]))],
		"fixes": [],
	}
}
