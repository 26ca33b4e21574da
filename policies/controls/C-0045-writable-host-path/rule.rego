package controls.c0045

import rego.v1

import data.lib.collections
import data.lib.workload

# The default of readOnly is false.
is_read_only(mount) if mount.readOnly == true

deny contains finding if {
	some volume in workload.volumes
	is_object(volume.spec.hostPath)
	some container in workload.containers
	some i, mount in collections.list(object.get(container.spec, ["volumeMounts"], []))
	mount.name == volume.name
	not is_read_only(mount)
	path := workload.at(container, sprintf("volumeMounts[%d].readOnly", [i]))
	finding := {
		"message": sprintf("container %s can write to files of the node through volume %s", [container.name, volume.name]),
		"paths": [path, volume.path],
		"fixes": [{"path": path, "value": true}],
	}
}
