package controls.k0006

import rego.v1

import data.lib.images
import data.lib.workload

lacks_digest(image) if {
	is_string(image)
	image != ""
	images.digest(image) == ""
}

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	lacks_digest(image)
	finding := {
		"message": sprintf("image %s of container %s has no digest", [image, container.name]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	image := volume.spec.image.reference
	lacks_digest(image)
	finding := {
		"message": sprintf("image %s of volume %s has no digest", [image, volume.name]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
