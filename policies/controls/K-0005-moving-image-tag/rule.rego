package controls.k0005

import rego.v1

import data.lib.provenance
import data.lib.workload

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	provenance.is_moving_image(image, input.params.floatingImageTags)
	finding := {
		"message": sprintf("image %s of container %s has no fixed tag", [image, container.name]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	image := volume.spec.image.reference
	provenance.is_moving_image(image, input.params.floatingImageTags)
	finding := {
		"message": sprintf("image %s of volume %s has no fixed tag", [image, volume.name]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
