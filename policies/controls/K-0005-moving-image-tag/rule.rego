package controls.k0005

import rego.v1

import data.lib.images
import data.lib.workload

is_moving(tag) if tag == "latest"

is_moving(tag) if tag in input.params.floatingImageTags

# A digest fixes the image, whatever tag stands beside it.
is_moving_image(image) if {
	is_string(image)
	is_moving(images.effective_tag(image))
	images.digest(image) == ""
}

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	is_moving_image(image)
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
	is_moving_image(image)
	finding := {
		"message": sprintf("image %s of volume %s has no fixed tag", [image, volume.name]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
