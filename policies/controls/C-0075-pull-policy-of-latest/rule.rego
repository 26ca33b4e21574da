package controls.c0075

import rego.v1

import data.lib.images
import data.lib.workload

# A tag that may point to another image later. A digest beside it pins the image.
is_floating(image) if {
	images.effective_tag(image) == "latest"
	images.digest(image) == ""
}

is_floating(image) if {
	images.effective_tag(image) in input.params.floatingImageTags
	images.digest(image) == ""
}

effective_policy(image, policy) := policy if {
	is_string(policy)
	policy != ""
}

else := "Always" if {
	images.effective_tag(image) == "latest"
}

else := "IfNotPresent"

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	is_floating(image)
	effective_policy(image, object.get(container.spec, ["imagePullPolicy"], "")) != "Always"
	path := workload.at(container, "imagePullPolicy")
	finding := {
		"message": sprintf("container %s can run an old image: its tag is moved, and the node does not look for a newer one", [container.name]),
		"paths": [path, workload.at(container, "image")],
		"fixes": [{"path": path, "value": "Always"}],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	image := volume.spec.image.reference
	is_floating(image)
	effective_policy(image, object.get(volume.spec, ["image", "pullPolicy"], "")) != "Always"
	path := workload.at(volume, "image.pullPolicy")
	finding := {
		"message": sprintf("volume %s can hold an old image: its tag is moved, and the node does not look for a newer one", [volume.name]),
		"paths": [path, workload.at(volume, "image.reference")],
		"fixes": [{"path": path, "value": "Always"}],
	}
}
