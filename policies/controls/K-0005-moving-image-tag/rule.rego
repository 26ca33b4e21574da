package controls.k0005

import rego.v1

import data.lib.images
import data.lib.workload

is_moving(tag) if tag == "latest"

is_moving(tag) if tag in input.params.floatingImageTags

# A digest fixes the image, whatever tag stands beside it.
is_moving_image(image) if {
	is_moving(images.effective_tag(image))
	images.digest(image) == ""
}

written_tag(image) := "has no tag, so it is the latest one" if images.tag(image) == ""

else := sprintf("has the tag %s, which moves from image to image", [images.tag(image)])

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	is_moving_image(image)
	finding := {
		"message": sprintf("the image of container %s %s", [container.name, written_tag(image)]),
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
		"message": sprintf("the image of volume %s %s", [volume.name, written_tag(image)]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
