package controls.c0078

import rego.v1

import data.lib.images
import data.lib.workload

allowed(image) if {
	some place in input.params.imageRepositoryAllowList
	images.within(image, place)
}

# A template may leave the image out; the pod that is made of it may not, and is judged then.
is_foreign(image) if {
	count(input.params.imageRepositoryAllowList) > 0
	images.name(image) != ""
	not allowed(image)
}

deny contains finding if {
	some container in workload.containers
	is_foreign(container.spec.image)
	finding := {
		"message": sprintf("container %s takes its image from %s, where none is allowed to come from", [container.name, images.name(container.spec.image)]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# A volume can be an image too.
deny contains finding if {
	some volume in workload.volumes
	is_foreign(volume.spec.image.reference)
	finding := {
		"message": sprintf("volume %s takes its image from %s, where none is allowed to come from", [volume.name, images.name(volume.spec.image.reference)]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
