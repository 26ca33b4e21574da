package controls.c0081

import rego.v1

import data.lib.images
import data.lib.repositories
import data.lib.workload

applies if {
	some container in workload.containers
	repositories.is_of(container.spec.image, "argoproj/argocd")
}

deny contains finding if {
	some container in workload.containers
	image := container.spec.image
	repositories.is_of(image, "argoproj/argocd")
	version := images.tag(image)
	regex.match(`^v?((0|1)\.[0-9]+\.[0-9]+|2\.0\.[0-9]+|2\.1\.[0-8]|2\.2\.[0-3])([-+_.][0-9A-Za-z].*)?$|^v?2\.3\.0-rc`, version)
	finding := {
		"message": sprintf("container %s runs Argo CD %s, which has CVE-2022-24348: it reads files of other applications", [container.name, version]),
		"paths": [workload.at(container, "image")],
		"fixes": [],
	}
}
