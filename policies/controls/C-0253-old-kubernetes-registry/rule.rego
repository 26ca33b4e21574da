package controls.c0253

import rego.v1

import data.lib.images
import data.lib.workload

# The same reference at the new registry: everything after the host stays.
new_reference(image) := concat("", ["registry.k8s.io", substring(image, count("k8s.gcr.io"), -1)])

# The registry before k8s.gcr.io. Some of its images have another name at the new registry, so there is no fix.
is_legacy_registry(image) if {
	images.registry(image) == "gcr.io"
	repository := images.repository(image)
	some prefix in ["google-containers", "google_containers"]
	is_under(repository, prefix)
}

is_under(repository, prefix) if repository == prefix

is_under(repository, prefix) if startswith(repository, concat("", [prefix, "/"]))

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	is_string(image)
	images.registry(image) == "k8s.gcr.io"
	path := workload.at(container, "image")
	finding := {
		"message": sprintf("container %s uses an image from k8s.gcr.io, which no longer gets updates", [container.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": new_reference(image)}],
	}
}

deny contains finding if {
	some container in workload.containers
	is_legacy_registry(container.spec.image)
	finding := {
		"message": sprintf("container %s uses an image from an old Kubernetes registry, which no longer gets updates", [container.name]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}

# The source of a volume can be an image.
deny contains finding if {
	some volume in workload.volumes
	image := volume.spec.image.reference
	is_string(image)
	images.registry(image) == "k8s.gcr.io"
	path := workload.at(volume, "image.reference")
	finding := {
		"message": sprintf("volume %s uses an image from k8s.gcr.io, which no longer gets updates", [volume.name]),
		"paths": [path],
		"fixes": [{"path": path, "value": new_reference(image)}],
	}
}

deny contains finding if {
	some volume in workload.volumes
	is_legacy_registry(volume.spec.image.reference)
	finding := {
		"message": sprintf("volume %s uses an image from an old Kubernetes registry, which no longer gets updates", [volume.name]),
		"paths": [workload.at(volume, "image.reference")],
		"fixes": [],
	}
}
