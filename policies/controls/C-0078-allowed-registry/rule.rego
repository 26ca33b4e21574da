package controls.c0078

import rego.v1

import data.lib.images
import data.lib.workload

is_allowed(image) if {
	some pattern in input.params.imageRepositoryAllowList
	images.within(image, pattern)
}

# A template may omit the image; a pod may not, and is checked itself.
is_not_allowed(image) if {
	count(input.params.imageRepositoryAllowList) > 0
	images.name(image) != ""
	not is_allowed(image)
}

deny contains finding if {
	some container in workload.containers
	is_not_allowed(container.spec.image)
	finding := {
		"message": sprintf("container %s uses an image from %s, which is not allowed", [container.name, images.name(container.spec.image)]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	is_not_allowed(volume.spec.image.reference)
	finding := {
		"message": sprintf("volume %s uses an image from %s, which is not allowed", [volume.name, images.name(volume.spec.image.reference)]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
