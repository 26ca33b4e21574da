package controls.c0091

import rego.v1

import data.lib.images
import data.lib.repositories
import data.lib.workload

applies if {
	some container in workload.containers
	repositories.is_of(container.spec.image, "kyverno/kyverno")
}

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	repositories.is_of(image, "kyverno/kyverno")
	version := images.tag(image)
	regex.match(`^v?1\.8\.[34](-[a-z]+)?$`, version)
	finding := {
		"message": sprintf("container %s runs Kyverno %s, which has CVE-2022-47633: it can let unsigned images run", [container.name, version]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}
