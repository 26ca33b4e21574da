package controls.c0304

import rego.v1

import data.lib.collections
import data.lib.images
import data.lib.provenance

deny contains finding if {
	some list in ["containers", "initContainers"]
	some i, container in collections.list(object.get(input.object, ["spec", "podTemplate", "spec", list], []))
	image := container.image
	provenance.is_moving_image(image, input.params.floatingImageTags)
	finding := {
		"message": sprintf("image %s of the sandbox has no fixed tag", [image]),
		"paths": [sprintf("spec.podTemplate.spec.%s[%d].image", [list, i])],
		"fixes": [],
	}
}

deny contains finding if {
	some list in ["containers", "initContainers"]
	some i, container in collections.list(object.get(input.object, ["spec", "podTemplate", "spec", list], []))
	image := container.image
	provenance.is_not_allowed(image, input.params.imageRepositoryAllowList)
	finding := {
		"message": sprintf("an image of the sandbox comes from %s, which is not allowed", [images.name(image)]),
		"paths": [sprintf("spec.podTemplate.spec.%s[%d].image", [list, i])],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some i, volume in collections.list(object.get(input.object, ["spec", "podTemplate", "spec", "volumes"], []))
	image := volume.image.reference
	provenance.is_moving_image(image, input.params.floatingImageTags)
	finding := {
		"message": sprintf("image %s of a volume of the sandbox has no fixed tag", [image]),
		"paths": [sprintf("spec.podTemplate.spec.volumes[%d].image.reference", [i])],
		"fixes": [],
	}
}

deny contains finding if {
	some i, volume in collections.list(object.get(input.object, ["spec", "podTemplate", "spec", "volumes"], []))
	image := volume.image.reference
	provenance.is_not_allowed(image, input.params.imageRepositoryAllowList)
	finding := {
		"message": sprintf("an image of a volume of the sandbox comes from %s, which is not allowed", [images.name(image)]),
		"paths": [sprintf("spec.podTemplate.spec.volumes[%d].image.reference", [i])],
		"fixes": [],
	}
}
