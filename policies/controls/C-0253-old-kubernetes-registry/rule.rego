package controls.c0253

import rego.v1

import data.lib.images
import data.lib.workload

# What follows the host stays the same at the new registry.
moved(image) := concat("", ["registry.k8s.io", substring(image, count("k8s.gcr.io"), -1)])

# The registry before k8s.gcr.io. Not everything in it moved under the same name.
ancient(image) if {
	images.registry(image) == "gcr.io"
	repository := images.repository(image)
	some place in ["google-containers", "google_containers"]
	lies_in(repository, place)
}

lies_in(repository, place) if repository == place

lies_in(repository, place) if startswith(repository, concat("", [place, "/"]))

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	is_string(image)
	images.registry(image) == "k8s.gcr.io"
	path := workload.at(container, "image")
	finding := {
		"message": sprintf("container %s takes its image from k8s.gcr.io, which gets no updates any more", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": moved(image)}],
	}
}

deny contains finding if {
	some container in workload.containers
	ancient(container.spec.image)
	finding := {
		"message": sprintf("container %s takes its image from an old registry of Kubernetes, which gets no updates any more", [container.name]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# A volume can be an image too.
deny contains finding if {
	some volume in workload.volumes
	image := volume.spec.image.reference
	is_string(image)
	images.registry(image) == "k8s.gcr.io"
	path := workload.at(volume, "image.reference")
	finding := {
		"message": sprintf("volume %s takes its image from k8s.gcr.io, which gets no updates any more", [volume.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": moved(image)}],
	}
}

deny contains finding if {
	some volume in workload.volumes
	ancient(volume.spec.image.reference)
	finding := {
		"message": sprintf("volume %s takes its image from an old registry of Kubernetes, which gets no updates any more", [volume.name]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
