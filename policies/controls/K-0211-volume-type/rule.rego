package controls.k0211

import rego.v1

import data.lib.workload

# The API server accepts one type a volume.
deny contains finding if {
	some volume in workload.volumes
	some type in [
		"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker",
		"gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "iscsi", "nfs", "photonPersistentDisk",
		"portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
	]
	is_object(object.get(volume.spec, [type], null))
	finding := {
		"message": sprintf("volume %s has the type %s", [volume.name, type]),
		"paths": [workload.at(volume, type)],
		"fixes": [],
	}
}
