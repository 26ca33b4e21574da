package controls.c0001

import rego.v1

import data.lib.images
import data.lib.workload

forbidden(image) if {
	some place in input.params.untrustedRegistries
	images.within(image, place)
}

forbidden(image) if {
	some place in input.params.publicRegistries
	images.within(image, place)
}

deny contains finding if {
	some container in workload.containers
	forbidden(container.spec.image)
	finding := {
		"message": sprintf("container %s takes its image from %s, which is a forbidden registry", [container.name, images.registry(container.spec.image)]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# A volume can be an image too.
deny contains finding if {
	some volume in workload.volumes
	forbidden(volume.spec.image.reference)
	finding := {
		"message": sprintf("volume %s takes its image from %s, which is a forbidden registry", [volume.name, images.registry(volume.spec.image.reference)]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
