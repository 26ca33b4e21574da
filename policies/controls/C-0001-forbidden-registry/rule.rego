package controls.c0001

import rego.v1

import data.lib.images
import data.lib.workload

is_forbidden(image) if {
	some pattern in input.params.untrustedRegistries
	images.within(image, pattern)
}

is_forbidden(image) if {
	some pattern in input.params.publicRegistries
	images.within(image, pattern)
}

deny contains finding if {
	some container in workload.containers
	is_forbidden(container.spec.image)
	finding := {
		"message": sprintf("container %s uses an image from the forbidden registry %s", [container.name, images.registry(container.spec.image)]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	is_forbidden(volume.spec.image.reference)
	finding := {
		"message": sprintf("volume %s uses an image from the forbidden registry %s", [volume.name, images.registry(volume.spec.image.reference)]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
