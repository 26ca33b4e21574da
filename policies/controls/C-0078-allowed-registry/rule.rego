package controls.c0078

import rego.v1

import data.lib.images
import data.lib.provenance
import data.lib.workload

deny contains finding if {
	some container in workload.containers
	provenance.is_not_allowed(container.spec.image, input.params.imageRepositoryAllowList)
	finding := {
		"message": sprintf("container %s uses an image from %s, which is not allowed", [container.name, images.name(container.spec.image)]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	provenance.is_not_allowed(volume.spec.image.reference, input.params.imageRepositoryAllowList)
	finding := {
		"message": sprintf("volume %s uses an image from %s, which is not allowed", [volume.name, images.name(volume.spec.image.reference)]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
